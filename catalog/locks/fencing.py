"""Fencing: a writer that has lost its node's lock cannot damage or supersede the next write.

PostgreSQL releases an advisory lock when the session ends, which the writer does not notice before
its next query. Meanwhile it may still be writing to files. Two rules make that harmless:

- A writer that changes files in place holds a file lock from before the node is looked up until
  after the commit. The process holds it even if the session is lost, so the state that was looked
  up under both locks stays valid until the file lock is released.
- If the file lock is taken although the node's lock was free, its holder has lost its session. The
  next writer then writes only to files with new names (`exclusive` is False), which become current
  with its commit. Files that the previous writer still changes are never read.

The commit compares the version that it replaces (`generation` of a data source, size and file of a
partition) and stores nothing if another writer has committed first.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from core.errors import Unavailable

from ..config import storage_settings
from ..database_vendor import on_postgresql
from .node_locks import node_lock

SLOTS = 65_536
# How long to wait for a writer that has lost its session to notice that and release the file lock.
MAX_WAIT_SECONDS = 1.0
POLL_INTERVAL_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Fence:
    """The permission to write to a node; if `exclusive`, its files may be changed in place."""

    exclusive: bool


class Superseded(Unavailable):
    """Another write was committed first. Nothing of this one was stored."""

    def __init__(self) -> None:
        super().__init__(
            "This write lost its lock, and another write to this node was stored first; nothing of "
            "this write was stored. Try again."
        )


@contextmanager
def write_lock(path: str) -> Iterator[Fence]:
    """Hold the lock of the node at `path` for a write. Look the node up inside the block."""
    with node_lock(path):
        if not on_postgresql() or not storage_settings().changes_files:
            # Without PostgreSQL the node's lock is a file lock itself. Objects are never changed.
            yield Fence(exclusive=True)
            return
        with _held(path) as exclusive:
            yield Fence(exclusive)


@contextmanager
def _held(path: str) -> Iterator[bool]:
    """Hold the file lock of `path`; yield False if its holder does not release it in time."""
    descriptor = _open_lock_file(path)
    try:
        exclusive = _acquire(descriptor)
        try:
            yield exclusive
        finally:
            if exclusive:
                # Closing is not enough: a child forked meanwhile has a copy of the descriptor.
                fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def _open_lock_file(path: str) -> int:
    digest = hashlib.blake2b(path.encode(), digest_size=4).digest()
    name = f"{storage_settings().directory}/.fences/{int.from_bytes(digest) % SLOTS:04x}"
    try:
        return os.open(name, os.O_RDWR | os.O_CREAT, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(name), exist_ok=True)
        return os.open(name, os.O_RDWR | os.O_CREAT, 0o666)


def _acquire(descriptor: int) -> bool:
    deadline = time.monotonic() + MAX_WAIT_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_INTERVAL_SECONDS)
        else:
            return True
