"""Formats that cannot be written from the beginning to the end: made in a temporary file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

from access.budgets import budgets

IN_MEMORY = 8 << 20
"""Files up to so many bytes stay in memory."""

PIECE = 1 << 20


class _Counted:
    """A file whose bytes are taken out of the budget as they are written."""

    def __init__(self, file: Any, files: ExitStack) -> None:
        self._file = file
        self._size = 0
        files.callback(lambda: budgets().temporary_bytes.give_back(self._size))

    def write(self, data: Any) -> int:
        """Write `data`. Raises Unavailable beyond the budget."""
        size = memoryview(data).nbytes
        budgets().temporary_bytes.take(size)
        self._size += size
        written: int = self._file.write(data)
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def written_file(write: Callable[[Any], None]) -> Iterator[bytes]:
    """The content of the file that `write` makes, piece by piece.

    It is made before the first piece, and gone after the last, or when nobody wants any more.
    Raises Unavailable where there are as many exports, or temporary files, as may be.
    """
    with budgets().exports.held(1), ExitStack() as files:
        file = files.enter_context(tempfile.SpooledTemporaryFile(max_size=IN_MEMORY))
        write(_Counted(file, files))
        file.seek(0)
        yield from _pieces(file)


def named_file(write: Callable[[str], None]) -> Iterator[bytes]:
    """As `written_file`, where `write` takes a path: several times quicker for large HDF5 files."""
    with budgets().exports.held(1), tempfile.NamedTemporaryFile(prefix="export-") as file:
        write(file.name)
        # The library that writes it cannot be made to count; what is too much goes at once.
        with budgets().temporary_bytes.held(os.fstat(file.fileno()).st_size):
            yield from _pieces(file)


def _pieces(file: Any) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece
