"""Answers: JSON or msgpack as the client reads it, or bytes; with an ETag, compressed where asked.

Source: the wire, "JSON / msgpack negotiation" and "Response headers". The Content-Type of JSON and
msgpack must be exact, without a charset.
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
# What comes in pieces, and is no longer than this together, is sent as one after all.
MAX_JOINED_BYTES = 1 << 20

Headers = dict[str, str]


def render(request: Request, value: Any, *, headers: Headers | None = None) -> HttpResponse:
    """`value` as JSON or msgpack, whichever the client accepts first; else as JSON."""
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
    """`body` as it is, or an empty 304 where the client has it already.

    A memoryview (of bytes) is sent from where it lies. `itemsize` is how many bytes an element
    takes, where the body is of numbers: it helps compression.
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
    """A body in `pieces`, each made when the client has room for it; few bytes are sent as one.

    `length` in bytes, and an `etag` that follows from what the pieces are made of, where they are
    known beforehand. What fails before there is much of it is an error like any other; later the
    connection is cut, so that nobody takes a part for the whole. `pieces` are closed at the end,
    whatever it is.
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
    """The first pieces, up to `GATHERED` bytes, and whether they are all."""
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
    """Headers that make a browser keep the body as a file, where the request names one."""
    name = CONTROL.sub("", request.query_params.get("filename") or "")
    if not name:
        return {}
    return {"Content-Disposition": content_disposition_header(True, name) or "attachment"}


def negotiate_json_or_msgpack(request: Request) -> str:
    """JSON or msgpack, by the Accept header."""
    for part in preferences(request.META.get("HTTP_ACCEPT") or "*/*"):
        media_type = part.partition(";")[0].strip().lower()
        if media_type in {"*/*", "application/*", JSON}:
            return JSON
        if media_type == MSGPACK:
            return MSGPACK
    return JSON


def json_bytes(value: Any) -> bytes:
    """`value` as JSON; NaN and infinities become null."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def msgpack_bytes(value: Any) -> bytes:
    """`value` as msgpack; times as its Timestamp extension."""
    return bytes(msgpack.packb(value, default=_plain, datetime=True))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.datetime):  # msgpack takes only aware ones by itself
        return value.astimezone()
    raise TypeError(f"{type(value).__name__} cannot be said in msgpack")
