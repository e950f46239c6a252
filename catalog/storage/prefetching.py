"""Load a few things ahead of the one that is used."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Loaded = TypeVar("Loaded")

# Loads in flight per process.
THREADS = 16


def prefetched(
    load: Callable[[Item], Loaded], items: Iterable[Item], *, ahead: int = 2
) -> Iterator[tuple[Item, Loaded]]:
    """Yield each item with what `load` returns for it, while the `ahead` next ones are loaded."""
    waiting: deque[tuple[Item, Future[Loaded]]] = deque()
    for item in items:
        waiting.append((item, _threads().submit(load, item)))
        if len(waiting) > ahead:
            first, future = waiting.popleft()
            yield first, future.result()
    while waiting:
        first, future = waiting.popleft()
        yield first, future.result()


_pool: ThreadPoolExecutor | None = None
_pool_lock = threading.Lock()


def _threads() -> ThreadPoolExecutor:
    # At first use: threads do not survive a fork.
    global _pool
    with _pool_lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(THREADS, thread_name_prefix="prefetch")
        return _pool
