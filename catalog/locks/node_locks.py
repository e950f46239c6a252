"""One writer at a time for each node, over all server processes.

With PostgreSQL the lock is an advisory lock of the database, which several machines see. With
SQLite, all processes are on one machine, and the lock is one of a fixed number of files. A lock is
taken by path, before the node is looked up, so that what is looked up under it stays true.

Threads of one process queue first (see `turns`). None waits longer than `database.lock_timeout`.
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
from . import advisory_locks, file_locks
from .thread_queue import Deadline, LockTimeout, Turns, longest_wait

logger = logging.getLogger(__name__)

__all__ = ["LockTimeout", "lone", "longest_wait", "node_lock", "wait_for_writers"]

SLOTS = 65_536
ADVISORY_CLASS = 0x711ED
LONE_CLASS = 0x711EE

_turns = Turns()


@contextmanager
def node_lock(path: str) -> Iterator[None]:
    """Hold the lock of the node at `path`. Raises LockTimeout (503).

    Never take a second one inside: two paths may share a slot, and wait for each other.
    """
    slot, deadline = _slot(path), Deadline(database_settings().lock_timeout)
    with _turns.turn(slot, deadline, advisory_locks.give_back_connection), _held(slot, deadline):
        yield


def wait_for_writers(paths: Iterable[str]) -> None:
    """Return when all who hold the lock of one of `paths` now have released it.

    Others may take it meanwhile, and afterwards. One that is not released in time is not waited
    for any longer: that writer finds no node when it commits, and leaves at most files that the
    sweep removes.
    """
    slots = sorted({_slot(path) for path in paths})
    deadline = Deadline(database_settings().lock_timeout)
    try:
        if on_postgresql():
            advisory_locks.wait_for_all(ADVISORY_CLASS, slots, deadline)
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
def lone(name: str) -> Iterator[bool]:
    """Hold the site-wide lock `name`, if it is free.

    Never waits; False if it is another's.
    """
    digest = hashlib.blake2b(name.encode(), digest_size=4).digest()
    hold = _lone_advisory if on_postgresql() else _lone_file
    with hold(name, int.from_bytes(digest, signed=True)) as held:
        yield held


def _held(slot: int, deadline: Deadline) -> AbstractContextManager[None]:
    if on_postgresql():
        return advisory_locks.held(ADVISORY_CLASS, slot, deadline)
    path = f"{_lock_folder(storage_settings().directory)}/{slot:04x}"
    return file_locks.held(path, deadline)


def _slot(path: str) -> int:
    digest = hashlib.blake2b(path.encode(), digest_size=4).digest()
    return int.from_bytes(digest) % SLOTS


@contextmanager
def _lone_advisory(name: str, number: int) -> Iterator[bool]:
    session = advisory_locks.try_lock(LONE_CLASS, number)
    try:
        yield session is not None
    finally:
        if session is not None:
            advisory_locks.unlock(session, LONE_CLASS, number)


@contextmanager
def _lone_file(name: str, number: int) -> Iterator[bool]:
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
