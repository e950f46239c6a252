"""Commit a change together with the record of its announcements.

If the response to COMMIT is lost, the change may be stored or not. Nothing is rolled back then: the
database is queried on another connection, once the session that sent the COMMIT has ended.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from django.db import InterfaceError, OperationalError, connection, transaction

from core.errors import ServiceError, Unavailable

from ..database_vendor import on_postgresql
from ..events import Event, Recorded, announce, record

logger = logging.getLogger(__name__)

# How long to query the database for the outcome of a transaction, in seconds.
OUTCOME_TIMEOUT_SECONDS = 5.0
_POLL_SECONDS = 0.1
# By connection of the driver.
_backend_pids: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
_STILL_OPEN = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND xact_start IS NOT NULL"


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
    """A transaction in progress, with the events to announce when it is committed."""

    def __init__(self) -> None:
        self._recorded: list[Recorded] = []
        self._steps: list[Callable[[], None]] = []
        self._session = _session()
        self.complete = False

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
        self._recorded.append(recorded)
        return bool(recorded.notes)

    def announce_next(self) -> None:
        """Announce the first event that was not announced yet."""
        announce(self._recorded.pop(0))

    def announce(self) -> None:
        """Announce all events that were not announced yet, in their order."""
        while self._recorded:
            self.announce_next()

    def is_stored(self) -> bool:
        """Return whether the database has committed the change. Raises OutcomeUnknown."""
        notes = [note for recorded in self._recorded for note in recorded.notes]
        if not notes or self._session is None:
            raise OutcomeUnknown
        deadline = time.monotonic() + OUTCOME_TIMEOUT_SECONDS
        while True:
            connection.close()
            try:
                if not _is_open(self._session):
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
        with transaction.atomic():
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


def _session() -> int | None:
    """Return the process id of the PostgreSQL backend that serves this connection.

    It is queried once per connection: behind a pooler, the id that the driver knows is the
    pooler's.
    """
    if not on_postgresql():
        return None
    connection.ensure_connection()
    found = _backend_pids.get(connection.connection)
    if found is None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (found,) = cursor.fetchone()
        _backend_pids[connection.connection] = found
    return found


def _is_open(session: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_STILL_OPEN, [session])
        return cursor.fetchone() is not None
