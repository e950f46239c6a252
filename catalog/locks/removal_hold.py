"""Hold removals of stored files while a backup is running.

A backup copies the files that its snapshot of the database names. Without the hold, deleting a node
or replacing a table would remove some of them before they are copied. With it they stay, although
no row names them any more; the next cleanup after the backup removes them, as after a crash.

The order of steps makes this safe: a change commits, then looks for a hold, then removes files; a
backup takes the hold, then the snapshot. A change that found no hold was committed before the
snapshot, which therefore does not name its files.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..config import storage_settings

FILE = ".hold"
# In seconds. Changes hold the shared lock for microseconds, a backup the exclusive one for long.
WAIT_SECONDS = 2.0
POLL_SECONDS = 0.01


class HeldByAnother(Exception):
    """Another backup of this site is running."""


@contextmanager
def hold_removals() -> Iterator[None]:
    """Keep the files that changes would remove. Raises HeldByAnother, OSError.

    The lock ends with the process, in whatever way.
    """
    descriptor = os.open(_path(), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + WAIT_SECONDS
        while not _try_lock(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise HeldByAnother
            time.sleep(POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


def removals_are_held() -> bool:
    """Return whether a backup needs the files that are about to be removed.

    Call it after the commit of the change that makes them superfluous.
    """
    try:
        descriptor = os.open(_path(), os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not _try_lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _path() -> Path:
    return storage_settings().directory / FILE


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
