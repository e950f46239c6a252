"""ETags: what a body is known by, so that nobody gets again what they have.

Source: the wire, "Compression and caching". A tag follows from the bytes and the media type alone:
each process gives the same. It stands without quotes, as clients of this API know it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import xxhash
from rest_framework.request import Request

if TYPE_CHECKING:
    from typing_extensions import Buffer


def etag_of(body: Buffer, media_type: str) -> str:
    """The tag of `body` as `media_type`: 32 hexadecimal digits."""
    # Twenty times as fast as a cryptographic one. Who could make two bodies with one tag could
    # only show the one for the other to readers of what they write themselves.
    digest = xxhash.xxh3_128(media_type.encode())
    digest.update(body)
    return digest.hexdigest()


def has_already(request: Request, etag: str) -> bool:
    """Whether the client said that it keeps the body of this tag: alone, in a list, weak or `*`."""
    header = request.META.get("HTTP_IF_NONE_MATCH")
    if not header or request.method != "GET":
        return False
    if header == etag:
        return True
    tags = (part.strip().removeprefix("W/").strip('"') for part in header.split(","))
    return any(tag in {etag, "*"} for tag in tags)
