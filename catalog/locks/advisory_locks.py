"""Locks of PostgreSQL that belong to a session: advisory locks, which several machines see.

A session that may hold a lock unnoticed never goes back to the pool: where taking
or releasing a lock fails, in whichever way, its connection is closed, and PostgreSQL releases what
it held.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connection
from psycopg.errors import LockNotAvailable

from ..database_vendor import on_postgresql
from .thread_queue import Deadline, waiting

logger = logging.getLogger(__name__)

# Connections of this process that may wait for locks at the same time: so many locks can be held by
# a machine that hangs before writes to other nodes have to wait for them, too. Reads never do.
MOST_WAITING = 4
_places = threading.BoundedSemaphore(MOST_WAITING)

# One message, and so one transaction: the limit ends with it, the lock does not.
WAIT = (
    "SET LOCAL lock_timeout = %s;SELECT pg_advisory_lock(%s, slot) FROM unnest(%s::int[]) AS slot"
)
WAIT_AND_RELEASE = (
    "SET LOCAL lock_timeout = %s;"
    "SELECT pg_advisory_lock(%s, slot), pg_advisory_unlock(%s, slot) "
    "FROM unnest(%s::int[]) AS slot"
)


@contextmanager
def held(kind: int, slot: int, deadline: Deadline) -> Iterator[None]:
    """Hold a lock. Raises LockTimeout, OperationalError."""
    session = try_lock(kind, slot) or _wait(kind, [slot], deadline)
    try:
        yield
    finally:
        unlock(session, kind, slot)


def wait_for_all(kind: int, slots: Sequence[int], deadline: Deadline) -> None:
    """Return when each lock was free once, one after another. Raises LockTimeout."""
    with _closed_on_failure(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT slot FROM unnest(%s::int[]) AS slot WHERE CASE "
            "WHEN pg_try_advisory_lock(%s, slot) THEN NOT pg_advisory_unlock(%s, slot) "
            "ELSE true END",
            [list(slots), kind, kind],
        )
        taken = [slot for (slot,) in cursor.fetchall()]
    if taken:
        _wait(kind, taken, deadline, release=True)


def try_lock(kind: int, slot: int) -> Any:
    """Return the session that now holds the lock; None if another one does."""
    with _closed_on_failure():
        session = _session()
        return (
            session if _said_yes(session, f"SELECT pg_try_advisory_lock({kind}, {slot})") else None
        )


def unlock(session: Any, kind: int, slot: int) -> None:
    """Release a lock of `session`. Never raises: what was done under the lock has been done."""
    try:
        if connection.connection is not session:
            # Replaced while the lock was held, and maybe given to another thread since.
            session.close()
            return
        if _said_yes(session, f"SELECT pg_advisory_unlock({kind}, {slot})"):
            return
        logger.error("A lock was lost while it was held; its connection is closed.")
    except Exception as error:  # noqa: BLE001  the session is closed, whatever is wrong with it
        logger.warning("A lock could not be released, so its connection is closed: %s", error)
    except BaseException:
        close_session()
        raise
    close_session()


def _session() -> Any:
    connection.ensure_connection()
    return connection.connection


def _said_yes(session: Any, question: str) -> bool:
    """Put a question to a session without Django's cursor, which costs more than the answer."""
    with connection.wrap_database_errors:
        return bool(session.execute(question).fetchone()[0])


def close_session() -> None:
    """Close this thread's connection for good: it does not go back to the pool."""
    session = connection.connection
    if session is not None:
        session.close()
    connection.close()


def give_back_connection() -> None:
    """Return this thread's connection to the pool, where that is possible now."""
    if on_postgresql() and not connection.in_atomic_block:
        connection.close()


def _wait(kind: int, slots: Sequence[int], deadline: Deadline, *, release: bool = False) -> Any:
    """Return the session that holds the locks of `slots`, or has held each of them once."""
    give_back_connection()
    with waiting():
        if not _places.acquire(timeout=deadline.remaining()):
            raise deadline.missed()
        limit = max(1, int(1000 * deadline.remaining()))
        try:
            with _closed_on_failure(), connection.cursor() as cursor:
                if release:
                    cursor.execute(WAIT_AND_RELEASE, [limit, kind, kind, list(slots)])
                else:
                    cursor.execute(WAIT, [limit, kind, list(slots)])
                return connection.connection
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                raise deadline.missed() from None
            raise
        finally:
            _places.release()


@contextmanager
def _closed_on_failure() -> Iterator[None]:
    """Close the session where it is unknown whether it has the lock."""
    try:
        yield
    except BaseException:
        close_session()
        raise
