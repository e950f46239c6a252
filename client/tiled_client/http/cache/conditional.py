"""Conditional requests: a GET with the ETag of what the cache has, and 304 in response to it.

What is in the cache is never used without a request, since data may change at any time.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, TypeVar

from ..request import Request
from ..responses import Response
from ..transport import Transport
from .cache import Cache
from .entry import CachedResponse

OK, NOT_MODIFIED = 200, 304
# Headers on which a response depends, beside those of credentials and options.
VARYING = ("Accept", "Accept-Encoding")

T = TypeVar("T")


async def exchange_with_cache(
    cache: Cache,
    transport: Transport,
    request: Request,
    credentials: Mapping[str, str],
    headers: Mapping[str, str],
) -> Response:
    """Make one attempt of a GET request; after 304, return the response from the cache.

    `headers` are those of every request of this client. Raises TransportError.
    """
    name = _name(request, credentials, headers)
    entry = await _call(cache, transport, partial(cache.find, name))
    if entry is not None:
        conditional = {**request.headers, "If-None-Match": entry.etag}
        request = replace(request, headers=conditional)
    response = await transport.exchange(request, credentials)
    if response.status == NOT_MODIFIED and entry is not None:
        cache.tally(entry)
        return _as_new(response, entry)
    if response.status == OK:
        cache.tally(None)
        if (received := _entry(response)) is not None:
            await _call(cache, transport, partial(cache.keep, name, received))
    return response


def _name(request: Request, credentials: Mapping[str, str], headers: Mapping[str, str]) -> bytes:
    """Return what an entry is found by: the request, and the principal that sends it."""
    varying = [request.headers.get(name) for name in VARYING]
    principal = _principal(credentials.get("Authorization", ""))
    parts = (request.url, request.params, varying, sorted(headers.items()), principal)
    return json.dumps(parts).encode()


@lru_cache(maxsize=64)
def _principal(authorization: str) -> str:
    """Return who a header stands for: access tokens change, their subject does not."""
    kind, _, token = authorization.partition(" ")
    payload = token.split(".")[1:2]
    if kind != "Bearer" or not payload:
        return authorization
    try:
        # Only the server can verify it, and does so for each request.
        claims = json.loads(base64.urlsafe_b64decode(payload[0] + "=="))
        return json.dumps([kind, claims.get("iss"), claims["sub"]])
    except (binascii.Error, ValueError, AttributeError, TypeError, KeyError):
        return authorization


def _entry(response: Response) -> CachedResponse | None:
    """Return what to keep of a response; None if it has no ETag or must not be kept."""
    etag = response.headers.get("ETag")
    if not etag or "no-store" in response.headers.get("Cache-Control", ""):
        return None
    return CachedResponse(etag, response.headers.get("Content-Type", ""), response.content)


def _as_new(response: Response, entry: CachedResponse) -> Response:
    """Return a 304 as the 200 that it stands for, with its own headers."""
    from requests.structures import CaseInsensitiveDict

    headers: Any = CaseInsensitiveDict(response.headers)
    headers["Content-Type"] = entry.media_type
    return replace(response, status=OK, headers=headers, content=entry.body)


async def _call(cache: Cache, transport: Transport, function: Callable[[], T]) -> T:
    """Call a method of a cache; one that waits for a disk must not delay an event loop."""
    return await transport.call(function) if cache.blocks else function()
