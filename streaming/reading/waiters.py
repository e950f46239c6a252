"""Wake the subscribers of one stream that wait for a change, or push new entries to them.

=========  =======================================  ===========================================
set        its futures wait                         and are resolved by
=========  =======================================  ===========================================
waiting    for anything new                         `fan_out`, if their follower does not take
                                                    the entries at once; `wake_all`
delayed    for anything new, after a delay (a       the end of the delay; `fan_out`, if it is
           maximum rate)                            urgent; `wake_all`
=========  =======================================  ===========================================
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Protocol

from .entries import StreamEntry
from .lag import RedisClock
from .new_entries import NewEntries

Future = asyncio.Future[None]


class Follower(Protocol):
    """A subscriber as the hub of its stream sees it."""

    @property
    def latest_only(self) -> bool:
        """Whether it skips to the newest of several updates."""

    def push(self, new: NewEntries) -> bool:
        """Send new entries at once. Return False, having sent nothing, if that has to wait."""

    def on_heartbeat(self) -> None:
        """Note that a heartbeat is due. The follower is woken next."""


class Waiters:
    """Futures of the subscribers that have seen the whole window."""

    def __init__(self, clock: RedisClock) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[Future, Follower] = {}
        self._delayed: set[Future] = set()

    def __bool__(self) -> bool:
        return bool(self._waiting or self._delayed)

    @property
    def waiting_count(self) -> int:
        """How many wait without a delay."""
        return len(self._waiting)

    def add(self, follower: Follower, delay: float = 0.0) -> Future:
        """Return a future for the next change, or for the first one after `delay` seconds."""
        future = self._loop.create_future()
        if delay:
            self._delayed.add(future)
            timer = self._loop.call_later(delay, self._end_delay, future)
            future.add_done_callback(lambda _: timer.cancel())
        else:
            self._waiting[future] = follower
        return future

    def cancel(self, future: Future) -> None:
        """Cancel a wait; harmless when it is over."""
        self._waiting.pop(future, None)
        self._delayed.discard(future)
        future.cancel()

    def fan_out(self, entries: Sequence[StreamEntry], *, urgent: bool) -> None:
        """Push `entries` to the followers that can send them at once, and wake the others.

        Those with a delay are woken only if the change is `urgent`: an end, or another numbering.
        """
        if urgent:
            self._wake_delayed()
        new = NewEntries(entries)
        before, woken = len(self._waiting), []
        for future, follower in list(self._waiting.items()):
            # One that has seen all there is waits on with the same future.
            if future.done() or not (new.plain and follower.push(new)):
                woken.append(future)
        for future in woken:
            self._waiting.pop(future, None)
        resolve(woken)
        if pushed := before - len(woken):
            new.count_sent()
            self._clock.observe(entries, pushed)

    def wake_all(self) -> None:
        """Wake all followers that wait."""
        self._wake_delayed()
        waiting, self._waiting = self._waiting, {}
        resolve(waiting)

    def _wake_delayed(self) -> None:
        delayed, self._delayed = self._delayed, set()
        resolve(delayed)

    def _end_delay(self, future: Future) -> None:
        self._delayed.discard(future)
        if not future.done():
            future.set_result(None)


def resolve(futures: Iterable[Future]) -> None:
    """Wake everything that waits for `futures`."""
    for future in futures:
        if not future.done():
            future.set_result(None)
