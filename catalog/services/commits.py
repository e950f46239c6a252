"""Commit a change together with the record of its announcements.

If the response to COMMIT is lost, the change may be stored or not. Nothing is rolled back then: the
database is queried on another connection, once the transaction has ended. Behind a pooler that is
known by its backend and start, since the backend then serves others.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import InterfaceError, OperationalError, connection

from core.errors import ServiceError, Unavailable

from ..database_vendor import on_postgresql
from ..events import Event, Recorded, announce, record
from ..locks.pooling import backend_pid, is_pooled
from ..locks.transaction_locks import (
    TransactionIdentity,
    durable_transaction,
    open_transaction,
)

logger = logging.getLogger(__name__)

# How long to query the database for the outcome of a transaction, in seconds.
OUTCOME_TIMEOUT_SECONDS = 5.0
_POLL_SECONDS = 0.1
_STILL_OPEN = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND xact_start = %s::timestamptz"
_STILL_OPEN_IN_SESSION = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND xact_start IS NOT NULL"


class OutcomeUnknown(ServiceError):
    """The database did not answer whether it stored a change.

    There is no Retry-After: the client may only repeat the request under the conditions below.
    """

    status = 503

    def __init__(self) -> None:
        super().__init__(
            "The outcome of this change is unknown, because the database did not respond. A "
            "request with an Idempotency-Key, or one that overwrites, can be repeated; before an "
            "append without a key is repeated, read the stored data."
        )


class EventTransaction:
    """A transaction in progress, with the events to announce when it is committed.

    `recorded` are the records of those that were not announced yet, in their order.
    """

    def __init__(self) -> None:
        self.recorded: list[Recorded] = []
        self._steps: list[Callable[[], None]] = []
        self._transaction: TransactionIdentity | None = None
        self.complete = False

    def begin(self) -> None:
        """Note the identity of the transaction. Call it in the transaction."""
        self._transaction = _identity()

    def on_commit(self, step: Callable[[], None]) -> None:
        """Run `step` when the change is committed, before any event is announced."""
        self._steps.append(step)

    def run_callbacks(self) -> None:
        """Run the `on_commit` callbacks."""
        for step in self._steps:
            step()

    def record_event(self, event: Event) -> bool:
        """Record `event` within the transaction; return whether a record of it was stored."""
        recorded = record(event)
        self.recorded.append(recorded)
        return bool(recorded.notes)

    def announce_next(self) -> None:
        """Announce the first event that was not announced yet."""
        announce(self.recorded.pop(0))

    def announce(self) -> None:
        """Announce all events that were not announced yet, in their order."""
        while self.recorded:
            self.announce_next()

    def is_stored(self) -> bool:
        """Return whether the database has committed the change. Raises OutcomeUnknown."""
        notes = [note for recorded in self.recorded for note in recorded.notes]
        if not notes or self._transaction is None:
            raise OutcomeUnknown
        deadline = time.monotonic() + OUTCOME_TIMEOUT_SECONDS
        while True:
            connection.close()
            try:
                if not _is_open(self._transaction):
                    return notes[0].is_stored()
            except (OperationalError, InterfaceError, Unavailable) as error:
                logger.debug("Could not query the outcome of a transaction yet: %s", error)
            if time.monotonic() > deadline:
                raise OutcomeUnknown
            time.sleep(_POLL_SECONDS)


@contextmanager
def event_transaction(*, announced: bool = True) -> Iterator[EventTransaction]:
    """Run the body in a transaction; then announce its recorded events if `announced` is true.

    Call it under the lock of the node. Raises OutcomeUnknown if the response to COMMIT is lost
    and the database cannot be queried; then do not remove any file that the change makes
    current.
    """
    change = EventTransaction()
    try:
        with durable_transaction():
            change.begin()
            yield change
            change.complete = True
    except (OperationalError, InterfaceError) as error:
        if not change.complete or not on_postgresql():
            raise
        logger.warning("Lost the response to COMMIT; querying the outcome: %s", error)
        if not change.is_stored():
            raise
    change.run_callbacks()
    if announced:
        change.announce()


def record_alone(event: Event) -> Recorded:
    """Record an event, and commit: its record is the only row that changes.

    Raises OutcomeUnknown as `event_transaction` does, but only behind a pooler.
    """
    taken = open_transaction()
    if taken is None:
        return record(event)
    with event_transaction(announced=False) as change:
        taken.has_one_statement = True
        change.record_event(event)
    return change.recorded[0]


def _identity() -> TransactionIdentity | None:
    """Return the identity of the current transaction; None with SQLite.

    `start` is empty where the session serves this connection only: its process is known already.
    """
    if not on_postgresql():
        return None
    if (taken := open_transaction()) is not None:
        return taken.identity
    if not is_pooled():
        return TransactionIdentity(backend_pid(), "")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid(), now()::text")
        return TransactionIdentity(*cursor.fetchone())


def _is_open(identity: TransactionIdentity) -> bool:
    pid, start = identity
    with connection.cursor() as cursor:
        if start:
            cursor.execute(_STILL_OPEN, [pid, start])
        else:
            cursor.execute(_STILL_OPEN_IN_SESSION, [pid])
        return cursor.fetchone() is not None
