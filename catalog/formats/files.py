"""Formats that cannot be written from the beginning to the end: made in a temporary file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from typing import Any

IN_MEMORY = 8 << 20
"""Files up to so many bytes stay in memory."""

PIECE = 1 << 20


def written_file(write: Callable[[Any], None]) -> Iterator[bytes]:
    """The content of the file that `write` makes, piece by piece.

    It is made before the first piece, and gone after the last, or when nobody wants any more.
    """
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        write(file)
        file.seek(0)
        yield from _pieces(file)


def named_file(write: Callable[[str], None]) -> Iterator[bytes]:
    """As `written_file`, where `write` takes a path: several times quicker for large HDF5 files."""
    with tempfile.NamedTemporaryFile(prefix="export-") as file:
        write(file.name)
        yield from _pieces(file)


def _pieces(file: Any) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece
