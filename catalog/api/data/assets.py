"""The files of a node over HTTP: list, download, remove.

Source: docs/reference/tiled-protocol/http.md, "External data", assets.
"""

from __future__ import annotations

import mimetypes
import re

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import http_date
from rest_framework.request import Request

from core.errors import Invalid
from access.principals import Scope

from ...services.assets import downloads
from ...services.assets.downloads import RawFile
from ...metrics import READS
from ..views import NodeView
from core.http.byte_ranges import Unsatisfiable, is_known, requested_range
from core.http.requests import flag, integer
from core.http.responses import render

# The largest value of the database column.
MAX_ASSET_ID = 2**63 - 1
# Media types that browsers do not execute. Files of other types are sent as octet-stream.
SAFE_MEDIA_TYPES = {
    "application/json",
    "application/x-hdf5",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/tiff",
    "text/csv",
    "text/plain",
}
UNSAFE_CHARACTERS = re.compile(r'["\\\x00-\x1f\x7f]')


class AssetManifestView(NodeView):
    """A folder of a node."""

    scopes = {"GET": (Scope.read_data,)}

    def get(self, request: Request, path: str) -> HttpResponse:
        """Return the relative paths of the files in the folder."""
        found = downloads.list_files(path=path, asset_id=_asset_id(request))
        return render(request, {"manifest": found})


class AssetBytesView(NodeView):
    """A file of a node, or one in a folder of it."""

    scopes = {"GET": (Scope.read_data,)}

    def get(self, request: Request, path: str) -> HttpResponseBase:
        """Return the bytes of the file, or of a `Range` of it."""
        file = downloads.open_asset(
            path=path,
            asset_id=_asset_id(request),
            relative_path=request.query_params.get("relative_path"),
        )
        READS.labels("asset", _media_type(file.name)).add()
        return _answer(request, file)


class AssetView(NodeView):
    """A file or folder of a node."""

    scopes = {"DELETE": (Scope.delete_node,)}

    def delete(self, request: Request, path: str) -> HttpResponse:
        """Remove the asset from the node, and delete its files if they are in managed storage."""
        deleted = downloads.delete_asset(
            path=path,
            asset_id=_asset_id(request),
            external_only=flag(request, "external_only", True),
        )
        return render(request, {"asset_deleted": deleted.asset, "data_deleted": deleted.data})


def _asset_id(request: Request) -> int:
    found = integer(request, "id", high=MAX_ASSET_ID)
    if found is None:
        raise Invalid("The query parameter id is missing: the id of an asset.")
    return found


def _answer(request: Request, file: RawFile) -> HttpResponseBase:
    size, modified = file.opened.size, file.opened.modified // 1_000_000_000
    etag = f'"{file.opened.tag}"'
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Disposition": _attachment(file.name),
        "ETag": etag,
        "Last-Modified": http_date(modified),
    }
    if is_known(request, etag, modified):
        file.opened.close()
        return HttpResponse(status=304, headers=headers)
    if file.url is not None:
        # The client repeats the request there, with its Range, and without its credentials.
        file.opened.close()
        return HttpResponse(status=307, headers={"Location": file.url, "Cache-Control": "no-store"})
    try:
        part = requested_range(request, size, etag, modified)
    except Unsatisfiable:
        file.opened.close()
        return HttpResponse(status=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    return _sent(file, part, headers)


def _sent(file: RawFile, part: range | None, headers: dict[str, str]) -> HttpResponseBase:
    size = file.opened.size
    wanted = range(size) if part is None else part
    if part is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    headers["Content-Length"] = str(len(wanted))
    # A browser saves the file and never renders it.
    headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return StreamingHttpResponse(
        file.opened.chunks(wanted.start, len(wanted)),
        status=200 if part is None else 206,
        content_type=_media_type(file.name),
        headers=headers,
    )


def _attachment(name: str) -> str:
    """Return a Content-Disposition that all clients parse: the name in UTF-8, without escapes."""
    plain = UNSAFE_CHARACTERS.sub("_", name).encode(errors="replace").decode("latin1")
    return f'attachment; filename="{plain}"'


def _media_type(name: str) -> str:
    """Return the media type by the file name, if browsers never execute such files."""
    media_type, encoding = mimetypes.guess_type(name)
    return media_type if media_type in SAFE_MEDIA_TYPES and not encoding else "application/octet-stream"
