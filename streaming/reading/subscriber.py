"""Deliver one stream to one subscriber. Replay and live updates are the same loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from redis.exceptions import RedisError

from ..protocol.cursor import Cursor
from ..protocol.endings import StreamEnd, StreamEnded
from ..protocol.subscription_options import SubscriptionOptions
from .feed import Feed, Item
from .hub import Hub
from .new_entries import NewEntries
from .prefetch import Prefetcher
from .subscriber_origin import SubscriberOrigin

logger = logging.getLogger(__name__)


class Subscriber:
    """Returns new items, a batch at a time, at the pace of its caller.

    As long as it keeps up it is served from the hub's window. Behind the window it reads the log
    itself, a batch at a time, until it has caught up. It is the hub's `Follower`.
    """

    def __init__(self, hub: Hub, origin: SubscriberOrigin | None = None) -> None:
        self.hub = hub
        self.origin = origin
        self.feed = Feed(hub.window, SubscriptionOptions(), None)
        self._clock = asyncio.get_running_loop().time
        self._yield_first = False
        self._prefetcher = Prefetcher(hub.log)
        self.fast_path: Callable[[NewEntries], bool] | None = None
        """Sends updates at once; returns False, having sent nothing, where that has to wait."""

    @property
    def cursor(self) -> Cursor:
        """The position of the subscriber in the stream."""
        return self.feed.cursor

    @property
    def latest_only(self) -> bool:
        """Whether it skips to the newest of several updates. See `Follower`."""
        return self.feed.options.latest_only

    async def begin(self, options: SubscriptionOptions) -> None:
        """Go to the position that `options` name, in the stream as it is now.

        Raises RedisError, TimeoutError.
        """
        if options.since is not None or options.start == "latest":
            # The number found is of the current epoch, whatever epoch the client knew.
            options = replace(options, start=await self._find_start(options), epoch=None, end=0)
        start = options.start
        assert start != "latest"
        if start is not None and options.recursive:
            start = min(start, self.hub.head.position.sequence + 1)
        self.feed = Feed(self.hub.window, options, start)

    async def _find_start(self, options: SubscriptionOptions) -> int:
        """Return the number of the newest retained update, or of the first one since a time."""
        log = self.hub.log
        if options.since is None:
            newest = [entry.position.sequence for entry in (await log.newest()).entries]
            return newest[0] if newest else self.hub.head.position.sequence + 1
        oldest, found = await log.since(options.since)
        if not found:
            head_time = self.hub.window.head_time or 0
            # All entries are gone, and the newest of them was since then: report the gap.
            if not oldest and head_time >= options.since:
                return 0
            return self.hub.head.position.sequence + 1
        # Updates that are not retained may have been made since then, too.
        return 0 if found == oldest else found

    async def receive(self) -> list[Item]:
        """Wait until something can be sent; return all of it, in order. Raises StreamEnded."""
        if self._yield_first:
            # A subscriber that never has to wait would otherwise be the only one served.
            await asyncio.sleep(0)
        self._yield_first = True
        while True:
            items = await self.receive_nowait()
            if items:
                return items
            self._yield_first = False
            await self.hub.wait_for_change(self, self._delay())

    async def receive_nowait(self) -> list[Item]:
        """Return the items that can be sent now, perhaps none; read the log if behind.

        Raises StreamEnded.
        """
        feed, hub = self.feed, self.hub
        while True:
            if hub.ending is not None:
                raise StreamEnded(hub.ending)
            items = feed.ready(self._clock())
            if items:
                self._prefetch()
                return items
            if feed.stopped:
                raise StreamEnded(StreamEnd.CLOSED)
            if not feed.behind or self._delay():
                return items
            await self._read_log()

    def waiter(self) -> asyncio.Future[None]:
        """Return a future that is resolved when there may be something new.

        Pass it to `cancel_wait` if it is abandoned.
        """
        return self.hub.add_waiter(self, self._delay())

    def cancel_wait(self, waiter: asyncio.Future[None]) -> None:
        """Cancel a wait."""
        self.hub.cancel_wait(waiter)

    def resume(self) -> None:
        """Continue after the producer's end, in case the producer resumes the stream."""
        self.feed.resume()

    def push(self, new: NewEntries) -> bool:
        """Send new entries by the fast path, while the subscriber waits. See `Follower`."""
        if self.fast_path is None or not self.feed.is_contiguous(new):
            return False
        try:
            sent = self.fast_path(new)
        except Exception:
            # The error will recur when the subscriber is woken, and is handled there.
            logger.debug("The fast path failed", exc_info=True)
            return False
        if sent:
            self.feed.move_to(new.last)
        return sent

    def note_sent(self, items: Sequence[Item]) -> None:
        """Measure how late `items` were sent; not for a subscriber that wants them later."""
        if not self.feed.options.interval:
            self.hub.clock.observe_live(items, self.feed.cursor.joined_at)

    def on_heartbeat(self) -> None:
        """Send a heartbeat next, if nothing else is to be sent. See `Follower`."""
        self.feed.heartbeat_due = True

    def close(self) -> None:
        """Stop reading ahead."""
        self._prefetcher.stop()

    def _delay(self) -> float:
        return self.feed.delay(self._clock()) if self.feed.next_send else 0.0

    def _prefetch(self) -> None:
        feed = self.feed
        if feed.behind and not feed.options.latest_only:
            self._prefetcher.start(feed.cursor.position, len(feed.window.rewinds))

    async def _read_log(self) -> None:
        """Read the next entries for this subscriber alone."""
        feed = self.feed
        try:
            if feed.options.latest_only:
                batch = await self.hub.log.newest()
            else:
                rewinds = len(feed.window.rewinds)
                batch = await self._prefetcher.after(feed.cursor.position, rewinds)
        except (RedisError, OSError):
            # The hub gets the same error, logs it, and retries.
            await self.hub.catch_up()
            return
        epoch, position = batch.head
        if batch.gone or epoch != feed.cursor.epoch or position < feed.cursor.position:
            # The hub detects the cause, and rewinds the window.
            await self.hub.catch_up()
        else:
            feed.add(batch)
