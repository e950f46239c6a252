"""Responses with data in the requested export format.

Source: docs/reference/tiled-protocol/http.md, "Formats".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import orjson
import pyarrow as pa
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from access.authentication.client_address import client_address
from core.errors import NotAcceptable, ServiceError
from access.api.permissions import principal_of
from access.principals import Scope
from tiled_client.wire.structure_family import StructureFamily

from ...formats.exports import Body, Export, unsupported_data_error
from core.http.media_types import HTML, OCTET_STREAM
from ...formats.negotiation import Choice, choose
from ...formats.registry import formats
from ...metrics import READS
from core.backend_failures import outage_of
from ...storage.errors import StorageError
from core.http import server_timing
from core.http.responses import attachment_headers, binary, stream

# Exceptions by which libraries reject data that a format cannot represent.
UNSUPPORTED_BY_FORMAT = (
    *(pa.ArrowException, ValueError, OverflowError, OSError, orjson.JSONEncodeError),
    # CPython raises it for numpy strings with code points beyond Unicode.
    SystemError,
)
# An exported page may show inline images and styles, but not act on this site.
HTML_CSP = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox"


class Exportable(Protocol):
    """The interface of nodes and columns that exporters use."""

    @property
    def segments(self) -> list[str]:
        """The keys from the root to this node."""
        ...

    @property
    def specs(self) -> Any:
        """The declared specs."""
        ...

    @property
    def metadata(self) -> Any:
        """The metadata."""
        ...

    @property
    def structure(self) -> Any:
        """The structure of the data."""
        ...


def export_response(
    request: Request, node: Exportable, family: StructureFamily, read: Callable[[], Any]
) -> HttpResponseBase:
    """Return the data in the requested format; `read` is called after the format is negotiated.

    Raises NotAcceptable if the format is unknown or cannot represent the data.
    """
    choice = negotiate_format(request, node, family)
    READS.labels(family.value, choice.media_type).add()
    export = Export(
        read(),
        choice.media_type,
        key=node.segments[-1] if node.segments else "",
        metadata=node.metadata if Scope.read_metadata in principal_of(request).scopes else {},
        specs=_specs(node),
        dims=getattr(node.structure, "dims", None),
        parameters=choice.parameters,
        address=client_address(request._request),
    )
    with server_timing.measure("pack"), _translate_library_errors(choice):
        body = choice.exporter(export)
    return _answer(request, body, choice, _itemsize(export))


def negotiate_format(request: Request, node: Exportable, family: StructureFamily) -> Choice:
    """Return the requested format. Raises NotAcceptable."""
    return _chosen(request, _specs(node), family)


def check_format(request: Request, family: StructureFamily, media_type: str) -> None:
    """Raise NotAcceptable unless the request accepts `media_type`, the only one supported."""
    known = _chosen(request, (), family)
    if known.media_type != media_type:
        raise NotAcceptable(
            "None of the media types requested by the client are supported. "
            f"Supported: {media_type}. Requested: {_wanted(request)}."
        )


def _chosen(request: Request, specs: Sequence[str], family: StructureFamily) -> Choice:
    named = bool(request.query_params.get("format"))
    return choose(formats(), specs, family, _wanted(request), header=not named)


def _wanted(request: Request) -> str:
    return request.query_params.get("format") or request.META.get("HTTP_ACCEPT") or "*/*"


def _specs(node: Exportable) -> tuple[str, ...]:
    return tuple(spec["name"] for spec in node.specs)


def _itemsize(export: Export[Any]) -> int:
    octets = export.media_type == OCTET_STREAM and isinstance(export.data, np.ndarray)
    return export.data.dtype.itemsize if octets else 1


def _answer(request: Request, body: Body, choice: Choice, itemsize: int) -> HttpResponseBase:
    headers = attachment_headers(request)
    if choice.media_type == HTML:
        headers["Content-Security-Policy"] = HTML_CSP
    media_type = choice.content_type
    if isinstance(body, (bytes, memoryview)):
        return binary(request, body, media_type, itemsize=itemsize, headers=headers)
    # `stream` fetches the first pieces here, so that unsupported data fail before the response.
    with _translate_library_errors(choice):
        return stream(request, iter(body), media_type, headers=headers)


@contextmanager
def _translate_library_errors(choice: Choice) -> Iterator[None]:
    """Turn the exceptions of export libraries into NotAcceptable, with their message."""
    try:
        yield
    except (ServiceError, StorageError):
        raise
    except UNSUPPORTED_BY_FORMAT as error:
        if outage_of(error) is not None:
            raise
        raise unsupported_data_error(str(error), choice.media_type) from error
