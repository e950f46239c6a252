"""Entries of a stream as readers hold them in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import partial

from ..protocol import message_codec
from ..protocol.cursor import Position, StreamHead
from ..protocol.notices import Reason

EncodedMessage = bytes
"""A complete message as it is sent, in UTF-8 where it is text."""

# To encode a shorter message takes less time than to hand it to a thread.
MIN_THREAD_BYTES = 65536
DECODED = object()


@dataclass(slots=True, eq=False)
class StreamEntry:
    """An update with its encoded message, or an end of stream with none.

    `time` is when it was made, in milliseconds of Redis's clock. An update whose payload is gone is
    `lost`, which has the reason; it may represent the `count` updates up to it. `encodings` has the
    message as encoded for other kinds of subscribers, each created for the first one that needs it;
    None means that nothing is sent to them. If the payload is encoded, `decoded` is the same entry
    without that, once a subscriber has needed it.
    """

    position: Position
    frame: bytes = b""
    time: int = 0
    lost: Reason | None = None
    count: int = 1
    encodings: dict[Hashable, EncodedMessage | None] = field(default_factory=dict)
    decoded: StreamEntry | None = None
    _size: int = -1
    _pending: dict[Hashable, asyncio.Future[EncodedMessage | None]] = field(default_factory=dict)

    @property
    def first(self) -> int:
        """The first sequence number that the entry stands for."""
        return self.position.sequence - self.count + 1

    @property
    def size(self) -> int:
        """The bytes in memory: those of the frame, and of its payload when it is decoded."""
        if self._size < 0:
            self._size = message_codec.decoded_size(self.frame)
        return self._size

    async def decode_payload(self, itemsize: int) -> StreamEntry:
        """Return the entry with its payload decoded: in a thread, and once for all subscribers."""
        if self.decoded is None:
            decode = partial(message_codec.decode_encoded, itemsize=itemsize)
            frame = await self._encode_in_thread(DECODED, decode)
            assert frame is not None
            if self.decoded is None:
                self.decoded = StreamEntry(self.position, frame, self.time)
                del self._pending[DECODED]
        return self.decoded

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
