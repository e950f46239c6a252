"""Fencing: a writer that has lost its node's lock can neither harm nor supersede the next one.

The lock of PostgreSQL ends with its session, which the writer does not notice before its next
query. Meanwhile it may still be writing to files. Two things make that harmless:

- A writer that changes files in their place holds a lock of the file system from before the node
  is looked up until after the commit. It lasts as long as the process holds it, whatever becomes of
  the session. What was looked up under it, in the session that holds the node's lock, stays true
  until it is released.
- Where that lock is taken although the node's lock was free, its holder has lost its session. The
  next writer then writes to files of new names only (`exclusive` is False), which become current
  with its commit. What the other one still writes is never read.

The commit compares what it replaces (`generation` of a data source, size and file of a partition)
and stores nothing where another writer was first.
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
# For so many seconds a writer without a session is given time to find out.
PATIENCE = 1.0
_PAUSE = 0.01


@dataclass(frozen=True, slots=True)
class Fence:
    """The right to write to a node; `exclusive` if its files may be written in their place."""

    exclusive: bool


class Superseded(Unavailable):
    """Another write was committed first. Nothing of this one was stored."""

    def __init__(self) -> None:
        super().__init__(
            "Another write to this node was stored first, since this one lost its lock; nothing of "
            "this one was stored. Try again."
        )


@contextmanager
def write_lock(path: str) -> Iterator[Fence]:
    """Hold the lock of the node at `path` for a write to its storage. Look the node up inside."""
    with node_lock(path):
        if not on_postgresql():
            yield Fence(exclusive=True)  # the node's lock is a file's already
            return
        with _held(path) as exclusive:
            yield Fence(exclusive)


@contextmanager
def _held(path: str) -> Iterator[bool]:
    """Hold the file lock of `path`; False if a writer without a session does not release it."""
    descriptor = _opened(path)
    try:
        exclusive = _acquired(descriptor)
        try:
            yield exclusive
        finally:
            if exclusive:
                # A child process that was forked meanwhile has the descriptor, too.
                fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def _opened(path: str) -> int:
    digest = hashlib.blake2b(path.encode(), digest_size=4).digest()
    name = f"{storage_settings().directory}/.fences/{int.from_bytes(digest) % SLOTS:04x}"
    try:
        return os.open(name, os.O_RDWR | os.O_CREAT, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(name), exist_ok=True)
        return os.open(name, os.O_RDWR | os.O_CREAT, 0o666)


def _acquired(descriptor: int) -> bool:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(_PAUSE)
        else:
            return True
