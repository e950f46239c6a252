"""uvicorn's HTTP protocol, with bounds to what comes before a request.

By itself it waits for ever for the rest of a request's head, and keeps whatever comes of it; who
has shown no key yet should not be able to hold a connection, or memory, in that way.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 30.0
LONGEST_HEAD = 65536
TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: application/json\r\ncontent-length: 37\r\nconnection: close\r\n"
    b"x-tiled-request-id: %s\r\n\r\n"
    b'{"detail":"The request is too long."}'
)


class HeadsProtocol(HttpToolsProtocol):
    """One HTTP connection of the production server."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Of the head that is awaited now; None while there is none.
        self._awaited: int | None = 0
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a first request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has come; as long as it is no whole head, no more than a head may have."""
        if self._awaited is not None:
            self._awaited += len(data)
        super().data_received(data)
        if self._awaited is None:
            self._stop_waiting()
        elif self._awaited > LONGEST_HEAD:
            self._refuse()
        elif self._patience is None:
            self._wait()

    def on_message_begin(self) -> None:
        """A request begins."""
        if self._awaited is None:
            self._awaited = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._awaited = None
        super().on_headers_complete()

    def _wait(self) -> None:
        self._patience = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _refuse(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(TOO_LONG % secrets.token_hex(8).encode())
            self.transport.close()
