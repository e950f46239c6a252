"""The sockets of a server process: how many there are, and who holds them by what key.

A socket takes a seat before it is let in, says who holds it as soon as that is known, and leaves.
Whoever has to go earlier is told so: their key was revoked, or has expired.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Protocol

from access.errors import TooMany, Unauthorized
from access.principals import Principal

from ..config import StreamingCacheSettings

End = Callable[[int, str], None]
"""Ends a socket: close code and reason. Called on the event loop; it must not block."""

REVOKED = "Key revoked"
EXPIRED = "Key expired"
ALL_TAKEN = "This server has as many subscribers as it may. Try again later."
ALL_OF_KEY_TAKEN = "This key has as many subscriptions as it may. Close one first."
TOO_MANY_WAIT = "Too many connections have not said yet who they are. Try again soon."
# Long enough for a key that was found valid just before it was revoked to arrive here.
REMEMBERED_SECONDS = 60.0
# Nobody needs a timer for longer; one that goes off too early is set again.
LONGEST_TIMER = 24 * 3600.0

Holder = int | str
"""The id of a key in the database; all others are known by name."""
OWN_KEY = "own key"
NO_KEY = "no key"


class Watch(Protocol):
    """What tells a desk of keys that were revoked elsewhere."""

    def start(self) -> None:
        """There is a key to watch."""

    async def stop(self) -> None:
        """Watch no more."""


class Seat:
    """The place of one socket. Leave when done, however it went."""

    def __init__(self, desk: Desk, end: End) -> None:
        self.end = end
        self._desk = desk
        self._holder: Holder | None = None
        self._waits = False

    def wait(self) -> None:
        """Have it counted among those that nobody knows yet. Raises TooMany."""
        self._desk._let_wait(self)
        self._waits = True

    def take(self, principal: Principal) -> None:
        """Have `principal` hold it. Raises TooMany, and Unauthorized for a key that is over."""
        self._stop_waiting()
        self._holder = self._desk._seat(self, principal)

    def leave(self) -> None:
        """Make room for another; harmless when done before."""
        self._stop_waiting()
        self._desk._empty(self, self._holder)
        self._holder = None

    def _stop_waiting(self) -> None:
        if self._waits:
            self._waits = False
            self._desk.waiting -= 1


class Desk:
    """All sockets of one event loop. Not to be used from another thread."""

    def __init__(self, settings: StreamingCacheSettings, watch: Watch | None = None) -> None:
        self.waiting = 0
        self.watch = watch
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._seats: set[Seat] = set()
        self._held: dict[Holder, set[Seat]] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._revoked: dict[int, float] = {}

    @property
    def keys(self) -> list[int]:
        """The keys in the database that hold seats here."""
        return [holder for holder in self._held if isinstance(holder, int)]

    def enter(self, end: End) -> Seat:
        """A seat for a socket that wants in. Raises TooMany."""
        if len(self._seats) >= self._settings.connections:
            raise TooMany(ALL_TAKEN)
        seat = Seat(self, end)
        self._seats.add(seat)
        return seat

    def end_key(self, key_id: int, reason: str) -> None:
        """Send away whoever holds a seat by this key, and whoever comes with it from now on."""
        now = self._loop.time()
        self._revoked = {
            key: moment
            for key, moment in self._revoked.items()
            if now - moment < REMEMBERED_SECONDS
        }
        self._revoked[key_id] = now
        for seat in list(self._held.get(key_id, ())):
            seat.end(Unauthorized.close_code, reason)

    def compare(self, asked: Collection[int], found: Mapping[int, datetime | None]) -> None:
        """Send away who holds a key that was asked for and not found, or has expired."""
        for key_id in asked:
            if key_id not in found:
                self.end_key(key_id, REVOKED)
            elif _seconds_left(found[key_id]) <= 0:
                self.end_key(key_id, EXPIRED)

    def _let_wait(self, seat: Seat) -> None:
        if self.waiting >= self._settings.connections_waiting:
            raise TooMany(TOO_MANY_WAIT)
        self.waiting += 1

    def _seat(self, seat: Seat, principal: Principal) -> Holder:
        holder = _holder(principal)
        if holder in self._revoked or _seconds_left(principal.expires) <= 0:
            raise Unauthorized("Invalid API key")
        seats = self._held.get(holder, set())
        if len(seats) >= self._settings.connections_per_key:
            raise TooMany(ALL_OF_KEY_TAKEN)
        seats.add(seat)
        self._held[holder] = seats
        if isinstance(holder, int):
            self._set_timer(holder, principal.expires)
            if self.watch is not None:
                self.watch.start()
        return holder

    def _empty(self, seat: Seat, holder: Holder | None) -> None:
        self._seats.discard(seat)
        if holder is None:
            return
        self._held[holder].discard(seat)
        if not self._held[holder]:
            del self._held[holder]
            if isinstance(holder, int) and (timer := self._timers.pop(holder, None)):
                timer.cancel()

    def _set_timer(self, key_id: int, expires: datetime | None) -> None:
        if expires is not None and key_id not in self._timers:
            delay = min(_seconds_left(expires), LONGEST_TIMER)
            self._timers[key_id] = self._loop.call_later(delay, self._expire, key_id, expires)

    def _expire(self, key_id: int, expires: datetime) -> None:
        del self._timers[key_id]
        if _seconds_left(expires) > 0:
            self._set_timer(key_id, expires)
        else:
            self.end_key(key_id, EXPIRED)


def _holder(principal: Principal) -> Holder:
    if principal.key_id is not None:
        return principal.key_id
    return NO_KEY if principal.anonymous else OWN_KEY


def _seconds_left(expires: datetime | None) -> float:
    if expires is None:
        return float("inf")
    return (expires - datetime.now(UTC)).total_seconds()
