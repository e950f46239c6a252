"""A subscriber: a cursor over one stream. Replay and live are the same loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from redis.exceptions import RedisError

from ..protocol.cursor import Cursor
from ..protocol.endings import StreamEnd, StreamEnded
from ..protocol.subscription_options import SubscriptionOptions
from .entries import Entry
from .feed import Feed, Item
from .hub import Hub
from .prefetch import Ahead

logger = logging.getLogger(__name__)


class Subscriber:
    """Gives what is new, a batch at a time, at the pace of whoever asks.

    As long as it keeps up it is served from the hub's window. Behind the window it reads the log
    itself, a batch at a time, until it is back.
    """

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.feed = Feed(hub.window, SubscriptionOptions(), None)
        self._clock = asyncio.get_running_loop().time
        self._hurries = False
        self._ahead = Ahead(hub.log)
        self.fast_path: Callable[[Sequence[Entry]], bool] | None = None
        """Sends updates at once; False, and nothing is sent, where that takes waiting."""

    @property
    def cursor(self) -> Cursor:
        """How far it has come."""
        return self.feed.cursor

    async def begin(self, terms: SubscriptionOptions) -> None:
        """Take the place that `terms` ask for, in the stream as it is now.

        Raises RedisError, TimeoutError.
        """
        if terms.since is not None or terms.start == "latest":
            # What was looked up is of the current epoch.
            terms = replace(terms, start=await self._found(terms), epoch=None, end=0)
        start = terms.start
        assert start != "latest"
        if start is not None and terms.recursive:
            start = min(start, self.hub.tip.position.sequence + 1)
        self.feed = Feed(self.hub.window, terms, start)

    async def _found(self, terms: SubscriptionOptions) -> int:
        """The number to start with: of the newest update retained, or the first since a moment."""
        log = self.hub.log
        if terms.since is None:
            newest = [entry.position.sequence for entry in (await log.newest()).entries]
            return newest[0] if newest else self.hub.tip.position.sequence + 1
        oldest, found = await log.since(terms.since)
        if not found:
            mark = self.hub.window.mark or 0
            return 0 if not oldest and mark >= terms.since else self.hub.tip.position.sequence + 1
        # What is retained no more may have been of that time, too.
        return 0 if found == oldest else found

    async def receive(self) -> list[Item]:
        """All that is ready, in order, as soon as there is something. Raises StreamEnded."""
        if self._hurries:
            # One that never has to wait would otherwise be the only one served.
            await asyncio.sleep(0)
        self._hurries = True
        while True:
            items = await self.receive_nowait()
            if items:
                return items
            self._hurries = False
            await self.hub.change(self, self._rest())

    async def receive_nowait(self) -> list[Item]:
        """The same, or nothing if it would have to wait for news. Raises StreamEnded."""
        feed, hub = self.feed, self.hub
        while True:
            if hub.ending is not None:
                raise StreamEnded(hub.ending)
            items = feed.ready(self._clock())
            if items:
                self._read_ahead()
                return items
            if feed.stopped:
                raise StreamEnded(StreamEnd.CLOSED)
            if not feed.behind or self._rest():
                return items
            await self._read_log()

    def waiter(self) -> asyncio.Future[None]:
        """Done when there may be something new; to be dropped if it is not waited for."""
        return self.hub.waiter(self, self._rest())

    def resume(self) -> None:
        """Go on after the producer's end, in case that writing does, too."""
        self.feed.resume()

    def _rest(self) -> float:
        return self.feed.rest(self._clock()) if self.feed.due else 0.0

    def give(self, entries: Sequence[Entry]) -> bool:
        """Send what is new while this waits for it. False: wake it, and it will see to that."""
        if self.fast_path is None or not entries or not self.feed.expects(entries):
            return False
        try:
            sent = self.fast_path(entries)
        except Exception:
            # It meets the same trouble when it has been woken, and then it is its own.
            logger.debug("Updates could not be sent at once", exc_info=True)
            return False
        if sent:
            self.feed.move(entries[-1].position)
        return sent

    def leave(self) -> None:
        """Read nothing more."""
        self._ahead.stop()

    def _read_ahead(self) -> None:
        feed = self.feed
        if feed.behind and not feed.options.latest_only:
            self._ahead.begin(feed.cursor.position, len(feed.window.turns))

    async def _read_log(self) -> None:
        """Fetch what comes next for this one alone."""
        feed = self.feed
        try:
            if feed.options.latest_only:
                batch = await self.hub.log.newest()
            else:
                batch = await self._ahead.after(feed.cursor.position, len(feed.window.turns))
        except (RedisError, OSError):
            # The hub meets the same trouble, says so, and goes on trying.
            await self.hub.sync()
            return
        epoch, position = batch.tip
        if batch.gone or epoch != feed.cursor.epoch or position < feed.cursor.position:
            await self.hub.sync()
        else:
            feed.add(batch)
