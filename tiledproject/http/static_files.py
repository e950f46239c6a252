"""Static files of the admin and of the documentation page: GET and HEAD, no body is read.

The table of files is made once, from Django's finders, so that no path outside of it can be
reached. An address with the digest of its content (`?v=`, as `VersionedStaticFiles` writes it) may
be cached forever; any other has to be revalidated by its ETag.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import mimetypes
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.urls import get_script_prefix

from .root_path import inner_path

Scope = dict[str, Any]
Headers = list[tuple[bytes, bytes]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

METHODS = ("GET", "HEAD")
DIGEST_LENGTH = 16
# A client that does not read costs one piece, because `send` waits until the last one has left.
CHUNK_BYTES = 1 << 16
COMPRESSED_TYPES = {"application/javascript", "application/json", "image/svg+xml"}
IMMUTABLE = b"public, max-age=31536000, immutable"
REVALIDATE = b"public, no-cache"


class File(NamedTuple):
    """A static file in memory. All of them together are a few megabytes."""

    content: bytes
    digest: str
    media_type: str
    # Compressed once; None for a format that is compressed already.
    compressed: bytes | None


class VersionedStaticFiles(StaticFilesStorage):
    """Writes the digest of a file's content into its address, so that it can be cached forever."""

    def url(self, name: str | None) -> str:
        """Return the address below the root path, with the digest where the file exists."""
        address = get_script_prefix().rstrip("/") + super().url(name)
        path = finders.find(name) if name else None
        if not isinstance(path, str) or not Path(path).is_file():
            return address
        return f"{address}?v={_load(Path(path)).digest}"


class StaticFiles:
    """An ASGI application that answers below `prefix` itself, and passes on all other requests."""

    def __init__(self, application: Application, prefix: str) -> None:
        self._application = application
        self._prefix = prefix
        self._files = _find_all()

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Handle one request."""
        if scope["type"] != "http" or not inner_path(scope).startswith(self._prefix):
            await self._application(scope, receive, send)
            return
        status, headers, content = await self._answer(scope)
        headers.append((b"x-content-type-options", b"nosniff"))
        if _has_body(scope["headers"]):
            # The body is never read, so no other request can follow on this connection.
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        view = memoryview(b"" if scope["method"] == "HEAD" else content)
        for begin in range(0, len(view), CHUNK_BYTES):
            piece = view[begin : begin + CHUNK_BYTES]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _answer(self, scope: Scope) -> tuple[int, Headers, bytes]:
        if scope["method"] not in METHODS:
            return _refusal(405, b"Method Not Allowed", [(b"allow", b"GET, HEAD")])
        path = self._files.get(inner_path(scope).removeprefix(self._prefix))
        if path is None:
            return _refusal(404, b"Not Found")
        try:
            file = await asyncio.to_thread(_load, path)
        except OSError:
            return _refusal(404, b"Not Found")
        etag = f'"{file.digest}"'.encode()
        versioned = parse_qs(scope["query_string"].decode("latin-1")).get("v") == [file.digest]
        # Weak, since it names the content in either encoding.
        headers = [
            (b"etag", b"W/" + etag),
            (b"cache-control", IMMUTABLE if versioned else REVALIDATE),
        ]
        if file.compressed is not None:
            headers.append((b"vary", b"Accept-Encoding"))
        if etag in _known_tags(scope["headers"]):
            return 304, headers, b""
        headers.append((b"content-type", file.media_type.encode()))
        content = file.content
        if file.compressed is not None and _accepts_gzip(scope["headers"]):
            headers.append((b"content-encoding", b"gzip"))
            content = file.compressed
        headers.append((b"content-length", str(len(content)).encode()))
        return 200, headers, content


def _find_all() -> Mapping[str, Path]:
    """Find all static files of the installed applications, by their path below the prefix."""
    found: dict[str, Path] = {}
    for finder in finders.get_finders():
        for path, storage in finder.list([]):
            prefix = getattr(storage, "prefix", None)
            found.setdefault(f"{prefix}/{path}" if prefix else path, Path(storage.path(path)))
    return found


def _load(path: Path) -> File:
    return _load_version(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=1024)
def _load_version(path: Path, _: int) -> File:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:DIGEST_LENGTH]
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    text = media_type.startswith("text/") or media_type in COMPRESSED_TYPES
    # Without a time in its header, so that every worker has the same bytes.
    return File(content, digest, media_type, gzip.compress(content, 9, mtime=0) if text else None)


def _refusal(status: int, text: bytes, more: Headers | None = None) -> tuple[int, Headers, bytes]:
    length = (b"content-length", str(len(text)).encode())
    return status, [(b"content-type", b"text/plain; charset=utf-8"), length, *(more or [])], text


def _has_body(headers: Headers) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in headers
    )


def _accepts_gzip(headers: Headers) -> bool:
    """Return whether a client accepts gzip; a weight of 0 refuses it."""
    values = b",".join(value for name, value in headers if name == b"accept-encoding")
    codings = (one.strip().lower().partition(b";") for one in values.split(b","))
    return any(
        name.strip() == b"gzip" and parameters.replace(b" ", b"") not in (b"q=0", b"q=0.0")
        for name, _, parameters in codings
    )


def _known_tags(headers: Headers) -> set[bytes]:
    values = [value for name, value in headers if name == b"if-none-match"]
    return {tag.strip().removeprefix(b"W/") for value in values for tag in value.split(b",")}
