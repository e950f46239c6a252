"""A bounded pool of PostgreSQL connections, with a circuit breaker for outages.

A connection is in exactly one of three states: idle, lent to a thread, or being opened by the
thread that needs it. `_size` counts all three and never exceeds `max_size`.

The circuit breaker is *closed* while connections can be opened. A failed attempt *opens* it: for
`RETRY_SECONDS` every request for a new connection fails at once. After that, one thread at a time
makes another attempt, the probe, while the others still fail at once. A successful attempt closes
the circuit breaker again. An idle connection that the database has closed is discarded, not lent,
so that no request that begins after a restart fails.
"""

from __future__ import annotations

import logging
import select
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from .pool_metrics import PoolMetrics

logger = logging.getLogger(__name__)

Connection = psycopg.Connection[Any]

# In seconds.
RETRY_SECONDS = 0.5
MAX_LIFETIME_SECONDS = 3600.0
MAX_IDLE_SECONDS = 600.0
STALLED_SECONDS = 5.0


class Unreachable(psycopg.OperationalError):
    """The database is unreachable. The text is the error of the last attempt."""


class PoolExhausted(psycopg.OperationalError):
    """All connections are in use, and none was returned in time."""


@dataclass(slots=True)
class Member:
    """A connection of the pool, with the monotonic times when it was opened and last returned."""

    connection: Connection
    opened: float
    returned: float


class Pool:
    """At most `max_size` connections, each opened by `connect` in the thread that needs it.

    If all are lent, a thread waits up to `timeout` seconds for one to be returned, but gives up as
    soon as none was returned for `STALLED_SECONDS`.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        *,
        max_size: int,
        timeout: float,
        name: str = "",
    ) -> None:
        self.max_size = max_size
        self._metrics = PoolMetrics(name)
        self.timeout = timeout
        self._connect = connect
        self._changed = threading.Condition()
        self._idle: list[Member] = []  # a stack: the last returned is lent first
        self._lent: dict[int, Member] = {}
        self._size = 0
        self._progress = time.monotonic()
        self._failure: str | None = None
        self._next_attempt = 0.0
        self._probing = False
        self._closed = False

    @property
    def failure(self) -> str | None:
        """The error of the last attempt to connect; None if it succeeded."""
        return self._failure

    def sample(self) -> None:
        """Set the metrics of the state of the pool."""
        self._metrics.sample(self._size, len(self._lent))

    def open(self) -> None:
        """Do nothing: connections are opened when they are needed. Django calls this."""

    def getconn(self) -> Connection:
        """Return a connection. Raises Unreachable, PoolExhausted (psycopg.OperationalError)."""
        start = time.monotonic()
        while True:
            with self._changed:
                member = self._idle_or_place(start)
            if member is None:
                member = self._open()
            if member is not None:
                self._metrics.lent(len(self._lent), self.max_size)
                return member.connection

    def putconn(self, connection: Connection) -> None:
        """Take back a connection; close it if it is broken or older than MAX_LIFETIME_SECONDS."""
        _end_transaction(connection)
        discarded = []
        with self._changed:
            now = self._progress = time.monotonic()
            member = self._lent.pop(id(connection), None)
            if member is None:
                return
            member.returned = now
            if connection.closed or self._closed or now - member.opened > MAX_LIFETIME_SECONDS:
                discarded.append(member)
            else:
                self._idle.append(member)
            while self._idle and now - self._idle[0].returned > MAX_IDLE_SECONDS:
                discarded.append(self._idle.pop(0))
            self._size -= len(discarded)
            self._changed.notify_all()
        self._metrics.returned()
        if discarded:
            self._metrics.closed(len(discarded))
        for member in discarded:
            _close(member.connection)

    def close(self) -> None:
        """Close idle connections now, and lent ones when they are returned."""
        with self._changed:
            self._closed = True
            idle, self._idle = self._idle, []
            self._size -= len(idle)
        self._metrics.closed(len(idle))
        for member in idle:
            _close(member.connection)

    def _idle_or_place(self, start: float) -> Member | None:
        """Return an idle connection; or reserve a place for a new one, and return None.

        Waits for either. Raises Unreachable, PoolExhausted.
        """
        while True:
            while self._idle:
                member = self._idle.pop()
                if _is_quiet(member.connection):
                    self._lent[id(member.connection)] = member
                    self._progress = time.monotonic()
                    return member
                self._size -= 1
                self._metrics.invalid()
                self._metrics.closed(1)
                _close(member.connection)
            if self._size < self.max_size:
                if self._may_attempt():
                    self._size += 1
                    return None
                if not self._worth_waiting():
                    raise Unreachable(self._failure or "")
            self._wait(start)

    def _may_attempt(self) -> bool:
        if self._failure is None:
            return True
        if self._probing or time.monotonic() < self._next_attempt:
            return False
        self._probing = True
        return True

    def _worth_waiting(self) -> bool:
        """Return whether the database responds, but accepts no further connection."""
        # A running server sends FATAL, as for too many clients: lent connections still work.
        return bool(self._lent) and "FATAL" in (self._failure or "")

    def _wait(self, start: float) -> None:
        now = time.monotonic()
        until = min(start + self.timeout, self._progress + STALLED_SECONDS)
        if now >= until:
            raise PoolExhausted(
                f"all {self.max_size} connections of this process are in use, and none was "
                f"returned for {now - self._progress:.1f} s"
            )
        self._changed.wait(min(until - now, RETRY_SECONDS))

    def _open(self) -> Member | None:
        """Open a connection in the reserved place; return None to wait for one that is lent."""
        try:
            connection = self._connect()
        except BaseException as error:
            with self._changed:
                self._size -= 1
                self._failed(error)
                if isinstance(error, psycopg.Error) and self._worth_waiting():
                    return None
            raise
        self._metrics.opened()
        # Django returns the connection to this pool, and psycopg does not warn of one left open.
        connection._pool = self
        now = time.monotonic()
        member = Member(connection, opened=now, returned=now)
        with self._changed:
            if self._failure is not None:
                logger.warning("PostgreSQL accepts connections again.")
            self._failure, self._probing = None, False
            self._lent[id(connection)] = member
            self._progress = now
            self._changed.notify_all()
        return member

    def _failed(self, error: BaseException) -> None:
        self._probing = False
        self._metrics.failed()
        if isinstance(error, psycopg.Error):
            text = " ".join(str(error).split())
            if self._failure is None:
                logger.error("Cannot connect to PostgreSQL: %s", text)
            self._failure = text
        self._next_attempt = time.monotonic() + RETRY_SECONDS
        self._changed.notify_all()


def _is_quiet(connection: Connection) -> bool:
    """Return whether an idle connection is still open.

    When the server closes it, its socket becomes readable.
    """
    if connection.closed:
        return False
    poller = select.poll()
    poller.register(connection.pgconn.socket, select.POLLIN)
    return not poller.poll(0)


def _end_transaction(connection: Connection) -> None:
    status = connection.pgconn.transaction_status
    if status in {TransactionStatus.INTRANS, TransactionStatus.INERROR}:
        try:
            connection.rollback()
        except psycopg.Error:
            _close(connection)
    elif status != TransactionStatus.IDLE:
        _close(connection)


def _close(connection: Connection) -> None:
    with suppress(Exception):
        connection.close()
