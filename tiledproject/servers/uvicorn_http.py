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
from ..http.asgi_extensions import ON_DISCONNECT
from .connection_limits import connection_limiter, raw_response
from .slow_readers import StallWatch

logger = logging.getLogger(__name__)

HEAD_SECONDS = 30.0
MAX_REQUEST_HEAD_BYTES = 65536
# Pipelined requests of a connection that wait for earlier responses. Each takes some fifty times
# the memory of its bytes, and uvicorn continues to read after each response.
MAX_PIPELINED_REQUESTS = 64
# A connection beyond the limit gets the error in response to its first request, if that arrives
# within this time.
REFUSAL_SECONDS = 2.0
TOO_SLOW = (
    "The request body arrived too slowly or not at all (budgets.body_stall, budgets.body_rate, "
    "budgets.body_seconds)."
)
# Bytes of each header field besides its name and value: `: ` and the end of the line.
FIELD_OVERHEAD = 4
TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: application/json\r\ncontent-length: 37\r\nconnection: close\r\n"
    b"x-tiled-request-id: %s\r\n\r\n"
    b'{"detail":"The request is too long."}'
)


class HeadTooLong(Exception):
    """The head of a request exceeds MAX_REQUEST_HEAD_BYTES."""


class TooManyPipelined(Exception):
    """The client has pipelined more than MAX_PIPELINED_REQUESTS."""


class _CompleteHead(list[tuple[bytes, bytes]]):
    """The fields of a complete head. Trailer fields, which come after the body, are ignored.

    The application is running by then, and would mistake a trailer field for one that a proxy has
    checked.
    """

    def append(self, _: tuple[bytes, bytes]) -> None:
        """Ignore a trailer field."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """One HTTP connection of the production server."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Bytes received of the head that is arriving; None while a body or nothing is expected.
        self._awaited: int | None = 0
        self._patience: asyncio.TimerHandle | None = None
        # Upper bound of the size of the head that is being parsed, and whether it was too long. If
        # the head began within a read, all bytes of that read count.
        self._head_most = 0
        self._read_size = 0
        self._begun_within = 0
        self._head_too_long = False
        # Bytes since the last one of a body: chunk sizes, chunk extensions, trailer fields.
        self._between = 0
        self._limits: BudgetSettings = settings.TILED.budgets
        self._refusal: bytes | None = None
        self._counted = False
        self._on_lost: Callable[[], None] | None = None
        # The arriving body: its start time, its bytes now and at the last check.
        self._body_since: float | None = None
        self._body_size = 0
        self._body_seen = 0

    @property
    def _peer(self) -> str:
        return self.client[0] if self.client else ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection, and start the timeout of its first request."""
        super().connection_made(transport)
        self._stall = StallWatch(self.loop, transport, self._limits)
        self._refusal = connection_limiter().acquire(self._peer)
        self._counted = True
        self._wait(REFUSAL_SECONDS if self._refusal else HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers, release the connection, and cancel the work on the request."""
        self._stop_waiting()
        self._stall.stop()
        self._release_connection()
        super().connection_lost(exc)
        lost, self._on_lost = self._on_lost, None
        if lost is not None:
            lost()

    def pause_writing(self) -> None:
        """Start watching whether the client reads."""
        super().pause_writing()
        self._stall.start()

    def resume_writing(self) -> None:
        """Stop watching: the client has read nearly everything."""
        super().resume_writing()
        self._stall.stop()

    def on_response_complete(self) -> None:
        """Expect another request, and watch whether the client reads the rest of the response."""
        if self.transport.get_write_buffer_size():
            self._stall.start()
        super().on_response_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over: it counts as a subscriber's, and no longer as one of HTTP."""
        self._stop_waiting()
        self._stall.stop()
        self._release_connection()
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        """Parse received bytes; reject a head that is too long even before it is complete."""
        if self._refusal is not None:
            # Not before its request: a connection that is closed with unread bytes is reset, and
            # the client may not receive the response.
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
        """Start to count the bytes of a head."""
        if self._awaited is None:
            self._awaited, self._begun_within = 0, self._read_size
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Start the application. Raises HeadTooLong, TooManyPipelined."""
        self._awaited, self._begun_within = None, 0
        # The exact size is computed only where the upper bound exceeds the limit.
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
        """Pass on a part of a body, and count its bytes."""
        self._between = 0
        self._body_size += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the body is complete."""
        self._between = 0
        self._body_since = None
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Reject a request that is malformed or too long."""
        if len(self.pipeline) >= MAX_PIPELINED_REQUESTS:
            # A response may be partly written; no other can be sent in the middle of it.
            logger.warning(
                "Disconnected %s: it sends requests without reading responses (pipelining).",
                self._peer,
            )
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
        # While this server has paused reading, the client cannot send.
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
