"""One writer at a time per node, across all server processes.

With PostgreSQL the lock is an advisory lock, which several machines share. It belongs to a session,
or behind a connection pooler to the transaction of the write (`transaction_locks`). With SQLite all
processes are on one machine, and the lock is a lock on one of a fixed number of files.

| state of a thread | holds in the process | holds across processes | leaves it by |
| --- | --- | --- | --- |
| queued (`thread_queue`) | a place in the queue of its slot, no connection | nothing | its turn: \
waiting; `database.lock_timeout` or a full queue: LockTimeout |
| waiting | the turn of its slot, one of `MAX_WAITING_CONNECTIONS` connections (PostgreSQL) or the \
only thread that waits for the file (SQLite) | nothing | the lock is free: holding; the timeout: \
LockTimeout |
| holding | the turn of its slot | the lock of its slot | the end of the block: the lock is \
released first, then the turn |

Invariants:

- A lock is taken by path before the node is looked up, so the result of the lookup stays valid.
- Per slot, at most one thread of each process is waiting or holding.
- A thread holds at most one node lock: two paths may share a slot, so a second one may deadlock.
- Queuing and waiting together take at most `database.lock_timeout`.
- The lock of PostgreSQL ends with its session, which its holder may not notice: see `fencing`.
- Behind a pooler it ends with the commit; the turn of the slot is kept until the end of the block.
- A site lock (`try_site_lock`) never waits, and has its own class or file, so it never
  conflicts with a node lock.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path

from ..config import database_settings, storage_settings
from ..database_vendor import on_postgresql
from . import advisory_locks, file_locks, transaction_locks
from .pooling import is_pooled
from .thread_queue import Deadline, LockTimeout, Turns, longest_wait

logger = logging.getLogger(__name__)

__all__ = ["LockTimeout", "longest_wait", "node_lock", "try_site_lock", "wait_for_writers"]

SLOTS = 65_536
ADVISORY_CLASS = 0x711ED
SITE_LOCK_CLASS = 0x711EE

_turns = Turns()


@contextmanager
def node_lock(path: str) -> Iterator[None]:
    """Hold the lock of the node at `path`. Raises LockTimeout (503).

    Do not take a second one in the block: two paths may share a slot, which would deadlock.
    """
    slot, deadline = _slot(path), Deadline(database_settings().lock_timeout)
    with _turns.turn(slot, deadline, advisory_locks.give_back_connection), _held(slot, deadline):
        yield


def wait_for_writers(paths: Iterable[str]) -> None:
    """Return after all current holders of the locks of `paths` have released them.

    Other writers may take the locks meanwhile and afterwards. After `database.lock_timeout` the
    function returns anyway: such a writer finds no node when it commits, and leaves at most files
    that the cleanup removes.
    """
    slots = sorted({_slot(path) for path in paths})
    deadline = Deadline(database_settings().lock_timeout)
    try:
        if on_postgresql():
            wait = transaction_locks if is_pooled() else advisory_locks
            wait.wait_for_all(ADVISORY_CLASS, slots, deadline)
            return
        for slot in slots:
            with _held(slot, deadline):
                pass
    except LockTimeout:
        logger.warning(
            "A write to a deleted node did not end within %g s (database.lock_timeout).",
            deadline.seconds,
        )


@contextmanager
def try_site_lock(name: str) -> Iterator[bool]:
    """Hold the site-wide lock `name` if it is free; yield whether it is held. Never waits."""
    digest = hashlib.blake2b(name.encode(), digest_size=4).digest()
    hold = _try_advisory_lock if on_postgresql() else _try_file_lock
    with hold(name, int.from_bytes(digest, signed=True)) as held:
        yield held


def _held(slot: int, deadline: Deadline) -> AbstractContextManager[None]:
    if on_postgresql():
        held = transaction_locks.held if is_pooled() else advisory_locks.held
        return held(ADVISORY_CLASS, slot, deadline)
    path = f"{_lock_folder(storage_settings().directory)}/{slot:04x}"
    return file_locks.held(path, deadline)


def _slot(path: str) -> int:
    digest = hashlib.blake2b(path.encode(), digest_size=4).digest()
    return int.from_bytes(digest) % SLOTS


@contextmanager
def _try_advisory_lock(name: str, number: int) -> Iterator[bool]:
    if is_pooled():
        with transaction_locks.try_held_apart(SITE_LOCK_CLASS, number) as is_held:
            yield is_held
        return
    session = advisory_locks.try_lock(SITE_LOCK_CLASS, number)
    try:
        yield session is not None
    finally:
        if session is not None:
            advisory_locks.unlock(session, SITE_LOCK_CLASS, number)


@contextmanager
def _try_file_lock(name: str, number: int) -> Iterator[bool]:
    with open(f"{_lock_folder(storage_settings().directory)}/{name}", "wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


@cache
def _lock_folder(storage: Path) -> str:
    folder = storage / ".locks"
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)
