"""Advisory locks of PostgreSQL that belong to a transaction, for servers behind a pooler.

A pooler such as PgBouncer in transaction mode gives a session to another client after each
transaction, so a lock must not outlive one. The lock of a node is therefore the first statement of
the transaction of its write: a writer that has lost its session has lost both, and cannot commit.

| state of the transaction | statements | leaves it by |
| --- | --- | --- |
| open | belong to it, as if each were committed at the end of the block | `durable_transaction`: \
ended; the end of the block: committed, or rolled back after an error of the database |
| ended | are committed one by one, without the lock | the end of the block |

The lock is free between the commit of a write and its announcement. The order of a stream does not
depend on it: the record of an update names its predecessor (see `streaming.writing`).

To wait, a thread polls, because a waiting statement would occupy one of the pooler's sessions.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.db import Error, connection, transaction

from .advisory_locks import give_back_connection
from .thread_queue import Deadline, waiting

FIRST_PAUSE_SECONDS = 0.002
MAX_PAUSE_SECONDS = 0.05
# Locks are taken in shared memory of PostgreSQL, which has room for some thousands.
MAX_TRIED_AT_ONCE = 500


class TransactionIdentity(NamedTuple):
    """The process id of the backend of a transaction, and when that began, as PostgreSQL tells."""

    pid: int
    start: str


class LockTransaction:
    """The transaction that holds a lock, until it is ended."""

    def __init__(self, block: transaction.Atomic, identity: TransactionIdentity) -> None:
        self._block = block
        self.identity = identity
        self.is_open = True
        # Whether it is about to change one row only, and ends then.
        self.has_one_statement = False

    def end(self, *error: Any) -> None:
        """Commit, or roll back if `error`, a type, a value and a traceback, is given."""
        if self.is_open:
            self.is_open = False
            self._block.__exit__(*(error or (None, None, None)))


class _Current(threading.local):
    transaction: LockTransaction | None = None


_current = _Current()


def open_transaction() -> LockTransaction | None:
    """Return the open transaction that holds this thread's lock, if there is one."""
    held = _current.transaction
    return held if held is not None and held.is_open else None


def is_single_statement() -> bool:
    """Return whether the next statement is committed by itself."""
    taken = open_transaction()
    return not connection.in_atomic_block if taken is None else taken.has_one_statement


@contextmanager
def held(kind: int, slot: int, deadline: Deadline) -> Iterator[None]:
    """Hold a lock until the end of the block, or of the transaction of the write in it.

    Within the caller's transaction, the lock belongs to another connection. Raises LockTimeout,
    OperationalError.
    """
    if connection.in_atomic_block:
        with _held_apart(kind, slot, deadline):
            yield
        return
    taken = _wait(kind, slot, deadline)
    _current.transaction = taken
    try:
        yield
    except BaseException as error:
        # Other errors do not undo what was executed before, as without a transaction.
        taken.end(*sys.exc_info() if isinstance(error, Error) else ())
        raise
    else:
        taken.end()
    finally:
        _current.transaction = None


@contextmanager
def durable_transaction() -> Iterator[None]:
    """Run the body in a transaction that is committed at its end, with the lock if one is held."""
    taken = open_transaction()
    if taken is None:
        with transaction.atomic():
            yield
        return
    try:
        yield
    except BaseException:
        taken.end(*sys.exc_info())
        raise
    taken.end()


def wait_for_all(kind: int, slots: Sequence[int], deadline: Deadline) -> None:
    """Return after each lock has been free at least once. Raises LockTimeout."""
    left = list(slots)
    for pause in _pauses(deadline):
        taken = _taken(kind, left)
        left = [slot for slot in left if slot in taken]
        if not left:
            return
        give_back_connection()
        time.sleep(pause)


@contextmanager
def try_held_apart(kind: int, slot: int) -> Iterator[bool]:
    """Hold a lock on a separate connection if it is free; yield whether it is held."""
    wrapper: Any = connection.copy()
    wrapper.ensure_connection()
    session = wrapper.connection
    try:
        session.execute("BEGIN")
        found = session.execute(f"SELECT pg_try_advisory_xact_lock({kind}, {slot})").fetchone()
        yield bool(found[0])
    finally:
        wrapper.close()  # the pool ends the transaction


@contextmanager
def _held_apart(kind: int, slot: int, deadline: Deadline) -> Iterator[None]:
    for pause in _pauses(deadline):
        with try_held_apart(kind, slot) as is_held:
            if is_held:
                yield
                return
        time.sleep(pause)


def _wait(kind: int, slot: int, deadline: Deadline) -> LockTransaction:
    taken = _try(kind, slot)
    if taken is not None:
        return taken
    with waiting():
        for pause in _pauses(deadline):
            give_back_connection()
            time.sleep(pause)
            if (taken := _try(kind, slot)) is not None:
                return taken
    raise AssertionError


def _pauses(deadline: Deadline) -> Iterator[float]:
    """Yield the times to wait between two attempts, in seconds. Raises LockTimeout at the end."""
    pause = FIRST_PAUSE_SECONDS
    while (left := deadline.remaining()) > 0:
        yield min(pause, left)
        pause = min(2 * pause, MAX_PAUSE_SECONDS)
    raise deadline.timeout_error()


def _try(kind: int, slot: int) -> LockTransaction | None:
    """Return the transaction that now holds the lock; None if another one holds it."""
    block = transaction.atomic()
    block.__enter__()
    try:
        with connection.wrap_database_errors:
            is_held, pid, start = connection.connection.execute(
                f"SELECT pg_try_advisory_xact_lock({kind}, {slot}), pg_backend_pid(), now()::text"
            ).fetchone()
    except BaseException:
        block.__exit__(*sys.exc_info())
        raise
    taken = LockTransaction(block, TransactionIdentity(pid, start))
    if is_held:
        return taken
    taken.end()
    return None


def _taken(kind: int, slots: Sequence[int]) -> set[int]:
    """Return which of the locks are held by others at the moment."""
    found: set[int] = set()
    for first in range(0, len(slots), MAX_TRIED_AT_ONCE):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT slot FROM unnest(%s::int[]) AS slot "
                "WHERE NOT pg_try_advisory_xact_lock(%s, slot)",
                [list(slots[first : first + MAX_TRIED_AT_ONCE]), kind],
            )
            found.update(slot for (slot,) in cursor.fetchall())
    return found
