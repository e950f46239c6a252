"""uvicorn's HTTP protocol, with limits on request heads and pipelining.

uvicorn waits without limit for the rest of a request's head, and buffers all of it; an
unauthenticated client must not hold a connection, or memory, that way.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from typing import Any

from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ..config.budgets import BudgetSettings
from .connection_limits import connection_limiter, raw_response
from .slow_readers import StallWatch

logger = logging.getLogger(__name__)

HEAD_SECONDS = 30.0
MAX_REQUEST_HEAD_BYTES = 65536
# Requests of a connection that wait for the answers to those before them. Each of them takes some
# fifty times the memory of its bytes, and the server below goes on reading after each answer.
MAX_PIPELINED_REQUESTS = 64
# A connection that is one too many is told so with its first request, if that comes at once.
REFUSAL_SECONDS = 2.0
# The name in `scope["extensions"]` of a function that takes a callback, which is called when the
# connection is lost.
ON_DISCONNECT = "tiled.on_lost"
TOO_SLOW = (
    "The request body arrived too slowly or not at all (budgets.body_stall, budgets.body_rate, "
    "budgets.body_seconds)."
)
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


class TooManyPipelined(Exception):
    """More requests have been sent than may wait for the answers to earlier ones."""


class _CompleteHead(list[tuple[bytes, bytes]]):
    """The fields of a complete head. Trailer fields, which come after the body, are ignored.

    The application has been started by then, and would take a trailer for a field that a proxy has
    checked.
    """

    def append(self, _: tuple[bytes, bytes]) -> None:
        """Ignore a trailer field."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """One HTTP connection of the production server."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Of the head that is awaited now; None while there is none.
        self._awaited: int | None = 0
        self._patience: asyncio.TimerHandle | None = None
        # What the head that is parsed now can have at most, and whether it was too long. Where it
        # has begun somewhere within a read, all of that counts.
        self._head_most = 0
        self._read_size = 0
        self._begun_within = 0
        self._head_too_long = False
        # What came since the last byte of a body: sizes of chunks, extensions, trailer fields.
        self._between = 0
        self._limits: BudgetSettings = settings.TILED.budgets
        self._refusal: bytes | None = None
        self._counted = False
        self._on_lost: Callable[[], None] | None = None
        # Of the body that is arriving: when it began, and how much of it there is.
        self._body_since: float | None = None
        self._body_size = 0
        self._body_seen = 0

    @property
    def _peer(self) -> str:
        return self.client[0] if self.client else ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a first request."""
        super().connection_made(transport)
        self._stall = StallWatch(self.loop, transport, self._limits)
        self._refusal = connection_limiter().acquire(self._peer)
        self._counted = True
        self._wait(REFUSAL_SECONDS if self._refusal else HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more, and cancel the work on the request."""
        self._stop_waiting()
        self._stall.stop()
        self._release_connection()
        super().connection_lost(exc)
        lost, self._on_lost = self._on_lost, None
        if lost is not None:
            lost()

    def pause_writing(self) -> None:
        """Begin to look whether the client reads at all."""
        super().pause_writing()
        self._stall.start()

    def resume_writing(self) -> None:
        """Stop watching: the client has read nearly everything."""
        super().resume_writing()
        self._stall.stop()

    def on_response_complete(self) -> None:
        """Wait for another request, and for the client to read the rest of the answer."""
        if self.transport.get_write_buffer_size():
            self._stall.start()
        super().on_response_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over; from now on it counts as a subscriber's."""
        self._stop_waiting()
        self._stall.stop()
        self._release_connection()
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        """Take what has come; as long as it is no whole head, no more than a head may have."""
        if self._refusal is not None:
            # Only now, because a client whose request is not read may not see the answer.
            self.transport.write(self._refusal)
            self.transport.close()
            return
        size = self._read_size = len(data)
        if self._awaited is not None:
            self._awaited += size
            self._head_most = self._awaited + self._begun_within
        else:
            self._between += size
            self._head_most = size
        super().data_received(data)
        if self._awaited is None:
            if self._body_since is None:
                self._stop_waiting()
            elif self._patience is None:
                self._patience = self.loop.call_later(
                    self._limits.body_stall, self._check_body_progress
                )
            if self._between > MAX_REQUEST_HEAD_BYTES:
                self.transport.close()
        elif self._awaited > MAX_REQUEST_HEAD_BYTES:
            self._refuse()
        elif self._patience is None:
            self._wait()

    def on_message_begin(self) -> None:
        """Start a request."""
        if self._awaited is None:
            self._awaited, self._begun_within = 0, self._read_size
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Start the application, unless the head was too long."""
        self._awaited, self._begun_within = None, 0
        # To count is only worth its time where more has come than a head may have.
        if self._head_most > MAX_REQUEST_HEAD_BYTES and self._head_size() > MAX_REQUEST_HEAD_BYTES:
            self._head_too_long = True
            raise HeadTooLong
        if len(self.pipeline) >= MAX_PIPELINED_REQUESTS:
            raise TooManyPipelined
        if self._patience is not None:
            self._stop_waiting()
        self._body_since, self._body_size, self._body_seen = self.loop.time(), 0, 0
        self.scope["extensions"] = {ON_DISCONNECT: {"set": self._set_on_lost}}
        super().on_headers_complete()
        self.headers = _CompleteHead(self.headers)

    def _head_size(self) -> int:
        fields = sum(len(name) + len(value) + FIELD_OVERHEAD for name, value in self.headers)
        return len(self.url) + fields

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        self._between = 0
        self._body_size += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Handle a complete request."""
        self._between = 0
        self._body_since = None
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Reject a request that is malformed or too long."""
        if len(self.pipeline) >= MAX_PIPELINED_REQUESTS:
            # An answer may be on its way, into the middle of which nothing can be written.
            logger.warning("Disconnected %s: it reads no answers (pipelining).", self._peer)
            self.transport.abort()
        elif self._head_too_long:
            self._refuse()
        else:
            super().send_400_response(msg)

    def _check_body_progress(self) -> None:
        """Keep waiting for a body, or respond with 408 if it arrives too slowly."""
        self._patience = None
        if self._body_since is None or self.transport.is_closing():
            return
        limits, seen, self._body_seen = self._limits, self._body_seen, self._body_size
        late = self.loop.time() - self._body_since > limits.body_seconds
        slow = self._body_size - seen < limits.body_rate * limits.body_stall
        # The client cannot send where nothing is read.
        if late or (slow and not self.flow.read_paused):
            self._end_body()
        else:
            self._patience = self.loop.call_later(limits.body_stall, self._check_body_progress)

    def _end_body(self) -> None:
        logger.warning("Gave up a request from %s: its body arrives too slowly.", self._peer)
        if not self.cycle.response_started:
            self.transport.write(raw_response(408, TOO_SLOW))
        self.transport.close()

    def _set_on_lost(self, callback: Callable[[], None]) -> None:
        self._on_lost = callback
        if self.transport.is_closing():
            callback()

    def _release_connection(self) -> None:
        if self._counted:
            self._counted = False
            connection_limiter().release(self._peer)

    def _wait(self, seconds: float | None = None) -> None:
        self._patience = self.loop.call_later(seconds or HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _refuse(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(TOO_LONG % secrets.token_hex(8).encode())
            self.transport.close()
