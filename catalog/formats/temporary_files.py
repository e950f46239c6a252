"""Formats that cannot be written from the beginning to the end: made in a temporary file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from core.budgets import Reservation, budgets

MAX_MEMORY_BYTES = 8 << 20
"""Files up to so many bytes stay in memory."""

CHUNK_BYTES = 1 << 20


class _CountingFile:
    """A file whose bytes are taken out of the budget as they are written."""

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
    """Return what a temporary file made for `address` holds of the budget: nothing yet."""
    return Reservation(budgets().temporary_bytes, address)


def file_chunks(write: Callable[[Any], None], address: str = "") -> Iterator[bytes]:
    """Yield the content of the file that `write` makes for `address`, piece by piece.

    It is made before the first piece, and gone after the last, or when nobody wants any more.
    Raises Exhausted where there are as many exports, or bytes in temporary files, as may be.
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
    """As `written_file`, where `write` takes a path: several times quicker for large HDF5 files.

    The library that writes it cannot be made to count: `write` says by how much it grows, before.
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
