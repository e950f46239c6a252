"""Temporary files, for formats that cannot be written sequentially."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from core.budgets import Reservation, budgets

MAX_MEMORY_BYTES = 8 << 20
"""Files up to this size stay in memory."""

CHUNK_BYTES = 1 << 20


class _CountingFile:
    """A file whose bytes are reserved from the budget at each write."""

    def __init__(self, file: Any, growth: Reservation) -> None:
        self._file = file
        self._growth = growth

    def write(self, data: Any) -> int:
        """Write `data`. Raises Exhausted beyond the budget."""
        self._growth.by(memoryview(data).nbytes)
        written: int = self._file.write(data)
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def growth(address: str) -> Reservation:
    """Return an empty reservation of temporary bytes for the client `address`."""
    return Reservation(budgets().temporary_bytes, address)


def file_chunks(write: Callable[[Any], None], address: str = "") -> Iterator[bytes]:
    """Yield the content of a file that `write` fills for the client `address`, in chunks.

    The file is written before the first chunk, and removed when the generator ends or is closed.
    Raises Exhausted at the limit of exports, or of bytes in temporary files.
    """
    with (
        budgets().exports.held(1, address),
        growth(address) as grown,
        tempfile.SpooledTemporaryFile(max_size=MAX_MEMORY_BYTES) as file,
    ):
        write(_CountingFile(file, grown))
        file.seek(0)
        yield from _read_chunks(file)


def path_chunks(write: Callable[[str, Reservation], None], address: str = "") -> Iterator[bytes]:
    """Yield like `file_chunks`, but `write` takes a path: several times faster for HDF5.

    Since writes of the library cannot be counted, `write` reserves bytes before writing them.
    """
    with (
        budgets().exports.held(1, address),
        growth(address) as grown,
        tempfile.NamedTemporaryFile(prefix="export-") as file,
    ):
        write(file.name, grown)
        grown.to(os.fstat(file.fileno()).st_size)
        yield from _read_chunks(file)


def _read_chunks(file: Any) -> Iterator[bytes]:
    while piece := file.read(CHUNK_BYTES):
        yield piece
