"""Cache of blocks of objects, which ETags identify: an object that was replaced has others."""

from __future__ import annotations

import threading
from collections import OrderedDict

from .ranges import ObjectStatus

BLOCK_BYTES = 1 << 20
MAX_CACHED_BYTES = 64 << 20
MAX_KNOWN_OBJECTS = 1024

Block = tuple[str, str, int]


class BlockCache:
    """The most recently used blocks, and the status by which each object was seen last."""

    def __init__(self, limit: int = MAX_CACHED_BYTES) -> None:
        self._limit, self._size = limit, 0
        self._blocks: OrderedDict[Block, bytes] = OrderedDict()
        self._seen: OrderedDict[str, ObjectStatus] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, uri: str, etag: str, number: int) -> bytes | None:
        """Return a block, if it is cached."""
        with self._lock:
            found = self._blocks.get((uri, etag, number))
            if found is not None:
                self._blocks.move_to_end((uri, etag, number))
            return found

    def put(self, uri: str, etag: str, number: int, data: bytes) -> None:
        """Store a block; evict the oldest ones above the limit."""
        with self._lock:
            before = self._blocks.pop((uri, etag, number), b"")
            self._blocks[uri, etag, number] = data
            self._size += len(data) - len(before)
            while self._size > self._limit:
                self._size -= len(self._blocks.popitem(last=False)[1])

    def seen(self, uri: str) -> ObjectStatus | None:
        """Return the last known status of an object whose first block is cached."""
        with self._lock:
            found = self._seen.get(uri)
            held = found is not None and (uri, found.etag, 0) in self._blocks
            return found if held else None

    def note(self, uri: str, status: ObjectStatus) -> None:
        """Note the current status of an object."""
        with self._lock:
            self._seen[uri] = status
            self._seen.move_to_end(uri)
            while len(self._seen) > MAX_KNOWN_OBJECTS:
                self._seen.popitem(last=False)


BLOCKS = BlockCache()
