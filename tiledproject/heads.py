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
# Of each header field: `: ` and the end of its line.
FIELD_OVERHEAD = 4
TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: application/json\r\ncontent-length: 37\r\nconnection: close\r\n"
    b"x-tiled-request-id: %s\r\n\r\n"
    b'{"detail":"The request is too long."}'
)


class HeadTooLong(Exception):
    """The head of a request is longer than any may be."""


class HeadsProtocol(HttpToolsProtocol):
    """One HTTP connection of the production server."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Of the head that is awaited now; None while there is none.
        self._awaited: int | None = 0
        self._patience: asyncio.TimerHandle | None = None
        self._head_size = 0
        # What came since the last byte of a body: sizes of chunks, extensions, trailer fields.
        self._between = 0

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
        else:
            self._between += len(data)
        super().data_received(data)
        if self._awaited is None:
            self._stop_waiting()
            if self._between > LONGEST_HEAD:
                self.transport.close()
        elif self._awaited > LONGEST_HEAD:
            self._refuse()
        elif self._patience is None:
            self._wait()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._head_size = 0
        if self._awaited is None:
            self._awaited = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a part of the request line, within the limit of the head."""
        if self._fits(len(url)):
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header field; ignore trailer fields, which come after the body.

        The application has been started with the list of fields by then, and would take a trailer
        for a field that a proxy has checked.
        """
        if self._awaited is not None and self._fits(len(name) + len(value) + FIELD_OVERHEAD):
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the application, unless the head was too long."""
        self._awaited = None
        if self._head_size > LONGEST_HEAD:
            raise HeadTooLong
        super().on_headers_complete()

    def _fits(self, size: int) -> bool:
        """Count bytes of the head, which may arrive in one read together with much else."""
        self._head_size += size
        return self._head_size <= LONGEST_HEAD

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        self._between = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request has arrived whole."""
        self._between = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be parsed, or is too long."""
        if self._head_size > LONGEST_HEAD:
            self._refuse()
        else:
            super().send_400_response(msg)

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
