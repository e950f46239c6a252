"""Marks of the written chunks of an array: one byte per chunk, in the folder `written`.

They are stored in tiles, a small file per box of neighbouring chunks, so that growing along any
dimension moves nothing. Bytes are written in place, so that several processes can mark at once.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ..atomic_write import replace_file
from ..encoding import Array
from ..errors import MissingFile

FOLDER = "written"
# A tile is at most one disk block: this many chunks along the first dimension, where most arrays
# grow, and as many in all other dimensions together.
TILE_LENGTH = 64
# Width of a tile by the number of other dimensions; with more dimensions it is one chunk.
_SIDES = {1: 64, 2: 8, 3: 4, 4: 2, 5: 2, 6: 2}
# Up to this number of tiles are opened by name; for more, the folder is listed.
_MAX_NAMED_TILES = 64

Numbers = tuple[range, ...]


def mark(directory: Path, numbers: Numbers, *, sync: bool = False) -> None:
    """Mark the chunks with these numbers along each dimension."""
    numbers = numbers or (range(1),)
    shape = _tile_shape(len(numbers))
    for tile in itertools.product(*map(_tiles, numbers, shape)):
        *outer, last = map(_within, numbers, tile, shape)
        runs = [
            (_place((*index, last.start), shape), len(last)) for index in itertools.product(*outer)
        ]
        _write(directory, tile, runs, sync)


def mark_each(directory: Path, indices: Iterable[Sequence[int]], *, sync: bool = False) -> None:
    """Mark the chunks with these indices."""
    tiles: dict[tuple[int, ...], list[int]] = {}
    for index in indices:
        index = index or (0,)
        shape = _tile_shape(len(index))
        tile, inside = zip(*map(divmod, index, shape), strict=True)
        tiles.setdefault(tile, []).append(_place(inside, shape))
    for tile, places in tiles.items():
        _write(directory, tile, [(place, 1) for place in places], sync)


def is_marked(directory: Path, index: Sequence[int]) -> bool:
    """Return whether a chunk is marked. Raises MissingFile if the marks are lost."""
    return len(find_marked(directory, tuple(range(n, n + 1) for n in index))) > 0


def find_marked(directory: Path, numbers: Numbers) -> Array:
    """Return the indices of those chunks of `numbers` that are marked, one per row.

    Raises MissingFile if the marks are lost.
    """
    ndim = len(numbers)
    numbers = numbers or (range(1),)
    shape = _tile_shape(len(numbers))
    found = [np.zeros((0, ndim), np.int64)]
    for tile in _tiles_within(directory, numbers, shape):
        inside = list(map(_within, numbers, tile, shape))
        bytes_ = _read(directory, tile, shape)[tuple(slice(n.start, n.stop) for n in inside)]
        origin = [n.start + k * side for n, k, side in zip(inside, tile, shape, strict=True)]
        indices = np.argwhere(bytes_) + np.array(origin, np.int64)
        found.append(indices[:, :ndim])
    return np.concatenate(found)


def clear_beyond(directory: Path, numbers: Numbers) -> None:
    """Remove the marks of all other chunks. Call it before removing their files."""
    if not os.path.isdir(f"{directory}/{FOLDER}"):
        return
    numbers = numbers or (range(1),)
    shape = _tile_shape(len(numbers))
    for tile in list(_all_tiles(directory, len(numbers))):
        kept = np.zeros(shape, np.uint8)
        inside = tuple(slice(n.start, n.stop) for n in map(_within, numbers, tile, shape))
        before = _read(directory, tile, shape)
        kept[inside] = before[inside]
        if not kept.any():
            os.unlink(_path(directory, tile))
        elif (kept != before).any():
            replace_file(_path(directory, tile), kept.tobytes())


def copy(directory: Path, target: Path, numbers: Numbers) -> None:
    """Mark those chunks of `numbers` in the folder `target` that are marked in `directory`."""
    os.makedirs(f"{target}/{FOLDER}", exist_ok=True)
    numbers = numbers or (range(1),)
    shape = _tile_shape(len(numbers))
    for tile in _all_tiles(directory, len(numbers)):
        kept = np.zeros(shape, np.uint8)
        inside = tuple(slice(n.start, n.stop) for n in map(_within, numbers, tile, shape))
        kept[inside] = _read(directory, tile, shape)[inside]
        if kept.any():
            replace_file(_path(target, tile), kept.tobytes())


def _missing_marks_error(directory: Path) -> MissingFile:
    return MissingFile(
        f"The marks of written chunks, {directory}/{FOLDER}, do not exist, so that a missing chunk "
        "file may be a lost one. Restore the folder from a backup."
    )


def _tile_shape(ndim: int) -> tuple[int, ...]:
    if ndim == 1:
        return (TILE_LENGTH * TILE_LENGTH,)
    return (TILE_LENGTH, *(_SIDES.get(ndim - 1, 1),) * (ndim - 1))


def _tiles(numbers: range, side: int) -> range:
    return range(numbers.start // side, -(-numbers.stop // side))


def _within(numbers: range, tile: int, side: int) -> range:
    """Return those of `numbers` that are in the tile, relative to its start."""
    first = tile * side
    start = min(max(numbers.start - first, 0), side)
    return range(start, min(max(numbers.stop - first, start), side))


def _place(index: Sequence[int], shape: Sequence[int]) -> int:
    place = 0
    for number, side in zip(index, shape, strict=True):
        place = place * side + number
    return place


def _path(directory: Path, tile: Sequence[int]) -> str:
    return f"{directory}/{FOLDER}/{'.'.join(map(str, tile))}"


def _write(
    directory: Path, tile: Sequence[int], runs: Sequence[tuple[int, int]], sync: bool
) -> None:
    """Set runs of bytes of a tile, each given by its offset and length."""
    descriptor = _open_tile(directory, tile)
    try:
        if not os.fstat(descriptor).st_size:
            # Extend once: cheaper than at each mark. With ftruncate, not by writing zeros: another
            # process may just have extended the file and set its marks.
            os.ftruncate(descriptor, math.prod(_tile_shape(len(tile))))
        for place, length in runs:
            os.pwrite(descriptor, b"\1" * length, place)
        if sync:
            os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def _open_tile(directory: Path, tile: Sequence[int]) -> int:
    path = _path(directory, tile)
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)


def _read(directory: Path, tile: Sequence[int], shape: Sequence[int]) -> Array:
    """Read the bytes of a tile, zeros if it does not exist."""
    size = math.prod(shape)
    try:
        descriptor = os.open(_path(directory, tile), os.O_RDONLY)
    except FileNotFoundError:
        if not os.path.isdir(f"{directory}/{FOLDER}"):
            raise _missing_marks_error(directory) from None
        content = b""
    else:
        try:
            content = os.pread(descriptor, size, 0)
        finally:
            os.close(descriptor)
    return np.frombuffer(content.ljust(size, b"\0"), np.uint8).reshape(shape)


def _tiles_within(
    directory: Path, numbers: Numbers, shape: Sequence[int]
) -> Iterator[tuple[int, ...]]:
    ranges = tuple(map(_tiles, numbers, shape))
    if math.prod(map(len, ranges)) <= _MAX_NAMED_TILES:
        yield from itertools.product(*ranges)
        return
    for tile in _all_tiles(directory, len(numbers)):
        if all(n in wanted for n, wanted in zip(tile, ranges, strict=True)):
            yield tile


def _all_tiles(directory: Path, ndim: int) -> Iterator[tuple[int, ...]]:
    """Yield the existing tiles. Raises MissingFile if the marks are lost."""
    try:
        names = os.listdir(f"{directory}/{FOLDER}")
    except FileNotFoundError:
        raise _missing_marks_error(directory) from None
    for name in names:
        parts = name.split(".")
        if len(parts) == ndim and all(part.isdecimal() for part in parts):
            yield tuple(map(int, parts))
