"""Responses: JSON or msgpack, as negotiated, or bytes; with an ETag.

The Content-Type of JSON and msgpack must be exact, without a charset. Source: docs/reference/tiled-
protocol/http.md, "JSON / msgpack negotiation" and "Response headers".
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from typing import Any

import msgpack
import orjson
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from rest_framework.request import Request

from core.http.media_types import preferences

from . import server_timing
from .buffer_responses import BufferResponse, ChunkedResponse, Piece
from .etags import etag_of, has_already

CONTROL = re.compile(r"[\x00-\x1f\x7f]")
JSON = "application/json"
MSGPACK = "application/x-msgpack"
# A stream of chunks that is not longer than this is sent as one body.
MAX_JOINED_BYTES = 1 << 20

Headers = dict[str, str]


def render(request: Request, value: Any, *, headers: Headers | None = None) -> HttpResponse:
    """Return `value` as JSON or msgpack, by the Accept header; JSON by default."""
    media_type = negotiate_json_or_msgpack(request)
    with server_timing.measure("pack"):
        body = msgpack_bytes(value) if media_type == MSGPACK else json_bytes(value)
    return binary(request, body, media_type, headers=headers)


def binary(
    request: Request,
    body: Piece,
    media_type: str,
    *,
    itemsize: int = 1,
    headers: Headers | None = None,
) -> HttpResponse:
    """Return a response of `body`, or an empty 304 if the client has it.

    A memoryview (of bytes) is sent without a copy. `itemsize` is the size of an element in bytes,
    if the body is an array of numbers: it improves compression.
    """
    with server_timing.measure("tok"):
        etag = etag_of(body, media_type)
    headers = {**(headers or {}), "ETag": etag}
    if has_already(request, etag):
        return HttpResponse(status=304, headers=headers)
    return BufferResponse(
        body, itemsize=itemsize, content_type=_with_charset(media_type), headers=headers
    )


def stream(
    request: Request,
    pieces: Iterator[Piece],
    media_type: str,
    *,
    length: int | None = None,
    etag: str | None = None,
    itemsize: int = 1,
    headers: Headers | None = None,
) -> HttpResponseBase:
    """Return a response in chunks, each made when the client can receive it.

    A small body is sent as one. `length` in bytes and `etag` are passed if they are known
    beforehand. An error before much was sent becomes an error response; after that the connection
    is aborted, so that the client does not take a part for the whole. `pieces` are always closed.
    """
    headers = dict(headers or {})
    if etag is not None:
        headers["ETag"] = etag
        if has_already(request, etag):
            _close(pieces)
            return HttpResponse(status=304, headers=headers)
    first, ended = _gathered(pieces)
    if ended and etag is None:
        return binary(request, b"".join(first), media_type, headers=headers)
    if length is not None:
        headers["Content-Length"] = str(length)
    return ChunkedResponse(
        first,
        pieces,
        itemsize=itemsize,
        content_type=_with_charset(media_type),
        headers=headers,
    )


def _gathered(pieces: Iterator[Piece]) -> tuple[list[Piece], bool]:
    """Return the first chunks, up to `MAX_JOINED_BYTES`, and whether they are all."""
    first: list[Piece] = []
    size = 0
    for piece in pieces:
        first.append(piece)
        size += len(piece)
        if size > MAX_JOINED_BYTES:
            return first, False
    return first, True


def _close(pieces: Iterator[Piece]) -> None:
    close = getattr(pieces, "close", None)
    if close is not None:
        close()


def _with_charset(media_type: str) -> str:
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type


def attachment_headers(request: Request) -> Headers:
    """Return the headers of a download, if the request has a file name."""
    name = CONTROL.sub("", request.query_params.get("filename") or "")
    if not name:
        return {}
    return {"Content-Disposition": content_disposition_header(True, name) or "attachment"}


def negotiate_json_or_msgpack(request: Request) -> str:
    """Return the media type of JSON or msgpack, by the Accept header."""
    for part in preferences(request.META.get("HTTP_ACCEPT") or "*/*"):
        media_type = part.partition(";")[0].strip().lower()
        if media_type in {"*/*", "application/*", JSON}:
            return JSON
        if media_type == MSGPACK:
            return MSGPACK
    return JSON


def json_bytes(value: Any) -> bytes:
    """Return `value` as JSON; NaN and infinities become null."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def msgpack_bytes(value: Any) -> bytes:
    """Return `value` as msgpack; times become its Timestamp extension."""
    return bytes(msgpack.packb(value, default=_plain, datetime=True))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.datetime):  # msgpack encodes only aware times
        return value.astimezone()
    raise TypeError(f"{type(value).__name__} cannot be encoded in msgpack")
