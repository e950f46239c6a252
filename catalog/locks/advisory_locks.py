"""Session-level advisory locks of PostgreSQL, which servers on several machines share.

A session that may still hold a lock never returns to the pool: if acquiring or releasing fails in
any way, the connection is closed, and PostgreSQL releases all its locks.
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

# Connections of this process that may wait for locks at the same time. If a machine hangs while it
# holds more locks than that, writes to other nodes wait as well. Reads never do.
MAX_WAITING_CONNECTIONS = 4
_connection_slots = threading.BoundedSemaphore(MAX_WAITING_CONNECTIONS)

# One message is one transaction: `SET LOCAL` ends with it, a session-level lock does not.
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
    """Hold a lock for the duration of the block. Raises LockTimeout, OperationalError."""
    session = try_lock(kind, slot) or _wait(kind, [slot], deadline)
    try:
        yield
    finally:
        unlock(session, kind, slot)


def wait_for_all(kind: int, slots: Sequence[int], deadline: Deadline) -> None:
    """Return after each lock has been free at least once. Raises LockTimeout."""
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
    """Return the session that now holds the lock; None if another session holds it."""
    with _closed_on_failure():
        session = _session()
        return (
            session
            if _query_boolean(session, f"SELECT pg_try_advisory_lock({kind}, {slot})")
            else None
        )


def unlock(session: Any, kind: int, slot: int) -> None:
    """Release a lock of `session`. Errors are logged: the work under the lock is complete."""
    try:
        if connection.connection is not session:
            # The thread has reconnected meanwhile; another thread may own this session now.
            session.close()
            return
        if _query_boolean(session, f"SELECT pg_advisory_unlock({kind}, {slot})"):
            return
        logger.error("Lost an advisory lock while holding it; closing its connection.")
    except Exception as error:  # noqa: BLE001  any error closes the session
        logger.warning("Could not release an advisory lock; closing its connection: %s", error)
    except BaseException:
        close_session()
        raise
    close_session()


def _session() -> Any:
    connection.ensure_connection()
    return connection.connection


def _query_boolean(session: Any, sql: str) -> bool:
    """Return the boolean result of a query, without the overhead of Django's cursor."""
    with connection.wrap_database_errors:
        return bool(session.execute(sql).fetchone()[0])


def close_session() -> None:
    """Close this thread's connection instead of returning it to the pool."""
    session = connection.connection
    if session is not None:
        session.close()
    connection.close()


def give_back_connection() -> None:
    """Return this thread's connection to the pool, unless it is in a transaction."""
    if on_postgresql() and not connection.in_atomic_block:
        connection.close()


def _wait(kind: int, slots: Sequence[int], deadline: Deadline, *, release: bool = False) -> Any:
    """Return the session that holds the locks, or with `release` has held each of them once."""
    give_back_connection()
    with waiting():
        if not _connection_slots.acquire(timeout=deadline.remaining()):
            raise deadline.timeout_error()
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
                raise deadline.timeout_error() from None
            raise
        finally:
            _connection_slots.release()


@contextmanager
def _closed_on_failure() -> Iterator[None]:
    """Close the session after an error, when it is unknown whether it holds the lock."""
    try:
        yield
    except BaseException:
        close_session()
        raise
