"""Rendering: JSON or msgpack as the client reads it, with an ETag.

Source: the wire, "JSON / msgpack negotiation". The Content-Type must be exact, without a charset.
"""

from __future__ import annotations

import datetime
import hashlib
from typing import Any

import msgpack
import orjson
from django.http import HttpResponse
from django.utils.http import content_disposition_header
from rest_framework.request import Request

from . import durations

JSON = "application/json"
MSGPACK = "application/x-msgpack"


def render(request: Request, value: Any, *, headers: dict[str, str] | None = None) -> HttpResponse:
    """`value` as JSON or msgpack, whichever the client accepts first; else as JSON."""
    media_type = accepted(request)
    with durations.part("pack"):
        body = packed(value) if media_type == MSGPACK else json_bytes(value)
    return binary(request, body, media_type, headers=headers)


def binary(
    request: Request, body: bytes, media_type: str, *, headers: dict[str, str] | None = None
) -> HttpResponse:
    """`body` as it is, or an empty 304 where the client has it already."""
    with durations.part("tok"):
        etag = hashlib.blake2b(body, digest_size=16, key=media_type.encode()[:64]).hexdigest()
    headers = {**(headers or {}), "ETag": etag}
    if request.method == "GET" and request.META.get("HTTP_IF_NONE_MATCH") == etag:
        return HttpResponse(status=304, headers=headers)
    charset = "; charset=utf-8" if media_type.startswith("text/") else ""
    return HttpResponse(body, content_type=media_type + charset, headers=headers)


def attachment(request: Request) -> dict[str, str]:
    """Headers that make a browser keep the body as a file, where the request names one."""
    name = request.query_params.get("filename")
    if not name:
        return {}
    return {"Content-Disposition": content_disposition_header(True, name) or "attachment"}


def accepted(request: Request) -> str:
    """JSON or msgpack, by the Accept header."""
    for part in (request.META.get("HTTP_ACCEPT") or "*/*").split(","):
        media_type = part.partition(";")[0].strip()
        if media_type in {"*/*", JSON}:
            return JSON
        if media_type == MSGPACK:
            return MSGPACK
    return JSON


def json_bytes(value: Any) -> bytes:
    """`value` as JSON; NaN and infinities become null."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def packed(value: Any) -> bytes:
    """`value` as msgpack; times as its Timestamp extension."""
    return bytes(msgpack.packb(value, default=_plain, datetime=True))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.datetime):  # msgpack takes only aware ones by itself
        return value.astimezone()
    raise TypeError(f"{type(value).__name__} cannot be said in msgpack")
