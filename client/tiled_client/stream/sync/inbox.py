"""Queue between the thread that receives and the one that dispatches.

It is bounded in bytes: slow callbacks slow the server down instead of filling memory.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """A queue with an end. While it is below its limit one more item fits, however large."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._items: deque[tuple[T, int]] = deque()
        self._finished = False
        self._closed = False
        self._changed = threading.Condition()

    def put(self, item: T, size: int) -> bool:
        """Add an item, waiting for space if it has a size; return False if it is closed."""
        with self._changed:
            self._changed.wait_for(
                lambda: not size or self._bytes < self._max_bytes or self._closed
            )
            if self._closed:
                return False
            self._items.append((item, size))
            self._bytes += size
            self._changed.notify_all()
            return True

    def put_first(self, item: T) -> None:
        """Add an item before all others, without waiting."""
        with self._changed:
            if not self._closed:
                self._items.appendleft((item, 0))
                self._changed.notify_all()

    @contextmanager
    def without_limit(self) -> Iterator[None]:
        """Accept items of any size while the consumer itself waits for something."""
        with self._changed:
            max_bytes, self._max_bytes = self._max_bytes, sys.maxsize
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._max_bytes = max_bytes

    def finish(self) -> None:
        """Mark the end; queued items are still delivered."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    def close(self) -> None:
        """Drop all queued items, and accept no more."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        """Yield items until the end. The space of one is released when the next is requested."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._finished or self._closed)
                if not self._items:
                    return
                item, size = self._items.popleft()
            yield item
            with self._changed:
                self._bytes -= size
                self._changed.notify_all()
