"""Map failures of the disks and the database to HTTP responses and log lines.

They are neither errors of the client nor defects of the server, and may be temporary: the response
is 507 if a disk is full and 503 otherwise, with a reason and `Retry-After`. The log has one
line per kind and minute without a stack trace, however many requests fail meanwhile.
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

# Minimum time between two log lines of the same outage.
LOG_INTERVAL_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Outage:
    """The response to a failing backend. `retry_after` is in seconds."""

    status: int
    detail: str
    retry_after: int


DISK_FULL = Outage(
    507, "The disk of the server is full. Try again when its administrator has freed space.", 30
)
DISK_READ_ONLY = Outage(
    503, "The disk of the server is read-only. Try again when its administrator has fixed it.", 30
)
DISK_FAILING = Outage(
    503, "The disk of the server fails. Try again when its administrator has fixed it.", 30
)
FILES_NOT_ACCESSIBLE = Outage(
    503,
    "The server is not allowed to use its own files. Try again when its administrator has changed "
    "their owner or mode.",
    30,
)
TOO_MANY_OPEN_FILES = Outage(503, "The server has too many files open. Try again soon.", 1)
DATABASE_UNREACHABLE = Outage(
    503, "The database cannot be reached, or is too busy. Try again soon.", 1
)
DATABASE_READ_ONLY = Outage(503, "The database takes no changes now. Try again soon.", 5)

DISK: dict[int, Outage] = {
    errno.ENOSPC: DISK_FULL,
    errno.EDQUOT: DISK_FULL,
    errno.EFBIG: DISK_FULL,
    errno.EROFS: DISK_READ_ONLY,
    errno.EIO: DISK_FAILING,
    errno.ENXIO: DISK_FAILING,
    errno.ENODEV: DISK_FAILING,
    errno.ESTALE: DISK_FAILING,
    errno.ENOLCK: DISK_FAILING,
    errno.EACCES: FILES_NOT_ACCESSIBLE,
    errno.EPERM: FILES_NOT_ACCESSIBLE,
    errno.EMFILE: TOO_MANY_OPEN_FILES,
    errno.ENFILE: TOO_MANY_OPEN_FILES,
}
SQLITE: dict[int, Outage] = {
    sqlite3.SQLITE_FULL: DISK_FULL,
    sqlite3.SQLITE_READONLY: DISK_READ_ONLY,
    sqlite3.SQLITE_IOERR: DISK_FAILING,
    sqlite3.SQLITE_CANTOPEN: DISK_FAILING,
}
POSTGRESQL: dict[type[psycopg.Error], Outage] = {
    psycopg.errors.DiskFull: DISK_FULL,
    psycopg.errors.IoError: DISK_FAILING,
    psycopg.errors.ReadOnlySqlTransaction: DATABASE_READ_ONLY,
}
# The forms in which HDF5, Arrow and tensorstore write the errno in their messages.
_ERRNO = re.compile(r"(?:\[?errno[ =]+|\[OS error )(\d+)", re.IGNORECASE)


def outage_of(error: BaseException) -> Outage | None:
    """Return the outage that caused `error`, directly or by its chain of causes, or None."""
    for one in _causes(error):
        found = _disk(one) or _database(one)
        # An external file without read permission has its own error, raised from this one.
        if found is not None and (found is not FILES_NOT_ACCESSIBLE or one is error):
            return found
    return None


def log_outage(error: BaseException) -> Outage | None:
    """Return the outage that caused `error`, if any; log it, at most once per interval."""
    outage = outage_of(error)
    if outage is not None and (count := _outage_log.due(outage)) is not None:
        more = f" ({count} more since the last such line)" if count else ""
        logger.error("%s %s%s", outage.detail, " ".join(str(error).split()), more)
    return outage


class OutageLog:
    """The time of the last log line of each outage, and the number of errors since."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._logged: dict[Outage, float] = {}
        self._unlogged: dict[Outage, int] = {}

    def due(self, outage: Outage) -> int | None:
        """Return the number of errors since the last line if a new line is due, or None."""
        with self._lock:
            now = time.monotonic()
            if now - self._logged.get(outage, -LOG_INTERVAL_SECONDS) < LOG_INTERVAL_SECONDS:
                self._unlogged[outage] = self._unlogged.get(outage, 0) + 1
                return None
            self._logged[outage] = now
            return self._unlogged.pop(outage, 0)


_outage_log = OutageLog()


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
            # SQLite reports a missing table in this way; repeating the request does not help.
            return None if str(error).startswith("no such") else DATABASE_UNREACHABLE
    return None


def _of_driver(cause: BaseException | None) -> Outage | None:
    if isinstance(cause, sqlite3.Error):
        return SQLITE.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF)
    if isinstance(cause, psycopg.Error):
        return POSTGRESQL.get(type(cause))
    return None
