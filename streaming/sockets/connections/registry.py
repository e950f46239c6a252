"""The sockets of a server process: how many there are, and who holds them by what credentials.

A socket takes a seat before it is let in, says who holds it as soon as that is known, and leaves.
Whoever has to go earlier is told so: their key was revoked or has expired, they have logged out,
they were barred.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from access.accounts.revalidation import CredentialIds, ValidCredentials
from access.authentication.jwt_tokens import EXPIRED as TOKEN_EXPIRED
from access.principals import Principal
from core.errors import TooMany, Unauthorized

from ...config import StreamingCacheSettings
from ...shared_counters import SharedCounts

End = Callable[[int, str], None]
"""Ends a socket: close code and reason. Called on the event loop; it must not block."""

REVOKED = "Key revoked"
EXPIRED = "Key expired"
LOGGED_OUT = "Session revoked"
BARRED = "Principal barred"
DEMOTED = "Rights changed"
# Clients take it for a restart, and connect anew.
COME_AGAIN = 1012
ALL_TAKEN = "This server has as many subscribers as it may. Try again later."
ALL_OF_KEY_TAKEN = "This key has as many subscriptions as it may. Close one first."
TOO_MANY_WAIT = "Too many connections have not said yet who they are. Try again soon."
ALL_OF_ADDRESS_TAKEN = (
    "This address has as many subscriptions without a key as it may "
    "(streaming_cache.connections_per_address)."
)
WAITING = "waiting"
# Long enough for a key that was found valid just before it was revoked to arrive here.
REMEMBERED_SECONDS = 60.0
# Nobody needs a timer for longer; one that goes off too early is set again.
LONGEST_TIMER = 24 * 3600.0

Holder = int | str
"""The id of a key in the database; all others are known by name."""
OWN_KEY = "own key"
NO_KEY = "no key"
Credential = int | UUID
"""The id of a key, or the uuid of a session or of an account."""


class Watch(Protocol):
    """What tells a desk of credentials that were revoked elsewhere."""

    def start(self) -> None:
        """There are some to watch."""

    async def stop(self) -> None:
        """Watch no more."""

    def look(self) -> None:
        """Compare those that hold seats with the database now. On the event loop."""


class Seat:
    """The place of one socket. Leave when done, however it went."""

    def __init__(self, desk: Desk, end: End, address: str = "") -> None:
        self.end = end
        self.address = address
        self._desk = desk
        self.principal: Principal | None = None
        self.timer: asyncio.TimerHandle | None = None
        self._holder: Holder | None = None
        self._waits = False

    def wait(self) -> None:
        """Count it among those that are not authenticated yet, of which the oldest may have to go.

        Raises TooMany where all of them are in other processes.
        """
        self._desk._let_wait(self)
        self._waits = True

    def stop_waiting(self) -> None:
        """Count it among them no more; harmless when done before."""
        if self._waits:
            self._waits = False
            self._desk._end_wait(self)

    def take(self, principal: Principal) -> None:
        """Have `principal` hold it. Raises TooMany, and Unauthorized for credentials over."""
        self.stop_waiting()
        self._holder = self._desk._seat(self, principal)
        self.principal = principal

    def leave(self) -> None:
        """Make room for another; harmless when done before."""
        self.stop_waiting()
        if self.timer is not None:
            self.timer.cancel()
        self._desk._empty(self, self._holder)
        self._holder = self.principal = None


class Desk:
    """All sockets of one event loop. Not to be used from another thread.

    `counts` has those of all worker processes of the server.
    """

    def __init__(
        self,
        settings: StreamingCacheSettings,
        watch: Watch | None = None,
        counts: SharedCounts | None = None,
    ) -> None:
        self.watch = watch
        self._counts = counts or SharedCounts.local()
        # By address, the oldest first.
        self._waiting: dict[str, dict[Seat, None]] = {}
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._seats: set[Seat] = set()
        self._held: dict[Holder, set[Seat]] = {}
        self._revoked: dict[Credential, float] = {}

    @property
    def credentials(self) -> CredentialIds:
        """All that holds seats here and may be revoked."""
        held = [seat.principal for seat in self._seats if seat.principal is not None]
        return CredentialIds(
            keys=frozenset(one.key_id for one in held if one.key_id is not None),
            sessions=frozenset(one.session for one in held if one.session is not None),
            accounts=frozenset(one.uuid for one in held if one.uuid is not None),
        )

    @property
    def waiting(self) -> int:
        """How many wait here."""
        return sum(map(len, self._waiting.values()))

    def enter(self, end: End, address: str = "") -> Seat:
        """A seat for a socket that wants in, from `address`. Raises TooMany."""
        if len(self._seats) >= self._settings.connections:
            raise TooMany(ALL_TAKEN)
        seat = Seat(self, end, address)
        self._seats.add(seat)
        return seat

    def end(self, credential: Credential, reason: str) -> None:
        """Send away whoever holds a seat by it, and whoever comes with it from now on."""
        now = self._loop.time()
        self._revoked = {
            known: moment
            for known, moment in self._revoked.items()
            if now - moment < REMEMBERED_SECONDS
        }
        self._revoked[credential] = now
        for seat in list(self._seats):
            if seat.principal is not None and credential in _credentials(seat.principal):
                seat.end(Unauthorized.close_code, reason)

    def compare(self, asked: CredentialIds, valid: ValidCredentials) -> None:
        """Send away who holds what was asked for and does not count any more."""
        for key_id in asked.keys:
            if key_id not in valid.keys:
                self.end(key_id, REVOKED)
            elif _seconds_left(valid.keys[key_id]) <= 0:
                self.end(key_id, EXPIRED)
        for session in asked.sessions - valid.sessions:
            self.end(session, LOGGED_OUT)
        for account in asked.accounts - valid.accounts:
            self.end(account, BARRED)
        self._send_back(valid)

    def look(self) -> None:
        """Have the credentials looked at now."""
        if self.watch is not None:
            self.watch.look()

    def _send_back(self, valid: ValidCredentials) -> None:
        """Have whoever was an admin, or has another name, come again, as what they are now."""
        demoted = valid.accounts - valid.admins
        for seat in list(self._seats):
            principal = seat.principal
            if principal is None or principal.uuid not in valid.accounts:
                continue
            name = valid.names.get(principal.uuid)
            renamed = name is not None and name not in principal.names
            if renamed or (principal.admin and principal.uuid in demoted):
                seat.end(COME_AGAIN, DEMOTED)

    def _let_wait(self, seat: Seat) -> None:
        if self._counts.add(WAITING) > self._settings.connections_waiting and not self._drop():
            self._counts.add(WAITING, -1)
            raise TooMany(TOO_MANY_WAIT)
        self._waiting.setdefault(seat.address, {})[seat] = None

    def _end_wait(self, seat: Seat) -> None:
        self._counts.add(WAITING, -1)
        del self._waiting[seat.address][seat]
        if not self._waiting[seat.address]:
            del self._waiting[seat.address]

    def _drop(self) -> bool:
        """Drop the oldest of the address that has the most; False where none waits here."""
        if not self._waiting:
            return False
        most = max(self._waiting.values(), key=len)
        oldest = next(iter(most))
        oldest.stop_waiting()
        oldest.end(TooMany.close_code, TOO_MANY_WAIT)
        return True

    def _seat(self, seat: Seat, principal: Principal) -> Holder:
        credentials = _credentials(principal)
        if not self._revoked.keys().isdisjoint(credentials):
            raise Unauthorized("Invalid API key")
        if _seconds_left(principal.expires) <= 0:
            raise Unauthorized("Invalid API key")
        holder = _holder(principal)
        self._count(holder, seat.address)
        self._held.setdefault(holder, set()).add(seat)
        self._set_timer(seat, principal)
        if credentials and self.watch is not None:
            self.watch.start()
        return holder

    def _empty(self, seat: Seat, holder: Holder | None) -> None:
        self._seats.discard(seat)
        if holder is None:
            return
        self._uncount(holder, seat.address)
        self._held[holder].discard(seat)
        if not self._held[holder]:
            del self._held[holder]

    def _count(self, holder: Holder, address: str) -> None:
        settings = self._settings
        if self._counts.add(f"holder {holder}") > settings.connections_per_key:
            self._counts.add(f"holder {holder}", -1)
            raise TooMany(ALL_OF_KEY_TAKEN)
        if holder != NO_KEY or not address:
            return
        if self._counts.add(f"address {address}") > settings.connections_per_address:
            self._uncount(holder, address)
            raise TooMany(ALL_OF_ADDRESS_TAKEN)

    def _uncount(self, holder: Holder, address: str) -> None:
        self._counts.add(f"holder {holder}", -1)
        if holder == NO_KEY and address:
            self._counts.add(f"address {address}", -1)

    def _set_timer(self, seat: Seat, principal: Principal) -> None:
        if principal.expires is not None:
            delay = min(_seconds_left(principal.expires), LONGEST_TIMER)
            seat.timer = self._loop.call_later(delay, self._expire, seat, principal)

    def _expire(self, seat: Seat, principal: Principal) -> None:
        if _seconds_left(principal.expires) > 0:
            self._set_timer(seat, principal)
        else:
            reason = EXPIRED if principal.session is None else TOKEN_EXPIRED
            seat.end(Unauthorized.close_code, reason)


def _credentials(principal: Principal) -> set[Credential]:
    known = (principal.key_id, principal.session, principal.uuid)
    return {one for one in known if one is not None}


def _holder(principal: Principal) -> Holder:
    if principal.key_id is not None:
        return principal.key_id
    if principal.session is not None:
        return f"session {principal.session}"
    return NO_KEY if principal.anonymous else OWN_KEY


def _seconds_left(expires: datetime | None) -> float:
    if expires is None:
        return float("inf")
    return (expires - datetime.now(UTC)).total_seconds()
