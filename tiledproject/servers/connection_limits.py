"""Limits on HTTP connections of a server process, in total and per address."""

from __future__ import annotations

import json
import logging
import resource
import secrets
import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from http import HTTPStatus

from django.conf import settings

from access.authentication.client_address import canonical_address

from ..http.trusted_proxies import proxy_matcher

logger = logging.getLogger(__name__)

LOG_SECONDS = 10.0
RETRY_AFTER = 5
# The remaining file descriptors of a process are for storage, database and streams.
SHARE_OF_FILES = 0.75


class ConnectionLimiter:
    """The open HTTP connections of this process."""

    def __init__(self, most: int, per_address: int, is_proxy: Callable[[str], bool]) -> None:
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        allowed = int(soft * SHARE_OF_FILES)
        self._most = most if soft == resource.RLIM_INFINITY else min(most, allowed)
        self._per_address = per_address
        self._is_proxy = is_proxy
        self._count = 0
        self._by_address: Counter[str] = Counter()
        self._logged = float("-inf")

    def acquire(self, peer: str) -> bytes | None:
        """Count a connection; return an error response if there are too many.

        Call `release` in both cases.
        """
        address = self._address(peer)
        self._count += 1
        self._by_address[address] += 1
        if self._count > self._most:
            return self._refused(503, "Too many connections (budgets.connections).")
        if address and self._by_address[address] > self._per_address:
            detail = "Too many connections from this address (budgets.connections_per_address)."
            return self._refused(429, detail, f" {address}")
        return None

    def release(self, peer: str) -> None:
        """Uncount a connection."""
        address = self._address(peer)
        self._count -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    def _address(self, peer: str) -> str:
        """Return the address to count by; empty for proxies, which forward many clients."""
        return "" if self._is_proxy(peer) else canonical_address(peer)

    def _refused(self, status: int, detail: str, whom: str = "") -> bytes:
        now = time.monotonic()
        if now - self._logged > LOG_SECONDS:
            self._logged = now
            logger.warning("Refused a connection:%s %s", whom, detail)
        return raw_response(status, f"{detail} Try again soon.", RETRY_AFTER)


@cache
def connection_limiter() -> ConnectionLimiter:
    """Return the connection limiter of this process, with the limits of the site's settings."""
    limits, proxies = settings.TILED.budgets, settings.TILED.server.trusted_proxies
    return ConnectionLimiter(
        limits.connections, limits.connections_per_address, proxy_matcher(proxies)
    )


def raw_response(status: int, detail: str, retry_after: int | None = None) -> bytes:
    """Return the bytes of a JSON response after which the connection is closed."""
    body = json.dumps({"detail": detail}).encode()
    fields = {
        "content-type": "application/json",
        "content-length": str(len(body)),
        "connection": "close",
        "x-tiled-request-id": secrets.token_hex(8),
    }
    if retry_after is not None:
        fields["retry-after"] = str(retry_after)
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{lines}\r\n".encode() + body
