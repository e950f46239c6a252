"""One array from a sequence of files, each with one or more frames.

The elements of the files, in their order, are those of the array in C order. The declared shape may
add or drop dimensions of length 1, and the files may have more elements than declared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from tiled_client.wire.chunks import Chunks
from tiled_client.wire.dtypes import dtype_from_numpy
from tiled_client.wire.slices import NDSlice
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure

from ..bucket_files.paths import prefetch_whole
from ..encoding import Array
from ..errors import NotReady, Unreadable
from ..regions import fetch_plan
from .conversion import is_convertible
from .error_translation import to_storage_error, translate_errors
from .formats import SEQUENCE, ArrayReader, Inspected, Inspector
from .sources import Sources

# Approximate bytes to read at a time, before selecting the requested elements.
MAX_READ_BYTES = 32 * 1024 * 1024

# A small compressed file may claim a size larger than any memory.
MAX_FRAME_BYTES = 1024 * 1024 * 1024

Result = TypeVar("Result")


class FrameFile(Protocol):
    """An open file of frames, all of one dtype."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of all elements of the file."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype, in the file's byte order."""
        ...

    def elements(self, start: int, stop: int) -> Array:
        """Return the elements from `start` to `stop` in C order, flat."""
        ...


Opener = Callable[[Path], FrameFile]


def frames_reader(opener: Opener) -> ArrayReader:
    """Return a function that reads arrays from files opened with `opener`."""

    def read(sources: Sources, structure: ArrayStructure, items: NDSlice) -> Array:
        return read_frames(opener, sources.paths, structure, items)

    return read


def frames_inspector(opener: Opener) -> Inspector:
    """Return a function that inspects such files: a sequence has one more dimension."""

    def inspect(sources: Sources, mimetype: str) -> Inspected:
        file, count = opener(sources.paths[0]), len(sources.paths)
        if mimetype.startswith(SEQUENCE):
            chunks = ((1,) * count, *((size,) for size in file.shape))
            structure = array_structure((count, *file.shape), file.dtype, chunks)
        else:
            structure = array_structure(file.shape, file.dtype)
        return Inspected(StructureFamily.array, mimetype, structure)

    return inspect


def array_structure(
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    chunks: Chunks | None = None,
    dims: tuple[str, ...] | None = None,
) -> ArrayStructure:
    """Return the structure of an array in a file; by default, it is one chunk."""
    whole = tuple((size,) for size in shape)
    return ArrayStructure(dtype_from_numpy(dtype), shape, chunks or whole, dims)


def regular_chunks(size: int, chunk: int) -> tuple[int, ...]:
    """Return the chunk sizes of a dimension of `size`; the last may be smaller."""
    whole, rest = divmod(size, chunk)
    return (chunk,) * whole + ((rest,) if rest else ()) or (0,)


def read_frames(
    opener: Opener, paths: Sequence[Path], structure: ArrayStructure, items: NDSlice
) -> Array:
    """Read what `items` (at least one element) select, opening only the first and needed files.

    Raises MissingFile, NotReady, Unreadable.
    """
    files = _Sequence(opener, paths, structure)
    shape = structure.shape or (1,)
    fetch, then = fetch_plan(shape, items)
    row = math.prod(shape[1:])
    pieces = [
        files.elements(first * row, last * row).reshape(-1, *shape[1:])[(slice(None), *fetch[1:])]
        for first, last in _spans(
            fetch[0], max(MAX_READ_BYTES // (row * structure.dtype.itemsize or 1), 1)
        )
    ]
    # `...` keeps an array also of one element: a numpy string scalar loses its width.
    result: Array = np.concatenate(pieces)[(*then, ...)]
    return result if structure.shape else result.reshape(())


def _spans(rows: slice, max_rows: int) -> Iterator[tuple[int, int]]:
    """Yield the rows to read, as ranges of at most `max_rows` rows."""
    step = max_rows if rows.step == 1 else rows.step
    length = max_rows if rows.step == 1 else 1
    for first in range(rows.start, rows.stop, step):
        yield first, min(first + length, rows.stop)


class _Sequence:
    """The elements of all files, flat; each file is opened when it is needed."""

    def __init__(self, opener: Opener, paths: Sequence[Path], structure: ArrayStructure) -> None:
        if not paths:
            raise NotReady(
                "No file is registered for this array yet: register its assets, or retry later."
            )
        self._opener = opener
        self._paths = paths
        self._structure = structure
        self._number, self._file = 0, self._open(0)
        # The files that were read ahead, if they are objects.
        self._prefetched = (0, 0)
        self._length = math.prod(self._file.shape)
        self._check_shape()

    def elements(self, start: int, stop: int) -> Array:
        """Return the elements from `start` to `stop`, flat."""
        if stop > self._length * len(self._paths):
            raise to_storage_error(
                f"{len(self._paths)} files of shape {list(self._file.shape)} have fewer elements "
                f"than the declared shape {list(self._structure.shape)}.",
                self._paths,
            )
        parts = []
        last = -(-stop // self._length)
        while start < stop:
            number, within = divmod(start, self._length)
            if not self._prefetched[0] <= number < self._prefetched[1]:
                count = prefetch_whole(self._paths[number:last])
                self._prefetched = (number, number + count)
            upto = min(stop - number * self._length, self._length)
            parts.append(self._part(number, within, upto))
            start += upto - within
        return np.concatenate(parts) if len(parts) != 1 else parts[0]

    def _part(self, number: int, start: int, stop: int) -> Array:
        if number != self._number:
            self._number, self._file = number, self._open(number)
            if math.prod(self._file.shape) != self._length:
                raise to_storage_error(
                    f"{self._paths[number]} has another shape than the first file.", self._paths
                )
        return self._translate_errors(partial(self._file.elements, start, stop), number)

    def _open(self, number: int) -> FrameFile:
        file = self._translate_errors(partial(self._opener, self._paths[number]), number)
        declared = self._structure.dtype
        if not is_convertible(file.dtype, declared):
            raise Unreadable(
                f"{self._paths[number]} has dtype {file.dtype}, but {declared} is declared."
            )
        return file

    def _translate_errors(self, action: Callable[[], Result], number: int) -> Result:
        with translate_errors(self._paths[number], self._paths):
            return action()

    def _check_shape(self) -> None:
        found = _without_ones(self._file.shape)
        row = _without_ones(self._structure.shape[1:])
        whole = self._length * len(self._paths) == math.prod(self._structure.shape)
        if self._length and (whole or _ends_with(found, row) or _ends_with(row, found)):
            return
        text = (
            f"Files of shape {list(self._file.shape)} do not match the declared shape "
            f"{list(self._structure.shape)}."
        )
        if self._length * len(self._paths) > math.prod(self._structure.shape):
            raise Unreadable(text)  # not NotReady: further files cannot fix the shape
        raise to_storage_error(text, self._paths)


def _without_ones(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def _ends_with(shape: tuple[int, ...], end: tuple[int, ...]) -> bool:
    return shape[len(shape) - len(end) :] == end if len(end) <= len(shape) else False
