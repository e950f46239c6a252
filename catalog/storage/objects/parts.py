"""Divide the pieces of an object into the parts of a multipart upload."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer


class CountedPieces:
    """An iterator over pieces that counts their bytes."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self.size = 0

    def __iter__(self) -> CountedPieces:
        return self

    def __next__(self) -> bytes:
        piece = next(self._pieces)
        self.size += len(piece)
        return piece


def split_parts(pieces: Iterable[Buffer], size: int) -> Iterator[bytes]:
    """Yield `pieces` again as parts of `size` bytes; the last one may be smaller."""
    part = bytearray()
    for piece in pieces:
        view = memoryview(piece).cast("B")
        while view:
            taken = view[: size - len(part)]
            part += taken
            view = view[len(taken) :]
            if len(part) == size:
                yield bytes(part)
                part.clear()
    if part:
        yield bytes(part)
