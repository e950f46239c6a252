"""Queues of the threads of this process that wait for the same lock.

Only the first thread of each queue requests the lock from the database or the file system, so that
a lock which is never released occupies one connection and one requesting thread of the process,
regardless of the number of waiting threads.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from core.errors import Unavailable

# Per process, for all locks together. Each waiting request occupies a thread, and its body memory
# or disk space.
MAX_WAITING_THREADS = 200


class LockTimeout(Unavailable):
    """The lock was not released in time, or too many threads wait for locks."""


class Deadline:
    """The time `seconds` from now, by the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """Return the remaining time in seconds."""
        return max(0.0, self._end - time.monotonic())

    def timeout_error(self) -> LockTimeout:
        """Return the error for a lock that was not released in time."""
        return LockTimeout(
            f"Another write to this node did not end within {self.seconds:g} s (the setting "
            "database.lock_timeout). Try again later.",
            retry_after=5,
        )


# The start times of all waiting threads, whether first in a queue or not.
_waiting: dict[object, float] = {}


@contextmanager
def waiting() -> Iterator[None]:
    """Count this thread as waiting for a lock."""
    me = object()
    _waiting[me] = time.monotonic()
    try:
        yield
    finally:
        del _waiting[me]


def longest_wait() -> float:
    """Return the longest time that a thread of this process has been waiting, in seconds."""
    now = time.monotonic()
    return now - min(list(_waiting.values()), default=now)


class Turns:
    """The queues of threads, one for each lock that this process holds or requests."""

    def __init__(self, max_waiting: int = MAX_WAITING_THREADS) -> None:
        self._max_waiting = max_waiting
        self._mutex = threading.Lock()
        self._queues: dict[int, deque[threading.Event]] = {}

    @contextmanager
    def turn(
        self, slot: int, deadline: Deadline, before_waiting: Callable[[], None]
    ) -> Iterator[None]:
        """Be the only thread of this process in `slot`. Raises LockTimeout.

        `before_waiting` is called before the thread waits, to release its resources.
        """
        self._enter(slot, deadline, before_waiting)
        try:
            yield
        finally:
            self._leave(slot)

    def _enter(self, slot: int, deadline: Deadline, before_waiting: Callable[[], None]) -> None:
        with self._mutex:
            queue = self._queues.get(slot)
            if queue is None:
                self._queues[slot] = deque()
                return
            if len(_waiting) >= self._max_waiting:
                raise LockTimeout(
                    f"Too many writes are waiting for locks ({len(_waiting)}). Try again later.",
                    retry_after=5,
                )
            called = threading.Event()
            queue.append(called)
        try:
            before_waiting()
            with waiting():
                called.wait(deadline.remaining())
        except BaseException:
            if self._stop_waiting(slot, called):
                self._leave(slot)
            raise
        if not self._stop_waiting(slot, called):
            raise deadline.timeout_error()

    def _stop_waiting(self, slot: int, called: threading.Event) -> bool:
        """Leave the queue; return True if the thread has been given the turn."""
        with self._mutex:
            if called.is_set():
                return True
            self._queues[slot].remove(called)
            return False

    def _leave(self, slot: int) -> None:
        with self._mutex:
            queue = self._queues[slot]
            if queue:
                queue.popleft().set()
            else:
                del self._queues[slot]
