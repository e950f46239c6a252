"""The way out: complete messages to one WebSocket, as fast as its server takes them."""

from __future__ import annotations

import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from ...reading.entries import EncodedMessage
from .in_flight import Holder, in_flight

EXTENSION = "tiled.frames"
# A message in one frame, and its kind. Source: RFC 6455, section 5.2.
TEXT = 0x81
BINARY = 0x82
# To copy less than this takes less time than to hand over one more part.
COPIED_BYTES = 16384
# What is not longer is made a frame once for all subscribers to whom it goes in turn.
SHARED_BYTES = 65536

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Outlet:
    """Sends complete messages, in order; waits until the connection can take more.

    A server with the extension `tiled.frames` is given ready frames, many at once; any other gets
    one ASGI message for each.
    """

    def __init__(self, scope: Mapping[str, Any], send: Send, text: bool) -> None:
        extension = scope.get("extensions", {}).get(EXTENSION)
        self._offer: Callable[[list[bytes]], bool] | None = extension and extension["offer"]
        self._drained: Callable[[], Awaitable[None]] | None = extension and extension["drained"]
        self._send = send
        self._text = text
        self._in_flight = in_flight()
        self._holder = Holder(extension and extension["abort"])

    async def drained(self) -> None:
        """Wait until nearly all that was sent has left. To be done before more is made."""
        if self._drained is not None:
            await self._drained()
        self._in_flight.release(self._holder)

    def close(self) -> None:
        """Hold nothing any more; harmless when done before."""
        self._in_flight.release(self._holder)

    async def send(self, forms: Sequence[EncodedMessage], prefix: bytes = b"") -> None:
        """Send each of `forms`, begun by `prefix`, as a message of its own.

        Raises OSError when the subscriber is gone.
        """
        if not forms:
            return
        await self.drained()
        await self._in_flight.take(self._holder, forms)
        if self._offer is None:
            for form in forms:
                await self._send(_message(self._text, prefix, form))
            return
        parts = self._parts(forms, prefix)
        if not self._offer(parts):
            await self._send({"type": EXTENSION, "parts": parts})

    def offer(self, forms: Sequence[EncodedMessage], prefix: bytes = b"") -> bool:
        """Send them now; False, and nothing is sent, where that would take waiting."""
        return self._offer is not None and (not forms or self._offer(self._parts(forms, prefix)))

    def _parts(self, forms: Sequence[EncodedMessage], prefix: bytes) -> list[bytes]:
        kind = TEXT if self._text else BINARY
        if len(forms) == 1 and not prefix:
            return _shared.frame(kind, forms[0])
        parts: list[bytes] = []
        # In text a prefix opens a list, which has to be closed.
        suffix = b"]" if prefix and self._text else b""
        for form in forms:
            parts += _frame(kind, prefix, form, suffix)
        return parts


class Shared:
    """The last short message as a frame: each subscriber's turn comes before the next one's."""

    def __init__(self) -> None:
        self._last: tuple[int, EncodedMessage, list[bytes]] = (0, b"", [])

    def frame(self, kind: int, form: EncodedMessage) -> list[bytes]:
        """The parts of its frame; one part if it is short."""
        last_kind, last_form, parts = self._last
        if form is last_form and kind == last_kind:
            return parts
        parts = _frame(kind, b"", form)
        if len(form) <= SHARED_BYTES:
            parts = [b"".join(parts)]
            self._last = kind, form, parts
        return parts


_shared = Shared()


def _message(text: bool, prefix: bytes, form: EncodedMessage) -> dict[str, Any]:
    if text:
        whole = prefix + form + b"]" if prefix else form
        return {"type": "websocket.send", "text": whole.decode()}
    return {"type": "websocket.send", "bytes": prefix + form if prefix else form}


def _frame(kind: int, prefix: bytes, form: EncodedMessage, suffix: bytes = b"") -> list[bytes]:
    """A message as a frame, in a few parts; a long form is not copied."""
    head = _header(kind, len(prefix) + len(form) + len(suffix)) + prefix
    if len(form) <= COPIED_BYTES:
        return [head + form + suffix]
    return [head, form, suffix] if suffix else [head, form]


def _header(kind: int, size: int) -> bytes:
    if size < 126:
        return struct.pack(">BB", kind, size)
    if size < 1 << 16:
        return struct.pack(">BBH", kind, 126, size)
    return struct.pack(">BBQ", kind, 127, size)
