"""Failures of what the server stands on: its disks and its database.

None of them is the client's fault or a defect of the server, and all of them may pass: the answer
is 507 where a disk is full and 503 otherwise, with a sentence and `Retry-After`. The log has one
line for each kind, and no stack, however many requests fail meanwhile.
"""

from __future__ import annotations

import errno
import logging
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from django.db import DatabaseError, InterfaceError, OperationalError

logger = logging.getLogger(__name__)

# In seconds: how often the log repeats that something still fails.
COMPLAINT_PAUSE = 60.0


@dataclass(frozen=True, slots=True)
class Outage:
    """The response to a failing backend. `retry_after` is in seconds."""

    status: int
    detail: str
    retry_after: int


FULL = Outage(
    507, "The disk of the server is full. Try again when its administrator has made room.", 30
)
READ_ONLY = Outage(
    503, "The disk of the server is read-only. Try again when its administrator has mended it.", 30
)
BROKEN = Outage(
    503, "The disk of the server fails. Try again when its administrator has mended it.", 30
)
DENIED = Outage(
    503,
    "The server is not allowed to use its own files. Try again when its administrator has changed "
    "their owner or mode.",
    30,
)
CROWDED = Outage(503, "The server has too many files open. Try again soon.", 1)
NO_DATABASE = Outage(503, "The database cannot be reached, or is too busy. Try again soon.", 1)
NO_WRITES = Outage(503, "The database takes no changes now. Try again soon.", 5)

DISK: dict[int, Outage] = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EFBIG: FULL,
    errno.EROFS: READ_ONLY,
    errno.EIO: BROKEN,
    errno.ENXIO: BROKEN,
    errno.ENODEV: BROKEN,
    errno.ESTALE: BROKEN,
    errno.ENOLCK: BROKEN,
    errno.EACCES: DENIED,
    errno.EPERM: DENIED,
    errno.EMFILE: CROWDED,
    errno.ENFILE: CROWDED,
}
SQLITE: dict[int, Outage] = {
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_IOERR: BROKEN,
    sqlite3.SQLITE_CANTOPEN: BROKEN,
}
POSTGRESQL: dict[type[psycopg.Error], Outage] = {
    psycopg.errors.DiskFull: FULL,
    psycopg.errors.IoError: BROKEN,
    psycopg.errors.ReadOnlySqlTransaction: NO_WRITES,
}
# How HDF5, Arrow and tensorstore write what the system has told them.
_ERRNO = re.compile(r"(?:\[?errno[ =]+|\[OS error )(\d+)", re.IGNORECASE)


def outage_of(error: BaseException) -> Outage | None:
    """Return the outage that `error`, or what caused it, comes from; None for any other error."""
    for one in _causes(error):
        found = _disk(one) or _database(one)
        # A file of others that may not be read is an error of its own, which this one has caused.
        if found is not None and (found is not DENIED or one is error):
            return found
    return None


def log_outage(error: BaseException) -> Outage | None:
    """Log `error`, unless it was just done, if it comes from an outage; return that."""
    outage = outage_of(error)
    if outage is not None and (count := _complaints.due(outage)) is not None:
        more = f" ({count} more since the last such line)" if count else ""
        logger.error("%s %s%s", outage.detail, " ".join(str(error).split()), more)
    return outage


class Complaints:
    """When each kind of outage was logged, and how often it happened since."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._logged: dict[Outage, float] = {}
        self._unlogged: dict[Outage, int] = {}

    def due(self, outage: Outage) -> int | None:
        """Return how many were not logged since the last that was; None if this is another."""
        with self._lock:
            now = time.monotonic()
            if now - self._logged.get(outage, -COMPLAINT_PAUSE) < COMPLAINT_PAUSE:
                self._unlogged[outage] = self._unlogged.get(outage, 0) + 1
                return None
            self._logged[outage] = now
            return self._unlogged.pop(outage, 0)


_complaints = Complaints()


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__


def _disk(error: BaseException) -> Outage | None:
    if isinstance(error, ConnectionError | TimeoutError):
        return None
    if isinstance(error, OSError) and error.errno is not None:
        return DISK.get(error.errno)
    if isinstance(error, OSError | ValueError | RuntimeError) and (
        found := _ERRNO.search(str(error))
    ):
        return DISK.get(int(found[1]))
    return None


def _database(error: BaseException) -> Outage | None:
    if isinstance(error, DatabaseError | InterfaceError):
        cause = error.__cause__
        known = _of_driver(cause)
        if known is not None:
            return known
        if isinstance(error, OperationalError | InterfaceError):
            # SQLite says so of tables that are missing, which asking again does not bring.
            return None if str(error).startswith("no such") else NO_DATABASE
    return None


def _of_driver(cause: BaseException | None) -> Outage | None:
    if isinstance(cause, sqlite3.Error):
        return SQLITE.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF)
    if isinstance(cause, psycopg.Error):
        return POSTGRESQL.get(type(cause))
    return None
