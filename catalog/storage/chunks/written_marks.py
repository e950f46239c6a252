"""Marks of the chunks of an array that were written: a byte for each, in the folder `written`.

They are kept in tiles, a small file for each box of neighbours: growing along any dimension moves
nothing. A byte is written in its place, so that two processes may do so at the same time.
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
# A tile is at most one block of the disk. Along the first dimension, where most arrays grow, it is
# this long; the other dimensions share as much.
TILE_LENGTH = 64
# By the number of the other dimensions; where there are more, a tile is one chunk wide.
_SIDES = {1: 64, 2: 8, 3: 4, 4: 2, 5: 2, 6: 2}
# So many tiles are looked for by their names; of more, those that are there are listed.
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
    """Mark some chunks, by their indices."""
    tiles: dict[tuple[int, ...], list[int]] = {}
    for index in indices:
        index = index or (0,)
        shape = _tile_shape(len(index))
        tile, inside = zip(*map(divmod, index, shape), strict=True)
        tiles.setdefault(tile, []).append(_place(inside, shape))
    for tile, places in tiles.items():
        _write(directory, tile, [(place, 1) for place in places], sync)


def is_marked(directory: Path, index: Sequence[int]) -> bool:
    """Return whether a chunk is marked. Raises MissingFile if the marks themselves are gone."""
    return len(find_marked(directory, tuple(range(n, n + 1) for n in index))) > 0


def find_marked(directory: Path, numbers: Numbers) -> Array:
    """Return the indices of the marked chunks, of those with these numbers, as rows.

    Raises MissingFile if the marks themselves are gone.
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
    """Unmark the chunks that are not among these numbers. Call it before their files go."""
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
        f"The marks of written chunks, {directory}/{FOLDER}, are not there, so that it cannot be "
        "told whether a missing chunk file was written. Restore them from a backup."
    )


def _tile_shape(ndim: int) -> tuple[int, ...]:
    if ndim == 1:
        return (TILE_LENGTH * TILE_LENGTH,)
    return (TILE_LENGTH, *(_SIDES.get(ndim - 1, 1),) * (ndim - 1))


def _tiles(numbers: range, side: int) -> range:
    return range(numbers.start // side, -(-numbers.stop // side))


def _within(numbers: range, tile: int, side: int) -> range:
    """Return those of `numbers` that are in the tile, as counted from where it begins."""
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
    """Set so many bytes of a tile from each of some places on."""
    descriptor = _open_tile(directory, tile)
    try:
        if not os.fstat(descriptor).st_size:
            # To lengthen it each time costs more than to change it. Another process may just have
            # done so, and made its marks, which zeros must not be written over.
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
    """Return the bytes of a tile; zeros where there are no marks."""
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
    """Yield the tiles that there are. Raises MissingFile if the marks themselves are gone."""
    try:
        names = os.listdir(f"{directory}/{FOLDER}")
    except FileNotFoundError:
        raise _missing_marks_error(directory) from None
    for name in names:
        parts = name.split(".")
        if len(parts) == ndim and all(part.isdecimal() for part in parts):
            yield tuple(map(int, parts))
