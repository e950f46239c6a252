"""The bytes of large messages that were sent and have not left yet, of all sockets of a process.

A message that several sockets are sent is one object, and counts once. Whoever would exceed the
limit waits; the socket that has not read for longest is disconnected for it after a while, and its
client resumes where it was. Messages are read and encoded for few sockets behind the window at a
time, since each of them has messages of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from ...config import streaming_cache_settings
from ...reading.entries import EncodedMessage

logger = logging.getLogger(__name__)

# Shorter messages are not worth the counting.
COUNTED_BYTES = 65536
# A client that reads has taken a part of what it was sent by then.
PATIENCE_SECONDS = 5.0
REPLAYS_AT_ONCE = 8


class Holder:
    """One socket: what it was sent last, and since when."""

    def __init__(self, abort: Callable[[], None] | None) -> None:
        self.abort = abort
        self.since = 0.0
        self.forms: list[EncodedMessage] = []


class InFlight:
    """What has not left yet of one event loop's sockets."""

    def __init__(self, limit: int) -> None:
        self.used = 0
        self.replays = asyncio.Semaphore(REPLAYS_AT_ONCE)
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._counts: dict[int, int] = {}
        # In the order in which they were sent something.
        self._holders: dict[Holder, None] = {}
        self._freed = asyncio.Event()

    async def take(self, holder: Holder, forms: Sequence[EncodedMessage]) -> None:
        """Count what is about to be sent; wait until there is room for it."""
        large = [form for form in forms if len(form) > COUNTED_BYTES]
        if not large:
            return
        while self._holders and self.used + self._new(large) > self._limit:
            await self._make_room()
        holder.since, holder.forms = self._loop.time(), large
        self._holders[holder] = None
        for form in large:
            count = self._counts.get(id(form), 0)
            self._counts[id(form)] = count + 1
            if not count:
                self.used += len(form)

    def release(self, holder: Holder) -> None:
        """Count it no more; harmless when done before."""
        if not holder.forms:
            return
        for form in holder.forms:
            self._counts[id(form)] -= 1
            if not self._counts[id(form)]:
                del self._counts[id(form)]
                self.used -= len(form)
        holder.forms = []
        self._holders.pop(holder, None)
        self._freed.set()

    def _new(self, forms: Sequence[EncodedMessage]) -> int:
        return sum(len(form) for form in forms if id(form) not in self._counts)

    async def _make_room(self) -> None:
        oldest = next(iter(self._holders))
        left = oldest.since + PATIENCE_SECONDS - self._loop.time()
        if left <= 0:
            logger.warning(
                "Disconnected a subscriber that does not read: %d bytes are unsent "
                "(streaming_cache.unsent_bytes).",
                self.used,
            )
            if oldest.abort is not None:
                oldest.abort()
            self.release(oldest)
            return
        self._freed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(left):
                await self._freed.wait()


_by_loop: dict[asyncio.AbstractEventLoop, InFlight] = {}


def in_flight() -> InFlight:
    """Return what counts for the running event loop."""
    loop = asyncio.get_running_loop()
    found = _by_loop.get(loop)
    if found is None:
        for other in [other for other in _by_loop if other.is_closed()]:
            del _by_loop[other]
        found = _by_loop[loop] = InFlight(streaming_cache_settings().unsent_bytes)
    return found
