"""Between the task that receives and the one that handles, bounded in bytes as its twin is."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class AsyncInbox(Generic[T]):
    """A queue with an end. One item is always let in, however large."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._items: deque[tuple[T, int]] = deque()
        self._finished = False
        self._closed = False
        self._some = asyncio.Event()
        self._room = asyncio.Event()

    async def put(self, item: T, size: int) -> bool:
        """Add an item, waiting for room if it takes any; False if nobody takes it any more."""
        while size and self._held >= self._limit and not self._closed:
            self._room.clear()
            await self._room.wait()
        if self._closed:
            return False
        self._items.append((item, size))
        self._held += size
        self._some.set()
        return True

    def put_first(self, item: T) -> None:
        """Add an item before all others, at once."""
        if not self._closed:
            self._items.appendleft((item, 0))
            self._some.set()

    @contextmanager
    def without_limit(self) -> Iterator[None]:
        """Let in whatever comes: whoever makes room waits for something itself."""
        limit, self._limit = self._limit, sys.maxsize
        self._room.set()
        try:
            yield
        finally:
            self._limit = limit

    def finish(self) -> None:
        """Nothing more will come; what is here is still handed out."""
        self._finished = True
        self._some.set()

    def close(self) -> None:
        """Nobody takes anything any more; what is here is dropped."""
        self._closed = True
        self._items.clear()
        self._some.set()
        self._room.set()

    async def __aiter__(self) -> AsyncIterator[T]:
        """Hand out items until the end. The room of one is free when the next is asked for."""
        while True:
            while not (self._items or self._finished or self._closed):
                self._some.clear()
                await self._some.wait()
            if not self._items:
                return
            item, size = self._items.popleft()
            yield item
            self._held -= size
            self._room.set()
