"""Locks of files, which all processes of one machine see.

The system has no call that waits for such a lock for a limited time. So a thread of its own waits,
and the caller waits for that thread. One that its caller has given up goes on waiting, and the next
caller takes it over: there is never more than one for each lock.
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
    """Hold the lock of the file at `path`, which is made. Raises LockTimeout, OSError."""
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
        os.close(descriptor)  # and with it the lock


class LockAttempt:
    """A thread that waits for one lock."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.descriptor = _open(path)
        self.error: OSError | None = None
        self.done = threading.Event()

    def run(self) -> None:
        """Return when the lock is held, or cannot be had."""
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX)
        except OSError as error:
            self.error = error
        _attempts.finish(self)


class Attempts:
    """The waiting threads, one for each lock, and those without a lock to wait for."""

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
                raise deadline.missed()
        if attempt.error is not None:
            os.close(attempt.descriptor)
            raise attempt.error
        return attempt.descriptor

    def finish(self, attempt: LockAttempt) -> None:
        """Hand the lock to the next waiting thread, or release it if there is none."""
        with self._mutex:
            attempt.done.set()
            if self._abandoned.get(attempt.path) is attempt:
                del self._abandoned[attempt.path]
                os.close(attempt.descriptor)


def _open(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)


_attempts = Attempts()
