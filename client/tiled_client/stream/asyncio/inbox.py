"""Queue between the task that receives and the one that dispatches.

It is bounded in bytes: slow callbacks slow the server down instead of filling memory.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class AsyncInbox(Generic[T]):
    """A queue with an end. While it is below its limit one more item fits, however large."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._items: deque[tuple[T, int]] = deque()
        self._finished = False
        self._closed = False
        self._not_empty = asyncio.Event()
        self._not_full = asyncio.Event()

    async def put(self, item: T, size: int) -> bool:
        """Add an item, waiting for space if it has a size; return False if it is closed."""
        while size and self._bytes >= self._max_bytes and not self._closed:
            self._not_full.clear()
            await self._not_full.wait()
        if self._closed:
            return False
        self._items.append((item, size))
        self._bytes += size
        self._not_empty.set()
        return True

    def put_first(self, item: T) -> None:
        """Add an item before all others, without waiting."""
        if not self._closed:
            self._items.appendleft((item, 0))
            self._not_empty.set()

    @contextmanager
    def without_limit(self) -> Iterator[None]:
        """Accept items of any size while the consumer itself waits for something."""
        max_bytes, self._max_bytes = self._max_bytes, sys.maxsize
        self._not_full.set()
        try:
            yield
        finally:
            self._max_bytes = max_bytes

    def finish(self) -> None:
        """Mark the end; items that are queued are still handed out."""
        self._finished = True
        self._not_empty.set()

    def close(self) -> None:
        """Drop all queued items, and accept no more."""
        self._closed = True
        self._items.clear()
        self._not_empty.set()
        self._not_full.set()

    async def __aiter__(self) -> AsyncIterator[T]:
        """Yield items until the end. The space of one is released when the next is requested."""
        while True:
            while not (self._items or self._finished or self._closed):
                self._not_empty.clear()
                await self._not_empty.wait()
            if not self._items:
                return
            item, size = self._items.popleft()
            yield item
            self._bytes -= size
            self._not_full.set()
