"""Entries of a stream as its readers hold them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from ..protocol.cursor import Position, StreamHead
from ..protocol.notices import Reason

EncodedMessage = bytes
"""A whole message as it is sent, in UTF-8 where it is text."""

# To encode less than this takes less time than to hand it to a thread.
THREAD_BYTES = 65536


@dataclass(slots=True, eq=False)
class Entry:
    """An update with its ready message, or an end of stream with none.

    `time` is when it was made, in milliseconds of Redis's clock. An update is `lost`, and why, if
    its payload is not there any more; then it may stand for the `count` updates up to it. Other
    forms of the message are made once, for the first subscriber that asks, and kept; the form of
    what is not to be sent is None.
    """

    position: Position
    frame: bytes = b""
    time: int = 0
    lost: Reason | None = None
    count: int = 1
    encodings: dict[Hashable, EncodedMessage | None] = field(default_factory=dict)
    _making: dict[Hashable, asyncio.Future[EncodedMessage | None]] = field(default_factory=dict)

    @property
    def first(self) -> int:
        """The first number that it stands for."""
        return self.position.sequence - self.count + 1

    def has_encoding(self, name: Hashable, make: Callable[[bytes], EncodedMessage | None]) -> bool:
        """Whether the form called `name` is in `forms`. `make` makes a short one at once."""
        if name not in self.encodings and len(self.frame) < THREAD_BYTES:
            self.encodings[name] = make(self.frame)
        return name in self.encodings

    async def encoded_as(
        self, name: Hashable, make: Callable[[bytes], EncodedMessage | None]
    ) -> EncodedMessage | None:
        """The form called `name`, which `make` makes of the frame; large ones in a thread."""
        if not self.has_encoding(name, make):
            self.encodings[name] = await self._made(name, make)
        return self.encodings[name]

    async def _made(
        self, name: Hashable, make: Callable[[bytes], EncodedMessage | None]
    ) -> EncodedMessage | None:
        making = self._making.get(name)
        if making is None:
            making = asyncio.ensure_future(asyncio.to_thread(make, self.frame))
            self._making[name] = making
        # Shielded: others may wait for the same form when this subscriber leaves.
        return await asyncio.shield(making)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one look at a stream found: entries in order, and how far it had come by then.

    `complete` says that nothing else was retained between where the look began and the tip. `time`
    is when the tip was made. Numbers up to `evicted_to` that are not there were shed before their
    time.
    """

    tip: StreamHead
    entries: list[Entry]
    complete: bool
    gone: bool = False
    time: int | None = None
    evicted_to: int = 0
