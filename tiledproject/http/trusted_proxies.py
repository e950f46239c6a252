"""Strip X-Forwarded-* headers unless they come from a trusted proxy.

A proxy forwards in them the client's address and the host and scheme that it was reached by. Any
client could send them, so the rest of the server sees those of trusted proxies only.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from access.authentication.client_address import SCOPE_ADDRESS, canonical_address

FORWARDED = b"x-forwarded-"
CLIENT = b"x-forwarded-for"

Application = Callable[[Any, Any, Any], Awaitable[None]]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class TrustedProxyMiddleware:
    """ASGI middleware that removes X-Forwarded-* headers of untrusted clients."""

    def __init__(self, application: Application, networks: Iterable[Network]) -> None:
        self._application = application
        self._is_known = proxy_matcher(networks)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Pass a connection on, with the address of its client."""
        if scope["type"] in ("http", "websocket"):
            if _forwarded(scope["headers"]):
                scope = self._checked(scope)
            peer = (scope.get("client") or ("",))[0]
            # The client of a proxy that sends no X-Forwarded-For is unknown.
            scope[SCOPE_ADDRESS] = "" if self._is_known(peer) else canonical_address(peer)
        await self._application(scope, receive, send)

    def _checked(self, scope: Mapping[str, Any]) -> dict[str, Any]:
        peer = (scope.get("client") or ("",))[0]
        headers = scope["headers"]
        if not self._is_known(peer):
            kept = [(name, value) for name, value in headers if not name.startswith(FORWARDED)]
            return {**scope, "headers": kept}
        hops = [value.decode("latin-1") for name, value in headers if name == CLIENT]
        kept = [(name, value) for name, value in headers if name != CLIENT]
        client = self._client(",".join(hops).split(","))
        return {**scope, "headers": kept} | ({"client": (client, 0)} if client else {})

    def _client(self, hops: Sequence[str]) -> str | None:
        """Return the last address that is not a trusted proxy's: those before it can be forged."""
        for hop in reversed([hop.strip() for hop in hops]):
            if _address(hop) is None:
                return None
            if not self._is_known(hop):
                return hop
        return None


def proxy_matcher(networks: Iterable[Network]) -> Callable[[str], bool]:
    """Return a function that checks whether a peer is in one of `networks`."""
    known = tuple(networks)

    @lru_cache(4096)
    def is_known(peer: str) -> bool:
        # A unix socket has no peer address; its file mode restricts access.
        if not peer:
            return True
        address = _address(peer)
        return address is not None and any(address in network for network in known)

    return is_known


def _forwarded(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name.startswith(FORWARDED) for name, _ in headers)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address
