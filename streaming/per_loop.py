"""One object for each event loop of a process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerLoop(Generic[T]):
    """Create an object for each event loop on first use, and drop it once the loop is closed."""

    def __init__(self, create: Callable[[], T]) -> None:
        self._create = create
        self._by_loop: dict[asyncio.AbstractEventLoop, T] = {}

    def current(self) -> T:
        """Return the object of the running event loop."""
        loop = asyncio.get_running_loop()
        found = self._by_loop.get(loop)
        if found is None:
            # Tests and management commands run many loops in one process.
            for other in [other for other in self._by_loop if other.is_closed()]:
                del self._by_loop[other]
            found = self._by_loop[loop] = self._create()
        return found

    def get(self) -> T | None:
        """Return the object of the running event loop, if it was created."""
        return self._by_loop.get(asyncio.get_running_loop())

    def items(self) -> list[tuple[asyncio.AbstractEventLoop, T]]:
        """Return all loops with their objects; safe to call from any thread."""
        return list(self._by_loop.items())
