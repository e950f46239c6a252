"""Between the thread that receives and the one that handles: bounded in bytes, so that a slow
handler slows the server down instead of filling memory."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """A queue with an end. One item is always let in, however large."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._items: deque[tuple[T, int]] = deque()
        self._finished = False
        self._closed = False
        self._changed = threading.Condition()

    def put(self, item: T, size: int) -> bool:
        """Add an item, waiting for room if it takes any; False if nobody takes it any more."""
        with self._changed:
            self._changed.wait_for(lambda: not size or self._held < self._limit or self._closed)
            if self._closed:
                return False
            self._items.append((item, size))
            self._held += size
            self._changed.notify_all()
            return True

    def put_first(self, item: T) -> None:
        """Add an item before all others, at once."""
        with self._changed:
            if not self._closed:
                self._items.appendleft((item, 0))
                self._changed.notify_all()

    @contextmanager
    def without_limit(self) -> Iterator[None]:
        """Let in whatever comes: whoever makes room waits for something itself."""
        with self._changed:
            limit, self._limit = self._limit, sys.maxsize
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._limit = limit

    def finish(self) -> None:
        """Nothing more will come; what is here is still handed out."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    def close(self) -> None:
        """Nobody takes anything any more; what is here is dropped."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        """Hand out items until the end. The room of one is free when the next is asked for."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._finished or self._closed)
                if not self._items:
                    return
                item, size = self._items.popleft()
            yield item
            with self._changed:
                self._held -= size
                self._changed.notify_all()
