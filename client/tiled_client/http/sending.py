"""Connections of `requests` that send bodies in parts, and small ones with the head of the request.

urllib3 sends with the timeout of connecting, and the whole body within it: a large one over a slow
network would fail. Here the timeout is that of each part.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import pool_classes_by_scheme

from .receiving import ReceivingResponse
from .transport import CHUNK_BYTES

# Bodies up to this size are sent with the head of their request.
JOINED_BYTES = 1 << 16


def mount_send_timeout(session: requests.Session, seconds: float) -> None:
    """Set the timeout of sending one part of a body, for all connections of a session."""
    classes = _pool_classes(seconds)

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs)
            self.poolmanager.pool_classes_by_scheme = classes

        def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
            manager = super().proxy_manager_for(proxy, **kwargs)
            # A SOCKS proxy has its own pools.
            if manager.pool_classes_by_scheme is pool_classes_by_scheme:
                manager.pool_classes_by_scheme = classes
            return manager

    for scheme in ("http://", "https://"):
        session.mount(scheme, Adapter())


class SendingMixin:
    """Sends the requests of a connection."""

    part_seconds: ClassVar[float]
    response_class: Any = ReceivingResponse
    sock: Any
    _head: bytes | None = None

    def connect(self) -> None:
        """Connect, and set the timeout of sending."""
        super().connect()  # type: ignore[misc]
        self._begin()

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request."""
        self._begin()
        self._head = b""
        super().request(*args, **kwargs)  # type: ignore[misc]
        head, self._head = self._head, None
        if head:
            super().send(head)  # type: ignore[misc]

    def send(self, data: Any) -> None:
        """Send the head, or a part of the body."""
        head = self._head
        if head == b"":
            # It is sent with a small body: two packets would wake the server twice.
            self._head = data
            return
        self._head = None
        is_bytes = isinstance(data, (bytes, memoryview))
        if head and is_bytes and len(data) <= JOINED_BYTES:
            data = b"".join((head, data))
        elif head:
            super().send(head)  # type: ignore[misc]
        for part in _parts(data) if is_bytes else [data]:
            super().send(part)  # type: ignore[misc]

    def _begin(self) -> None:
        if self.sock is not None:
            self.sock.settimeout(self.part_seconds)


@lru_cache(maxsize=16)
def _pool_classes(seconds: float) -> dict[str, type[HTTPConnectionPool]]:
    class PlainConnection(SendingMixin, HTTPConnection):
        part_seconds = seconds

    class TlsConnection(SendingMixin, HTTPSConnection):
        part_seconds = seconds

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = PlainConnection

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = TlsConnection

    return {"http": PlainPool, "https": TlsPool}


def _parts(data: bytes | memoryview) -> Iterator[bytes | memoryview]:
    """Yield bytes in parts, each to be sent within the timeout."""
    if len(data) <= CHUNK_BYTES:
        yield data
        return
    view = memoryview(data)
    for start in range(0, len(view), CHUNK_BYTES):
        yield view[start : start + CHUNK_BYTES]
