"""File locks (`flock`), which all processes of one machine share.

There is no system call that waits for a file lock with a timeout. So a separate thread waits, and
the caller waits for that thread with a timeout. A thread whose caller has timed out keeps waiting,
and the next caller for the same lock takes it over: there is at most one thread per lock.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .thread_queue import Deadline, waiting


@contextmanager
def held(path: str, deadline: Deadline) -> Iterator[None]:
    """Hold the lock of the file at `path`, creating the file. Raises LockTimeout, OSError."""
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        descriptor = _attempts.wait(path, deadline)
    except BaseException:
        os.close(descriptor)
        raise
    try:
        yield
    finally:
        os.close(descriptor)  # releases the lock


class LockAttempt:
    """A thread that waits for one lock."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.descriptor = _open(path)
        self.error: OSError | None = None
        self.done = threading.Event()

    def run(self) -> None:
        """Wait for the lock; store an error if that fails."""
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX)
        except OSError as error:
            self.error = error
        _attempts.finish(self)


class Attempts:
    """The attempts whose callers have timed out, by the path of the lock."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._abandoned: dict[str, LockAttempt] = {}

    def wait(self, path: str, deadline: Deadline) -> int:
        """Return the descriptor that holds the lock. Raises LockTimeout, OSError."""
        with self._mutex:
            attempt = self._abandoned.pop(path, None)
        if attempt is None:
            attempt = LockAttempt(path)
            threading.Thread(target=attempt.run, name="file-lock", daemon=True).start()
        with waiting():
            attempt.done.wait(deadline.remaining())
        with self._mutex:
            if not attempt.done.is_set():
                self._abandoned[path] = attempt
                raise deadline.timeout_error()
        if attempt.error is not None:
            os.close(attempt.descriptor)
            raise attempt.error
        return attempt.descriptor

    def finish(self, attempt: LockAttempt) -> None:
        """Mark the attempt as done; release the lock if no caller waits for it."""
        with self._mutex:
            attempt.done.set()
            if self._abandoned.get(attempt.path) is attempt:
                del self._abandoned[attempt.path]
                os.close(attempt.descriptor)


def _open(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)


_attempts = Attempts()
