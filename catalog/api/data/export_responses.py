"""Answers with data, in the format that the request asks for.

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
from core.backend_failures import outage_of
from ...storage.errors import StorageError
from core.http import server_timing
from core.http.responses import attachment_headers, binary, stream

# What libraries raise for what they cannot write.
FORMLESS = (
    *(pa.ArrowException, ValueError, OverflowError, OSError, orjson.JSONEncodeError),
    # Of numpy's texts with characters beyond Unicode, where Python cannot make one.
    SystemError,
)
# A page of data has pictures and rows, and no business with this site.
CAGE = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox"


class Described(Protocol):
    """A node, or a column of one, as exporters see it."""

    @property
    def segments(self) -> list[str]:
        """The keys from the root to it."""
        ...

    @property
    def specs(self) -> Any:
        """What it declares itself to be."""
        ...

    @property
    def metadata(self) -> Any:
        """Whatever is known of it."""
        ...

    @property
    def structure(self) -> Any:
        """What its data look like."""
        ...


def data_answer(
    request: Request, node: Described, family: StructureFamily, read: Callable[[], Any]
) -> HttpResponseBase:
    """Return the result of `read` in the requested format; it is read once the format is known.

    Raises NotAcceptable where there is no such format, or the data have no form in it.
    """
    choice = choice_of(request, node, family)
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
    with server_timing.measure("pack"), _formless(choice):
        body = choice.exporter(export)
    return _answer(request, body, choice, _itemsize(export))


def choice_of(request: Request, node: Described, family: StructureFamily) -> Choice:
    """Return the requested format. Raises NotAcceptable."""
    return _chosen(request, _specs(node), family)


def check_format(request: Request, family: StructureFamily, media_type: str) -> None:
    """Raise NotAcceptable unless the request takes `media_type`, the only one there is."""
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


def _specs(node: Described) -> tuple[str, ...]:
    return tuple(spec["name"] for spec in node.specs)


def _itemsize(export: Export[Any]) -> int:
    octets = export.media_type == OCTET_STREAM and isinstance(export.data, np.ndarray)
    return export.data.dtype.itemsize if octets else 1


def _answer(request: Request, body: Body, choice: Choice, itemsize: int) -> HttpResponseBase:
    headers = attachment_headers(request)
    if choice.media_type == HTML:
        headers["Content-Security-Policy"] = CAGE
    media_type = choice.content_type
    if isinstance(body, (bytes, memoryview)):
        return binary(request, body, media_type, itemsize=itemsize, headers=headers)
    # The first pieces are made here: what has no form is found before half of it has been sent.
    with _formless(choice):
        return stream(request, iter(body), media_type, headers=headers)


@contextmanager
def _formless(choice: Choice) -> Iterator[None]:
    """Say what a library says of data that it cannot write."""
    try:
        yield
    except (ServiceError, StorageError):
        raise
    except FORMLESS as error:
        if outage_of(error) is not None:
            raise
        raise unsupported_data_error(str(error), choice.media_type) from error
