"""Index of row offsets in CSV files, extended while a file grows.

One offset is stored per block of about a quarter of a megabyte: less than a megabyte of memory for
a file of 10 GB. An index lives in one process; it is rebuilt when the file is replaced.
"""

from __future__ import annotations

import hashlib
import os
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from ...errors import Unreadable
from .row_boundaries import LINE_FEED, RETURN, RowCount, count_rows, open_quote, row_ends

BLOCK_BYTES = 256 * 1024
# Approximate size in bytes of the chunks in which rows are read.
SCAN_BYTES = 4 * 1024 * 1024
# An unclosed quote would make one row of the rest of the file.
MAX_ROW_BYTES = 64 * 1024 * 1024
FINGERPRINT_BYTES = 4096
MAX_INDEXED_FILES = 256

Read = Callable[[int, int], bytes]
"""Reads bytes at an offset: as many as requested, or fewer at the end of the file."""


class RowIndex:
    """The row offsets of one file, as far as it was scanned; one thread at a time extends it.

    Row `_rows[n]` begins at byte `_offsets[n]`; the last entry is the row that comes next.
    """

    def __init__(self, delimiter: str = ",") -> None:
        self._delimiter = delimiter
        self._rows, self._offsets = array("q", [0]), array("q", [0])
        self._prints: bytes | None = None

    def extend(self, read: Read, until: int | None = None) -> int:
        """Scan up to row `until`, or to the end of the file; return the number of indexed rows."""
        while until is None or self._rows[-1] < until:
            found = _whole_rows(read, self._offsets[-1], self._delimiter)
            if not found.size:
                break
            self._record(self._rows[-1] + found.rows, self._offsets[-1] + found.size)
        self._prints = _fingerprint(read, self._offsets[-1])
        return self._rows[-1]

    def holds(self, read: Read) -> bool:
        """Return whether this is still the indexed file, grown or not."""
        return self._prints in (None, _fingerprint(read, self._offsets[-1]))

    def pieces(self, read: Read, start: int, stop: int) -> Iterator[tuple[bytes, int]]:
        """Yield the bytes of the indexed rows from `start` to `stop`, and how many rows they hold.

        Raises OSError if the file was truncated meanwhile.
        """
        # Copy the entries: another thread may extend the index.
        places = slice(self._block_of(start), self._block_of(stop - 1) + 2)
        rows, offsets = self._rows[places], self._offsets[places]
        for begin, end in _spans(offsets):
            first, last = max(start, rows[begin]), min(stop, rows[end])
            if first >= last:
                continue
            data = read(offsets[begin], offsets[end] - offsets[begin])
            if len(data) < offsets[end] - offsets[begin]:
                raise OSError("it was truncated while it was read.")
            whole = (first, last) == (rows[begin], rows[end])
            part = data if whole else self._cut(data, first - rows[begin], last - rows[begin])
            yield part, last - first

    def tail(self, read: Read) -> bytes:
        """Return the bytes after the last line feed of a quiescent file: its last row, or nothing.

        Raises Unreadable for an unclosed quote.
        """
        start, data = self._offsets[-1], b""
        while more := read(start + len(data), BLOCK_BYTES):
            data += more
        if open_quote(data, self._delimiter):
            raise Unreadable(
                f"a quote in the row that begins at byte {start} is not closed before the end "
                "of the file. Close it, or remove it, to read all rows."
            )
        return data if data.strip(LINE_FEED + RETURN) else b""

    def _cut(self, data: bytes, first: int, last: int) -> bytes:
        ends = row_ends(data, self._delimiter)
        if len(ends) < last:
            raise OSError("it was changed while it was read.")
        return data[ends[first - 1] if first else 0 : ends[last - 1]]

    def _record(self, row: int, offset: int) -> None:
        # One entry per block, also for a file that grows by a few bytes at a time.
        if len(self._offsets) > 1 and offset - self._offsets[-2] <= BLOCK_BYTES:
            self._rows[-1], self._offsets[-1] = row, offset
        else:
            self._rows.append(row)
            self._offsets.append(offset)

    def _block_of(self, row: int) -> int:
        return max(bisect_right(self._rows, row) - 1, 0)


class RowIndexCache:
    """The row indexes of the most recently used files."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: OrderedDict[tuple[Path, str], _Entry] = OrderedDict()

    @contextmanager
    def extend(
        self, path: Path, delimiter: str, status: os.stat_result, read: Read
    ) -> Iterator[RowIndex]:
        """Yield the index of an open file, locked for this thread to extend."""
        with self._lock:
            entry = self._known.setdefault((path, delimiter), _Entry(delimiter))
            self._known.move_to_end((path, delimiter))
            while len(self._known) > MAX_INDEXED_FILES:
                self._known.popitem(last=False)
        with entry.lock:
            yield entry.index(status, read)


class _Entry:
    """The lock and index of one file."""

    def __init__(self, delimiter: str) -> None:
        self.lock = Lock()
        self._delimiter = delimiter
        self._index = RowIndex(delimiter)
        self._inode: tuple[int, int] | None = None

    def index(self, status: os.stat_result, read: Read) -> RowIndex:
        inode = (status.st_dev, status.st_ino)
        if inode != self._inode or not self._index.holds(read):
            self._index, self._inode = RowIndex(self._delimiter), inode
        return self._index


INDEXES = RowIndexCache()


def _whole_rows(read: Read, offset: int, delimiter: str) -> RowCount:
    """Find complete rows from `offset` on; none at the end of the file."""
    wanted = BLOCK_BYTES
    while True:
        data = read(offset, wanted)
        found = count_rows(data, delimiter)
        if found.size or len(data) < wanted:
            return found
        if wanted >= MAX_ROW_BYTES:
            raise Unreadable(
                f"the row that begins at byte {offset} does not end within {MAX_ROW_BYTES} bytes. "
                "Close its quotes, or write shorter rows."
            )
        wanted *= 4


def _spans(offsets: array[int]) -> Iterator[tuple[int, int]]:
    """Yield pairs of entries, by index, that are several blocks apart."""
    begin = 0
    while begin < len(offsets) - 1:
        end = begin + 1
        while end < len(offsets) - 1 and offsets[end + 1] - offsets[begin] <= SCAN_BYTES:
            end += 1
        yield begin, end
        begin = end


def _fingerprint(read: Read, end: int) -> bytes:
    """Return the first bytes and those before `end`, which differ in a replaced file."""
    before = max(end - FINGERPRINT_BYTES, 0)
    head, tail = read(0, min(FINGERPRINT_BYTES, end)), read(before, end - before)
    return hashlib.blake2b(head + b"|" + tail, digest_size=16).digest()
