"""The threads of this process that want the same lock, one after another.

Only the first in each queue asks the database or the file system for the lock, so that a lock that
does not come costs the process one connection and one thread that asks, however many wait. The
others wait here, with neither.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from core.errors import Unavailable

# Of one process, for all locks together; each has a thread, and its body in memory or in a file.
MOST_WAITING = 200


class LockTimeout(Unavailable):
    """The lock did not come in time, or too many wait for locks already."""


class Deadline:
    """`seconds` from now, by the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """Return for how many seconds one may still wait."""
        return max(0.0, self._end - time.monotonic())

    def missed(self) -> LockTimeout:
        """Return the error for a lock that did not come."""
        return LockTimeout(
            f"Another write to this node did not end within {self.seconds:g} s (the setting "
            "database.lock_timeout). Try again later.",
            retry_after=5,
        )


# The threads that wait for a lock, first in a queue or not, and since when.
_waiting: dict[object, float] = {}


@contextmanager
def waiting() -> Iterator[None]:
    """Count this thread among those that wait."""
    me = object()
    _waiting[me] = time.monotonic()
    try:
        yield
    finally:
        del _waiting[me]


def longest_wait() -> float:
    """Return for how many seconds a thread of this process has waited for a lock, at most."""
    now = time.monotonic()
    return now - min(list(_waiting.values()), default=now)


class Turns:
    """Queues of threads, one for each lock that is held or requested in this process."""

    def __init__(self, most_waiting: int = MOST_WAITING) -> None:
        self._most_waiting = most_waiting
        self._mutex = threading.Lock()
        self._queues: dict[int, deque[threading.Event]] = {}

    @contextmanager
    def turn(
        self, slot: int, deadline: Deadline, before_waiting: Callable[[], None]
    ) -> Iterator[None]:
        """Be the only thread of this process in `slot`. Raises LockTimeout.

        `before_waiting` gives back what a thread should not keep while it waits.
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
            if len(_waiting) >= self._most_waiting:
                raise LockTimeout(
                    f"{len(_waiting)} writes wait for others already. Try again later.",
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
            raise deadline.missed()

    def _stop_waiting(self, slot: int, called: threading.Event) -> bool:
        """Return whether it is the thread's turn, which waits no longer."""
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
