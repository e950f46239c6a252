"""An object as a binary file: read only, through blocks, with read-ahead of sequential reads."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .access import fetch
from .blocks import BLOCK_BYTES, BLOCKS
from .ranges import MAX_EXCHANGE_BYTES, ObjectStatus, Range

if TYPE_CHECKING:
    from typing_extensions import Buffer

# Reads of at least this size pass the cache by. With whole blocks, others fit into one exchange.
DIRECT_BYTES = 24 << 20
# Size of one request; several of them are sent in parallel.
REQUEST_BYTES = 4 << 20
MAX_AHEAD_BLOCKS = 8


def read_together(files: Sequence[tuple[str, ObjectStatus]]) -> int:
    """Cache the first of these objects completely, in one exchange; return how many."""
    ranges: list[Range] = []
    room, count = MAX_EXCHANGE_BYTES, 0
    for uri, status in files:
        # In the first exchange for an object, its first block was read.
        rest = max(status.size - BLOCK_BYTES, 0)
        if rest > room:
            break
        room, count = room - rest, count + 1
        numbers = range(1, -(-status.size // BLOCK_BYTES))
        if any(BLOCKS.get(uri, status.etag, number) is None for number in numbers):
            ranges.append(Range(uri, BLOCK_BYTES, status.size, status.etag))
    for one, part in zip(ranges, fetch(ranges) if ranges else [], strict=True):
        for start in range(0, len(part.data), BLOCK_BYTES):
            data = bytes(part.data[start : start + BLOCK_BYTES])
            BLOCKS.put(one.uri, one.etag or "", 1 + start // BLOCK_BYTES, data)
    return count


class ObjectFile(io.RawIOBase):
    """An object that is open for reading. If it is replaced meanwhile, reads raise NotReady."""

    def __init__(self, uri: str, status: ObjectStatus) -> None:
        self.name = uri
        self.status = status
        self._place = 0
        self._next, self._ahead = -1, 1

    def readable(self) -> bool:
        """Return true."""
        return True

    def seekable(self) -> bool:
        """Return true."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position; it may lie behind the end."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self.status.size}[whence]
        if base + offset < 0:
            raise ValueError(f"The position {base + offset} lies before the file.")
        self._place = base + offset
        return self._place

    def readinto(self, buffer: Buffer) -> int:
        """Fill a buffer; less only at the end of the object. Raises StorageError."""
        flat: Any = buffer
        target = memoryview(buffer)
        if target.nbytes:
            # Unlike a cast, also of buffers in the other byte order.
            target = memoryview(np.frombuffer(flat, np.uint8).data)
        count = self.read_at(self._place, target)
        self._place += count
        return count

    def read(self, size: int | None = -1) -> bytes:
        """Return `size` bytes; fewer only at the end of the object. Raises StorageError."""
        rest = max(self.status.size - self._place, 0)
        target = bytearray(rest if size is None or size < 0 else min(size, rest))
        self.readinto(target)
        return bytes(target)

    def readall(self) -> bytes:
        """Return the bytes up to the end. Raises StorageError."""
        return self.read()

    def read_piece(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset` on, past the cache. Raises StorageError."""
        stop = min(offset + size, self.status.size)
        return b"".join(self._fetch(offset, stop)) if offset < stop else b""

    def read_at(self, offset: int, target: memoryview) -> int:
        """Fill `target` with the bytes from `offset` on; return their number.

        Raises StorageError, and EOFError if the storage returns too few bytes.
        """
        target = target[: max(self.status.size - offset, 0)]
        if len(target) >= DIRECT_BYTES:
            self._read_directly(offset, target)
        elif target:
            self._read_blocks(offset, target)
        return len(target)

    def _read_directly(self, offset: int, target: memoryview) -> None:
        """Copy the parts into `target` as they arrive: only one exchange is in memory besides."""
        for first in range(0, len(target), MAX_EXCHANGE_BYTES):
            part = target[first : first + MAX_EXCHANGE_BYTES]
            done = 0
            for data in self._fetch(offset + first, offset + first + len(part)):
                part[done : done + len(data)] = data
                done += len(data)

    def _read_blocks(self, offset: int, target: memoryview) -> None:
        first, last = offset // BLOCK_BYTES, (offset + len(target) - 1) // BLOCK_BYTES
        held = {number: self._cached(number) for number in range(first, last + 1)}
        missing = [number for number, data in held.items() if data is None]
        if missing:
            held.update(self._read_ahead(missing[0], missing[-1]))
        for number in range(first, last + 1):
            data = held[number]
            assert data is not None
            begin = max(offset - number * BLOCK_BYTES, 0)
            place = max(number * BLOCK_BYTES - offset, 0)
            piece = memoryview(data)[begin : begin + len(target) - place]
            target[place : place + len(piece)] = piece

    def _read_ahead(self, first: int, last: int) -> dict[int, bytes]:
        """Read the blocks from `first` to `last`, and twice as many as before if in sequence."""
        self._ahead = min(self._ahead * 2, MAX_AHEAD_BLOCKS) if first == self._next else 1
        stop = min((max(last, first + self._ahead - 1) + 1) * BLOCK_BYTES, self.status.size)
        data = b"".join(self._fetch(first * BLOCK_BYTES, stop))
        found = {}
        for start in range(0, len(data), BLOCK_BYTES):
            number = first + start // BLOCK_BYTES
            found[number] = data[start : start + BLOCK_BYTES]
            BLOCKS.put(self.name, self.status.etag, number, found[number])
            self._next = number + 1
        return found

    def _fetch(self, start: int, stop: int) -> list[Any]:
        etag = self.status.etag
        ranges = [
            Range(self.name, begin, min(begin + REQUEST_BYTES, stop), etag)
            for begin in range(start, stop, REQUEST_BYTES)
        ]
        parts = fetch(ranges)
        for one, part in zip(ranges, parts, strict=True):
            if len(part.data) != one.stop - one.start:
                raise EOFError(f"{one.stop - one.start - len(part.data)} bytes are missing.")
        return [part.data for part in parts]

    def _cached(self, number: int) -> bytes | None:
        return BLOCKS.get(self.name, self.status.etag, number)
