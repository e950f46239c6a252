"""Entries of a stream as readers hold them in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from ..protocol.cursor import Position, StreamHead
from ..protocol.notices import Reason

EncodedMessage = bytes
"""A complete message as it is sent, in UTF-8 where it is text."""

# To encode a shorter message takes less time than to hand it to a thread.
MIN_THREAD_BYTES = 65536


@dataclass(slots=True, eq=False)
class StreamEntry:
    """An update with its encoded message, or an end of stream with none.

    `time` is when it was made, in milliseconds of Redis's clock. An update whose payload is gone is
    `lost`, which has the reason; it may represent the `count` updates up to it. `encodings` has the
    message as encoded for other kinds of subscribers, each created for the first one that needs it;
    None means that nothing is sent to them.
    """

    position: Position
    frame: bytes = b""
    time: int = 0
    lost: Reason | None = None
    count: int = 1
    encodings: dict[Hashable, EncodedMessage | None] = field(default_factory=dict)
    _pending: dict[Hashable, asyncio.Future[EncodedMessage | None]] = field(default_factory=dict)

    @property
    def first(self) -> int:
        """The first sequence number that the entry stands for."""
        return self.position.sequence - self.count + 1

    def has_encoding(
        self, name: Hashable, encode: Callable[[bytes], EncodedMessage | None]
    ) -> bool:
        """Return whether `encodings` has `name`; encode a short message to that end."""
        if name not in self.encodings and len(self.frame) < MIN_THREAD_BYTES:
            self.encodings[name] = encode(self.frame)
        return name in self.encodings

    async def encoded_as(
        self, name: Hashable, encode: Callable[[bytes], EncodedMessage | None]
    ) -> EncodedMessage | None:
        """Return the encoding `name`, made from the frame by `encode`; large ones in a thread."""
        if not self.has_encoding(name, encode):
            self.encodings[name] = await self._encode_in_thread(name, encode)
        return self.encodings[name]

    async def _encode_in_thread(
        self, name: Hashable, encode: Callable[[bytes], EncodedMessage | None]
    ) -> EncodedMessage | None:
        pending = self._pending.get(name)
        if pending is None:
            pending = asyncio.ensure_future(asyncio.to_thread(encode, self.frame))
            self._pending[name] = pending
        # Shielded: other subscribers may wait for the same encoding when this one leaves.
        return await asyncio.shield(pending)


@dataclass(frozen=True, slots=True)
class LogBatch:
    """The result of one read of a stream: entries in order, and the head at that moment.

    `complete` means that nothing else was retained between the start of the read and the head.
    `time` is when the head was made. Numbers up to `evicted_to` that are missing were evicted
    before their time to live was over.
    """

    head: StreamHead
    entries: list[StreamEntry]
    complete: bool
    gone: bool = False
    time: int | None = None
    evicted_to: int = 0
