"""Follow one stream in one server process: read its log once, for all its subscribers here.

The task `_follow` reads the log into the window when `_changed` is set, and serves what is new to
the followers that wait (`waiters`).

=========  ==============================  =====================================================
state      flags                           left when
=========  ==============================  =====================================================
idle       `_changed` not set              a notification, a poll or a request sets `_changed`
paused     `_changed` and `_paused` set    a follower waits: it has seen the whole window. To
                                           read on before would push those on their way out of it
fetching   `_fetching` set                 the head has been read
failing    `_fetching`, `_failing` set     Redis answers; it is tried every RETRY_SECONDS
ended      `ending` set                    never; the reader makes another hub
=========  ==============================  =====================================================

How far the window can be trusted is independent of that:

==============  ==============================  ================================================
trust           flags                           consequence
==============  ==============================  ================================================
unknown         `_known` not set                the window begins at the head that is read first
unsubscribed    `subscribed` not set            notifications may be missed: subscribers wait,
                                                new ones are rejected
doubtful        `_generation` is not            Redis may be another one, with other entries
                `_verified_generation`          under the same numbers: the next read starts at
                                                the head and compares. A read verifies the
                                                generation that it began with, and only one that
                                                began while subscribed
==============  ==============================  ================================================

A short update comes with its notification (`inline_updates`). If it is the next one, the hub is
idle, the window is trusted and a follower waits, it is applied without reading the log.
"""

from __future__ import annotations

import asyncio
import logging
from uuid import UUID

from redis.exceptions import RedisError

from ..protocol.cursor import StreamHead
from ..protocol.endings import StreamEnd
from ..redis.keys import StreamKeys
from .entries import LogBatch, StreamEntry
from .inline_updates import InlineUpdates
from .lag import RedisClock
from .log_reader import LogReader
from .notifications import AppendNotification
from .waiters import Follower, Future, Waiters, resolve
from .window import Window

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.2


