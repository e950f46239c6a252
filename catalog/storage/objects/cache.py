"""A cache of small objects that never change, by their names."""

from __future__ import annotations

import threading
from collections import OrderedDict


class ObjectCache:
    """The most recently used objects, up to `limit` bytes; larger ones than `largest` are not kept.

    Only names that are used for one content may be cached.
    """

    def __init__(self, limit: int = 64 << 20, largest: int = 4 << 20) -> None:
        self._limit = limit
        self._largest = largest
        self._size = 0
        self._kept: OrderedDict[str, memoryview] = OrderedDict()
        self._lock = threading.Lock()

    def takes(self, size: int) -> bool:
        """Return whether an object of this size would be kept."""
        return size <= self._largest

    def get(self, name: str) -> memoryview | None:
        """Return an object if it is kept."""
        with self._lock:
            found = self._kept.get(name)
            if found is not None:
                self._kept.move_to_end(name)
            return found

    def put(self, name: str, content: memoryview) -> None:
        """Keep an object, which must not be modified any more."""
        if not self.takes(content.nbytes):
            return
        with self._lock:
            before = self._kept.pop(name, None)
            self._kept[name] = content
            self._size += content.nbytes - (before.nbytes if before is not None else 0)
            while self._size > self._limit:
                self._size -= self._kept.popitem(last=False)[1].nbytes
