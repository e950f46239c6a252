"""Entries in memory, the least recently used ones removed first."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict

from .entry import CachedResponse


class MemoryStore:
    """The store of one process.

    Parameters
    ----------
    max_bytes
        Maximum size of all entries.
    """

    blocks = False

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._start()

    def get(self, name: bytes) -> CachedResponse | None:
        """Return an entry; see `Store`."""
        self._leave_parent()
        with self._lock:
            entry = self._entries.get(name)
            if entry is not None:
                self._entries.move_to_end(name)
            return entry

    def put(self, name: bytes, entry: CachedResponse) -> None:
        """Keep an entry; see `Store`."""
        if entry.size > self._max_bytes:
            return
        self._leave_parent()
        with self._lock:
            before = self._entries.pop(name, None)
            self._bytes += entry.size - (0 if before is None else before.size)
            self._entries[name] = entry
            while self._bytes > self._max_bytes:
                self._bytes -= self._entries.popitem(last=False)[1].size

    def clear(self) -> None:
        """Remove all entries."""
        self._leave_parent()
        with self._lock:
            self._entries.clear()
            self._bytes = 0

    def usage(self) -> tuple[int, int]:
        """Return the number of entries, and the bytes that they take."""
        self._leave_parent()
        with self._lock:
            return len(self._entries), self._bytes

    def _start(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._entries: OrderedDict[bytes, CachedResponse] = OrderedDict()
        self._bytes = 0

    def _leave_parent(self) -> None:
        # Another thread may have held the lock during a fork, in the midst of a change.
        if self._process != os.getpid():
            self._start()