class Hub:
    """Keeps the window of a stream up to date and serves it to the followers."""

    def __init__(
        self, node: UUID, keys: StreamKeys, log: LogReader, window: Window, clock: RedisClock
    ) -> None:
        self.node = node
        self.keys = keys
        self.log = log
        self.window = window
        self.clock = clock
        self.followers: set[Follower] = set()
        self.ending: StreamEnd | None = None
        self.subscribed = False
        self._known = False
        self._failing = False
        self._paused = False
        self._fetching = False
        self._generation = 0
        self._verified_generation = 0
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._demand = asyncio.Event()
        self._waiters = Waiters(clock)
        self._inline = InlineUpdates(window)
        self._requests: list[Future] = []
        self._joining: list[Future] = []
        self._task = asyncio.create_task(self._follow())

    @property
    def head(self) -> StreamHead:
        """The newest position known of the stream."""
        return StreamHead(self.window.epoch, self.window.head)

    def on_subscribed(self) -> None:
        """Read the log: appends before this moment may not have been announced."""
        self.subscribed = True
        self._changed.set()
        self._release_joining()

    def on_disconnected(self) -> None:
        """Distrust the window until notifications arrive again."""
        self.subscribed = False
        self._generation += 1
        self._release_joining()

    def on_message(self, message: bytes) -> None:
        """Handle a notification: something was appended, or the stream was dropped."""
        notification = AppendNotification.parse(message)
        if notification is not None and notification.epoch == self.window.epoch:
            if notification.position <= self.window.head:
                return
            if self._inline.is_next(notification) and self._can_apply_inline:
                if not self._inline:
                    # Other notifications that have already arrived are applied together with it.
                    self._loop.call_soon(self._apply_inline)
                self._inline.add(notification)
                return
        self._changed.set()

    def on_poll(self, found: LogBatch, *, same: bool) -> None:
        """Compare the head with a poll of the stream; `same` is false if Redis may be another."""
        if not same:
            self._generation += 1
        if not same or found.gone or found.head != self.head:
            self._changed.set()
        else:
            self._send_heartbeat()

    async def ready(self) -> bool:
        """Return, once the log has been read up to now, whether subscribers can join."""
        if not self.subscribed and self.ending is None:
            await _added(self._joining)
        if self.subscribed:
            await self.catch_up()
        return self.subscribed and self.ending is None

    async def catch_up(self) -> None:
        """Wait until the log has been read up to its head as of now, or the stream has ended."""
        if self.ending is None:
            self._changed.set()
            self._demand.set()
            await _added(self._requests)

    async def wait_for_change(self, follower: Follower, delay: float = 0.0) -> None:
        """Wait until there may be something new, and at least for `delay` seconds.

        Meanwhile, new entries may be pushed to `follower`.
        """
        waiter = self.add_waiter(follower, delay)
        try:
            await waiter
        except BaseException:
            self.cancel_wait(waiter)
            raise

    def add_waiter(self, follower: Follower, delay: float = 0.0) -> Future:
        """Return a future that is resolved then. Pass it to `cancel_wait` if it is abandoned."""
        waiter = self._waiters.add(follower, delay)
        self._demand.set()
        if not delay:
            self._clear_window_if_seen()
        return waiter

    def cancel_wait(self, waiter: Future) -> None:
        """Cancel a wait."""
        self._waiters.cancel(waiter)

    def end(self, ending: StreamEnd) -> None:
        """End the stream for all followers."""
        self.ending = self.ending or ending
        self._changed.set()
        self._demand.set()
        self._answer_requests(len(self._requests))
        self._release_joining()
        self._waiters.wake_all()

    def close(self) -> None:
        """Stop following."""
        self._task.cancel()

    @property
    def _is_wanted(self) -> bool:
        """Whether a follower has seen all of the window."""
        return bool(self._waiters or self._requests)

    @property
    def _can_apply_inline(self) -> bool:
        """Whether updates may be applied without reading the log: see the module."""
        return (
            self._known
            and self._generation == self._verified_generation
            and not self._fetching
            and not self._changed.is_set()
            and self.ending is None
            and bool(self.followers)
            and self._is_wanted
        )

    def _apply_inline(self) -> None:
        batch = self._inline.take()
        if batch is None or not self._can_apply_inline:
            self._changed.set()
        elif self.window.extend(batch):
            self._fan_out(batch.entries)

    async def _follow(self) -> None:
        try:
            while self.ending is None:
                await self._changed.wait()
                while not self._is_wanted and self.ending is None:
                    self._paused = True
                    self._demand.clear()
                    await self._demand.wait()
                # Cleared before the read: updates announced during it are read afterwards.
                self._changed.clear()
                self._fetching = True
                await self._serve_requests()
                self._fetching = False
        except Exception:
            logger.exception(
                "Following the stream of node %s failed; its subscriptions end", self.node
            )
            self.end(StreamEnd.LOST)

    async def _serve_requests(self) -> None:
        """Read up to the head for all requests made until now; on failure, try again later."""
        # A request that is made during the read may be about an append after it.
        count = len(self._requests)
        try:
            await self._read_to_head()
        except (RedisError, OSError) as error:
            level = logging.DEBUG if self._failing else logging.WARNING
            logger.log(level, "Cannot read the stream of node %s; retrying: %s", self.node, error)
            self._failing = True
            self._changed.set()
            await asyncio.sleep(RETRY_SECONDS)
        else:
            self._failing = False
            self._answer_requests(count)

    async def _read_to_head(self) -> None:
        while self.ending is None:
            batch = await self._fetch()
            if batch.gone:
                self.end(StreamEnd.DELETED)
                return
            if self._paused:
                self._paused = False
                self.window.lagging_to = batch.head.position.sequence
            if not self._known:
                self._known = True
                self.window.reset(batch.head, batch.time)
                self.window.evicted_to = batch.evicted_to
            elif self.window.extend(batch):
                self._fan_out(batch.entries)
            if self.window.head >= batch.head.position:
                return
            if not self._is_wanted:
                self._changed.set()
                return

    async def _fetch(self) -> LogBatch:
        """Read the entries after the head. If in doubt, compare the entry at the head first."""
        generation, subscribed, window = self._generation, self.subscribed, self.window
        if not self._known:
            batch = await self.log.head()
        else:
            doubtful = generation != self._verified_generation
            if doubtful:
                batch = await self.log.after(window.verify_from, inclusive=True)
            else:
                batch = await self._fetch_new()
            if doubtful and window.conflicts_with(batch):
                window.rewind(batch)
                self._waiters.wake_all()
        if subscribed:
            # The values of before the read: a failover during it may not be in the reply.
            self._verified_generation = generation
        return batch

    async def _fetch_new(self) -> LogBatch:
        """Read the entries after the head; without those that every follower skips.

        Each of several large updates would else be read by itself, and sent to a follower that
        takes it for the newest.
        """
        if all(follower.latest_only for follower in self.followers):
            batch = await self.log.newest()
            if self.window.skip_to(batch):
                return batch
        return await self.log.after(self.window.head)

    def _fan_out(self, entries: list[StreamEntry]) -> None:
        urgent = bool(self.window.head.end) or not len(self.window)
        self._waiters.fan_out(entries, urgent=urgent)
        self._clear_window_if_seen()

    def _clear_window_if_seen(self) -> None:
        # An idle stream, whose followers have all seen all of it, holds no memory.
        if self._waiters.waiting_count == len(self.followers):
            self.window.clear()

    def _send_heartbeat(self) -> None:
        for follower in self.followers:
            follower.on_heartbeat()
        self._waiters.wake_all()

    def _answer_requests(self, count: int) -> None:
        answered, self._requests = self._requests[:count], self._requests[count:]
        resolve(answered)

    def _release_joining(self) -> None:
        joining, self._joining = self._joining, []
        resolve(joining)


def _added(futures: list[Future]) -> Future:
    future = asyncio.get_running_loop().create_future()
    futures.append(future)
    return future
