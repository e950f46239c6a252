"""One writer at a time for each node, over all server processes.

With PostgreSQL the lock is an advisory lock of the database, which several machines see. With
SQLite, all processes are on one machine, and the lock is one of a fixed number of files. A lock is
taken by path, before the node is looked up, so that what is looked up under it stays true.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from django.db import connection

from .config import storage_settings

SLOTS = 65_536
ADVISORY_CLASS = 0x711ED
LONE_CLASS = 0x711EE


@contextmanager
def node_lock(path: str) -> Iterator[None]:
    """Hold the lock of the node at `path`.

    Never take a second one inside: two paths may share a slot, and wait for each other.
    """
    hold = _advisory_lock if connection.vendor == "postgresql" else _file_lock
    with hold(_slot(path)):
        yield


def wait_for_writers(paths: Iterable[str]) -> None:
    """Return when everybody who holds the lock of one of `paths` now has let go of it.

    Others may take it meanwhile, and afterwards.
    """
    slots = sorted({_slot(path) for path in paths})
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # For each in turn: no two are held at the same time.
            cursor.execute(
                "SELECT pg_advisory_lock(%s, slot), pg_advisory_unlock(%s, slot) "
                "FROM unnest(%s::int[]) AS slot",
                [ADVISORY_CLASS, ADVISORY_CLASS, slots],
            )
        return
    for slot in slots:
        with _file_lock(slot):
            pass


@contextmanager
def lone(name: str) -> Iterator[bool]:
    """Hold the lock called `name`, of which there is one on the whole site, if nobody does.

    Never waits; False if it is another's.
    """
    digest = hashlib.blake2b(name.encode(), digest_size=4).digest()
    hold = _lone_advisory if connection.vendor == "postgresql" else _lone_file
    with hold(name, int.from_bytes(digest, signed=True)) as held:
        yield held


def _slot(path: str) -> int:
    digest = hashlib.blake2b(path.encode(), digest_size=4).digest()
    return int.from_bytes(digest) % SLOTS


@contextmanager
def _lone_advisory(name: str, number: int) -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LONE_CLASS, number])
        held = bool(cursor.fetchone()[0])
    try:
        yield held
    finally:
        if held:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LONE_CLASS, number])


@contextmanager
def _lone_file(name: str, number: int) -> Iterator[bool]:
    with open(f"{_lock_folder(storage_settings().directory)}/{name}", "wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


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
    path = f"{_lock_folder(storage_settings().directory)}/{slot:04x}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # and with it the lock


@cache
def _lock_folder(storage: Path) -> str:
    folder = storage / ".locks"
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)
