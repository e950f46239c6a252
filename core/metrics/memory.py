"""Memory in which all processes of a server count, one row for each.

A row belongs to one process at a time: its worker, or the supervisor. Only that process writes to
it, all read it. It is a list of series, which only grows:

    header    two integers: bytes of names, and cells, that are in use
    names     one line for each series: `CELL COUNT KEY`, the place and number of its cells
    cells     64-bit floating-point numbers, the values of the series

A worker that takes over the row of one that died continues its counts, so that
nothing is lost and nothing piles up. What describes the state of the dead one is cleared.
"""

from __future__ import annotations

import logging
import multiprocessing
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

logger = logging.getLogger(__name__)

HEADER_BYTES = 16
NAME_BYTES = 1 << 18
CELLS = 1 << 16
ROW_BYTES = HEADER_BYTES + NAME_BYTES + 8 * CELLS
# Keys of series that describe the state of a process begin with it.
STATE_PREFIX = "~"


@dataclass(frozen=True, slots=True)
class MetricMemory:
    """The memory of all rows, as seen by the process of one row; can be passed to a worker."""

    raw: Any
    rows: int = 1
    row: int = 0

    @classmethod
    def local(cls) -> MetricMemory:
        """Return memory for this process alone."""
        return cls(bytearray(ROW_BYTES))

    @classmethod
    def shared(cls, rows: int) -> MetricMemory:
        """Return memory for `rows` processes, to pass to them when they are started."""
        return cls(multiprocessing.get_context("spawn").RawArray("B", rows * ROW_BYTES), rows)

    def of_row(self, row: int) -> MetricMemory:
        """Clear the state in a row whose process is gone, and return the memory for its next."""
        for key, cells in MetricRow(self, row).read():
            if key.startswith(STATE_PREFIX):
                for index in range(len(cells)):
                    cells[index] = 0.0
        return replace(self, row=row)


class MetricRow:
    """One row: its series by key. Only its process may call `place`."""

    def __init__(self, memory: MetricMemory, row: int) -> None:
        start = row * ROW_BYTES
        view = memoryview(memory.raw).cast("B")[start : start + ROW_BYTES]
        self._header = view[:HEADER_BYTES].cast("q")
        self._names = view[HEADER_BYTES : HEADER_BYTES + NAME_BYTES]
        self.cells = view[HEADER_BYTES + NAME_BYTES :].cast("d")
        self._known: dict[str, tuple[int, int]] = {}
        self._parsed = 0
        self._lock = threading.Lock()

    def read(self) -> Iterator[tuple[str, memoryview[float]]]:
        """Yield all series: their keys and their cells."""
        for key, (start, count) in list(self._series().items()):
            yield key, self.cells[start : start + count]

    def place(self, key: str, count: int) -> int | None:
        """Return the first cell of a series, which is added if it is new; None if there is no room.

        A series of the same key and another number of cells is of another version of the code.
        """
        found = self._series().get(key)
        if found is not None:
            return found[0] if found[1] == count else None
        size, cell = self._header
        line = f"{cell} {count} {key}\n".encode()
        if size + len(line) > NAME_BYTES or cell + count > CELLS:
            return None
        self._names[size : size + len(line)] = line
        # Readers look no further than the header says.
        self._header[1] = cell + count
        self._header[0] = size + len(line)
        return cell

    def _series(self) -> dict[str, tuple[int, int]]:
        with self._lock:
            size = self._header[0]
            if size > self._parsed:
                for line in bytes(self._names[self._parsed : size]).decode().splitlines():
                    cell, count, key = line.split(" ", 2)
                    self._known[key] = int(cell), int(count)
                self._parsed = size
            return self._known
