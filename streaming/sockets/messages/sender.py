"""Send complete messages to one WebSocket, with back-pressure."""

from __future__ import annotations

import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from ...metrics import BYTES_DELIVERED, MESSAGES_DELIVERED
from ...reading.entries import EncodedMessage
from ...reading.new_entries import NewEntries, ReadyFrames
from .in_flight import InFlightShare, in_flight_budget
from .renderer import Renderer

EXTENSION = "tiled.frames"
# First byte of an unfragmented frame: FIN and the opcode. Source: RFC 6455, section 5.2.
TEXT_FRAME = 0x81
BINARY_FRAME = 0x82
# Joining fewer bytes than this costs less than one more part to write.
MAX_JOINED_BYTES = 16384
# A message up to this size is framed once for all subscribers that are sent it in turn.
MAX_CACHED_BYTES = 65536

Send = Callable[[dict[str, Any]], Awaitable[None]]


class MessageSender:
    """Send messages in order; wait while the connection cannot take more.

    If the server offers the ASGI extension `tiled.frames`, it is given ready frames, many at a
    time. Any other server gets one ASGI event per message.
    """

    def __init__(self, scope: Mapping[str, Any], send: Send, text: bool) -> None:
        extension = scope.get("extensions", {}).get(EXTENSION)
        self._offer: Callable[[list[bytes]], bool] | None = extension and extension["offer"]
        self._drained: Callable[[], Awaitable[None]] | None = extension and extension["drained"]
        self._send = send
        self._text = text
        self._budget = in_flight_budget()
        self._share = InFlightShare(extension and extension["abort"])

    async def drain(self) -> None:
        """Wait until nearly everything sent so far has left the process.

        Call this before messages are made, so that a client that does not read costs no memory.
        """
        if self._drained is not None:
            await self._drained()
        self._budget.release(self._share)

    def close(self) -> None:
        """Release the share of the in-flight budget; harmless if already closed."""
        self._budget.release(self._share)

    async def send(self, messages: Sequence[EncodedMessage], prefix: bytes = b"") -> None:
        """Send each of `messages` as a separate WebSocket message, begun by `prefix`.

        Raises OSError if the connection is lost.
        """
        if not messages:
            return
        await self.drain()
        await self._budget.reserve(self._share, messages)
        _count(messages)
        if self._offer is None:
            for message in messages:
                await self._send(_asgi_event(self._text, prefix, message))
            return
        parts = self._parts(messages, prefix)
        if not self._offer(parts):
            await self._send({"type": EXTENSION, "parts": parts})

    def try_send(self, new: NewEntries, renderer: Renderer, prefix: bytes = b"") -> bool:
        """Send new entries without waiting; return False and send nothing if that is impossible.

        They are rendered once for all subscriptions of the same form.
        """
        if self._offer is None:
            return False
        form = (renderer.form, prefix)
        try:
            frames = new.ready[form]
        except KeyError:
            frames = new.ready[form] = self._ready(renderer.render_sync(new.entries), prefix)
        if frames is None or (frames.parts and not self._offer(frames.parts)):
            return False
        frames.sent += 1
        return True

    def _ready(
        self, messages: Sequence[EncodedMessage] | None, prefix: bytes
    ) -> ReadyFrames | None:
        if messages is None:
            return None
        return ReadyFrames.of(self._parts(messages, prefix), messages)

    def _parts(self, messages: Sequence[EncodedMessage], prefix: bytes) -> list[bytes]:
        opcode = TEXT_FRAME if self._text else BINARY_FRAME
        if len(messages) == 1 and not prefix:
            return _frame_cache.frame(opcode, messages[0])
        parts: list[bytes] = []
        # In JSON the prefix opens a list, which has to be closed.
        suffix = b"]" if prefix and self._text else b""
        for message in messages:
            parts += _frame(opcode, prefix, message, suffix)
        return parts


class FrameCache:
    """Keep the last short message as a frame.

    One is enough: the hub serves all subscribers of an update before the next update.
    """

    def __init__(self) -> None:
        self._last: tuple[int, EncodedMessage, list[bytes]] = (0, b"", [])

    def frame(self, opcode: int, message: EncodedMessage) -> list[bytes]:
        """Return the parts of the frame of `message`; a single part if it is short."""
        last_opcode, last_message, parts = self._last
        if message is last_message and opcode == last_opcode:
            return parts
        parts = _frame(opcode, b"", message)
        if len(message) <= MAX_CACHED_BYTES:
            parts = [b"".join(parts)]
            self._last = opcode, message, parts
        return parts


_frame_cache = FrameCache()


def _count(messages: Sequence[EncodedMessage]) -> None:
    # Without a lock: all connections of a process are served by one event loop.
    MESSAGES_DELIVERED.labels().add_alone(len(messages))
    BYTES_DELIVERED.labels().add_alone(sum(map(len, messages)))


def _asgi_event(text: bool, prefix: bytes, message: EncodedMessage) -> dict[str, Any]:
    if text:
        whole = prefix + message + b"]" if prefix else message
        return {"type": "websocket.send", "text": whole.decode()}
    return {"type": "websocket.send", "bytes": prefix + message if prefix else message}


def _frame(opcode: int, prefix: bytes, message: EncodedMessage, suffix: bytes = b"") -> list[bytes]:
    """Return a frame in a few parts, so that a long message is not copied."""
    head = _header(opcode, len(prefix) + len(message) + len(suffix)) + prefix
    if len(message) <= MAX_JOINED_BYTES:
        return [head + message + suffix]
    return [head, message, suffix] if suffix else [head, message]


def _header(opcode: int, size: int) -> bytes:
    if size < 126:
        return struct.pack(">BB", opcode, size)
    if size < 1 << 16:
        return struct.pack(">BBH", opcode, 126, size)
    return struct.pack(">BBQ", opcode, 127, size)
