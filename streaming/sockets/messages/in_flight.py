"""Budget of bytes in flight: large messages that were sent but not yet read, per process.

A message that is sent to several connections is one object and counts once. A connection that
would exceed the limit waits. If the connection that has gone without reading for longest does not
read within a few seconds, it is aborted to free its share; its client reconnects and resumes.

Subscribers behind the shared window each decode their own messages, so only a few of them are
served from the log at the same time (`replays`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from ...config import streaming_cache_settings
from ...per_loop import PerLoop
from ...reading.entries import EncodedMessage

logger = logging.getLogger(__name__)

# Smaller messages are not counted: the bookkeeping would cost more than they do.
MIN_COUNTED_BYTES = 65536
# A client that reads at all has read something within this time.
STALL_TIMEOUT_SECONDS = 5.0
MAX_CONCURRENT_REPLAYS = 8


class InFlightShare:
    """The large messages that one connection was sent last, and since when they are unread."""

    def __init__(self, abort: Callable[[], None] | None) -> None:
        self.abort = abort
        self.since = 0.0
        self.messages: list[EncodedMessage] = []


class InFlightBudget:
    """Limit the bytes in flight of all connections of one event loop."""

    def __init__(self, limit: int) -> None:
        self.used = 0
        self.replays = asyncio.Semaphore(MAX_CONCURRENT_REPLAYS)
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        # Keyed by identity: equal messages that are separate objects use memory twice.
        self._references: dict[int, int] = {}
        # A dict as an ordered set: the first share has been unread for longest.
        self._shares: dict[InFlightShare, None] = {}
        self._freed = asyncio.Event()

    async def reserve(self, share: InFlightShare, messages: Sequence[EncodedMessage]) -> None:
        """Count `messages` that are about to be sent; wait until the limit allows it."""
        large = [message for message in messages if len(message) > MIN_COUNTED_BYTES]
        if not large:
            return
        # With no other share to wait for, a message larger than the limit is let through.
        while self._shares and self.used + self._added_bytes(large) > self._limit:
            await self._wait_or_abort_oldest()
        share.since, share.messages = self._loop.time(), large
        self._shares[share] = None
        for message in large:
            count = self._references.get(id(message), 0)
            self._references[id(message)] = count + 1
            if not count:
                self.used += len(message)

    def release(self, share: InFlightShare) -> None:
        """Stop counting the messages of `share`; harmless if already released."""
        if not share.messages:
            return
        for message in share.messages:
            self._references[id(message)] -= 1
            if not self._references[id(message)]:
                del self._references[id(message)]
                self.used -= len(message)
        share.messages = []
        self._shares.pop(share, None)
        self._freed.set()

    def _added_bytes(self, messages: Sequence[EncodedMessage]) -> int:
        return sum(len(message) for message in messages if id(message) not in self._references)

    async def _wait_or_abort_oldest(self) -> None:
        oldest = next(iter(self._shares))
        remaining = oldest.since + STALL_TIMEOUT_SECONDS - self._loop.time()
        if remaining <= 0:
            logger.warning(
                "Aborted the connection of a subscriber that stopped reading: %d bytes in flight "
                "(limit: streaming_cache.unsent_bytes)",
                self.used,
            )
            if oldest.abort is not None:
                oldest.abort()
            self.release(oldest)
            return
        self._freed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(remaining):
                await self._freed.wait()


_budgets = PerLoop(lambda: InFlightBudget(streaming_cache_settings().unsent_bytes))


def in_flight_budget() -> InFlightBudget:
    """Return the budget of the running event loop."""
    return _budgets.current()
