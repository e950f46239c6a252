"""One writer at a time for each node, over all server processes.

With PostgreSQL the lock is an advisory lock of the database, which several machines see. With
SQLite, all processes are on one machine, and the lock is one of a fixed number of files. A lock is
taken by path, before the node is looked up, so that what is looked up under it stays true.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from django.db import connection

from .config import storage_settings

SLOTS = 65_536
ADVISORY_CLASS = 0x711ED


@contextmanager
def node_lock(path: str) -> Iterator[None]:
    """Hold the lock of the node at `path`.

    Never take a second one inside: two paths may share a slot, and wait for each other.
    """
    digest = hashlib.blake2b(path.encode(), digest_size=4).digest()
    hold = _advisory_lock if connection.vendor == "postgresql" else _file_lock
    with hold(int.from_bytes(digest) % SLOTS):
        yield


@contextmanager
def _advisory_lock(slot: int) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [ADVISORY_CLASS, slot])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [ADVISORY_CLASS, slot])


@contextmanager
def _file_lock(slot: int) -> Iterator[None]:
    folder = _lock_folder(storage_settings().directory)
    with open(folder / f"{slot:04x}", "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@cache
def _lock_folder(storage: Path) -> Path:
    folder = storage / ".locks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
