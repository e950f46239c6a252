"""One array from several datasets, each read by region.

Datasets are concatenated along their first dimension; 0-dimensional ones form a row. The declared
shape may add or drop dimensions of length 1, and may split the first dimension into several; any
other shape must have as many elements. If it has more rows than the files, the existing rows can
be read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tiled_client.wire.slices import NDSlice
from tiled_client.wire.structures import ArrayStructure

from ..encoding import Array
from ..errors import StorageError, Unreadable
from ..regions import Region, fetch_plan
from .conversion import convert, is_convertible
from .error_translation import to_storage_error

Ranges = tuple[range, ...]


class Dataset(Protocol):
    """An array in a file."""

    @property
    def path(self) -> Path:
        """The file."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype in which regions are read."""
        ...

    def region(self, region: Region) -> Array:
        """Return a region: one slice per dimension, with start, stop and a positive step."""
        ...


def read_datasets(
    datasets: Sequence[Dataset],
    structure: ArrayStructure,
    items: NDSlice,
    selected: NDSlice = (),
) -> Array:
    """Read what `items`, of at least one element, select of the declared array.

    `selected` is the part of the concatenated datasets that makes up the array. Raises NotReady,
    Unreadable.
    """
    return _SelectedView(_ConcatenatedDatasets(datasets), selected).read(structure, items)


class _ConcatenatedDatasets:
    """Datasets concatenated along the first dimension."""

    def __init__(self, datasets: Sequence[Dataset]) -> None:
        self._datasets = datasets
        self.paths = [dataset.path for dataset in datasets]
        first, *_ = self._shapes = [dataset.shape or (1,) for dataset in datasets]
        odd = [n for n, shape in enumerate(self._shapes) if shape[1:] != first[1:]]
        if odd:
            raise Unreadable(
                f"{self.paths[odd[0]]} has the shape {self._shapes[odd[0]]}, which does not match "
                f"{first} of the first file."
            )
        self._ends = list(accumulate(shape[0] for shape in self._shapes))
        self.shape = (self._ends[-1], *first[1:])

    def check(self, declared: np.dtype[Any]) -> None:
        """Raise Unreadable if a dtype differs from the declared one."""
        found = self._datasets[0].dtype
        if not is_convertible(found, declared):
            raise Unreadable(f"{self.paths[0]} has dtype {found}, but {declared} is declared.")

    def read_into(self, target: Array, ranges: Ranges) -> None:
        """Fill `target` with the elements of the ascending `ranges`, one per dimension."""
        rows, *others = ranges
        for number, end in enumerate(self._ends):
            start = end - self._shapes[number][0]
            first, last = _first_from(rows, start), _first_from(rows, end)
            if first < last:
                part = range(rows[first] - start, rows[last - 1] + 1 - start, rows.step)
                found = self._region(self._datasets[number], (part, *others))
                target[first:last] = convert(found, target.dtype)

    def _region(self, dataset: Dataset, ranges: Ranges) -> Array:
        shape = tuple(map(len, ranges))
        if not dataset.shape:
            return dataset.region(()).reshape(shape)
        return dataset.region(tuple(slice(r.start, r.stop, r.step) for r in ranges)).reshape(shape)


class _SelectedView:
    """The part of concatenated datasets that makes up an array."""

    def __init__(self, joined: _ConcatenatedDatasets, selected: NDSlice) -> None:
        self._joined = joined
        self._ranges = tuple(_ranges(joined.shape, selected))
        shape = self.shape = tuple(map(len, self._ranges))
        # The growing dimension: files may have additional leading dimensions of length 1.
        self._lead = next((n for n, size in enumerate(shape) if size != 1), 0)

    def read(self, structure: ArrayStructure, items: NDSlice) -> Array:
        """Read what `items` select of the declared array."""
        self._joined.check(structure.dtype)
        folded = self._folded(structure.shape)
        if folded is None:
            return self._reshaped(structure, items)
        fetch, then = fetch_plan(structure.shape, items)
        rows = _flat_rows(structure.shape[:folded], fetch[:folded])
        if len(rows) and int(rows[-1]) >= self.shape[self._lead]:
            # Existing rows can be read while others are still being written.
            raise self._too_few_error(structure.shape)
        inner = [range(part.start, part.stop, part.step) for part in fetch[folded:]]
        wanted = [r for r, size in zip(inner, structure.shape[folded:], strict=True) if size != 1]
        target = np.empty((len(rows), *map(len, wanted)), structure.dtype)
        for first, run in _runs(rows):
            self._fill(target[first : first + len(run)], run, wanted)
        result: Array = target.reshape(tuple(_length(part) for part in fetch))[(*then, ...)]
        return result

    def _folded(self, declared: Sequence[int]) -> int | None:
        """Return how many leading declared dimensions split the rows; None for another shape."""
        rest = _without_ones(self.shape[self._lead + 1 :])
        for count in range(len(declared) + 1):
            if _without_ones(declared[count:]) == rest:
                return count
        return None

    def _fill(self, target: Array, rows: range, others: Sequence[range]) -> None:
        """Fill `target` with some rows; `others` are the ranges of the other dimensions above 1."""
        wanted: list[range] = []
        following = iter(others)
        for number, size in enumerate(self.shape):
            if number < self._lead:
                wanted.append(range(1))
            elif number == self._lead:
                wanted.append(rows)
            else:
                wanted.append(range(1) if size == 1 else next(following))
        ranges = [
            full[r.start : r.stop : r.step] for full, r in zip(self._ranges, wanted, strict=True)
        ]
        ascending = tuple(r if r.step > 0 else r[::-1] for r in ranges)
        if ascending == tuple(ranges):
            self._joined.read_into(target.reshape(tuple(map(len, ranges))), ascending)
            return
        turned = tuple(slice(None, None, 1 if r.step > 0 else -1) for r in ranges)
        buffer = np.empty(tuple(map(len, ranges)), target.dtype)
        self._joined.read_into(buffer, ascending)
        target[...] = buffer[turned].reshape(target.shape)

    def _reshaped(self, structure: ArrayStructure, items: NDSlice) -> Array:
        """Read by flat index, for a declared shape that agrees only in its number of elements."""
        declared = structure.shape
        if math.prod(declared) != math.prod(self.shape):
            if math.prod(declared) > math.prod(self.shape):
                raise self._too_few_error(declared)
            raise Unreadable(
                f"Files of shape {list(self.shape)} do not match the declared shape "
                f"{list(declared)}."
            )
        row = math.prod(self.shape[self._lead + 1 :])
        wanted_row = math.prod(declared[1:])
        fetch, then = fetch_plan(declared or (1,), items)
        pieces = []
        for number in range(fetch[0].start, fetch[0].stop, fetch[0].step):
            start, stop = number * wanted_row, (number + 1) * wanted_row
            rows = range(start // row, -(-stop // row))
            sizes = [size for size in self.shape[self._lead + 1 :] if size != 1]
            buffer = np.empty((len(rows), *sizes), structure.dtype)
            self._fill(buffer, rows, [range(size) for size in sizes])
            flat = buffer.reshape(-1)[start - rows.start * row :][:wanted_row]
            pieces.append(flat.reshape(declared[1:])[fetch[1:]])
        result: Array = np.stack(pieces)[(*then, ...)]
        return result if declared else result.reshape(())

    def _too_few_error(self, declared: Sequence[int]) -> StorageError:
        return to_storage_error(
            f"Files of shape {list(self.shape)} have fewer elements than the declared shape "
            f"{list(declared)}.",
            self._joined.paths,
        )


def _ranges(shape: Sequence[int], selected: NDSlice) -> Iterator[range]:
    """Yield the selected range of each dimension; an integer selects a range of one."""
    if len(selected) > len(shape):
        raise Unreadable(
            f"a slice of {len(selected)} dimensions does not fit the shape {list(shape)}."
        )
    for number, size in enumerate(shape):
        item = selected[number] if number < len(selected) else slice(None)
        if isinstance(item, int):
            if not -size <= item < size:
                raise Unreadable(f"index {item} is out of bounds for a dimension of {size}.")
            yield range(item % size, item % size + 1)
        else:
            yield range(*item.indices(size))


def _flat_rows(shape: Sequence[int], fetch: Region) -> Array:
    """Return the row numbers, in C order, of a region of the split dimensions."""
    rows = np.zeros(1, np.int64)
    for size, part in zip(shape, fetch, strict=True):
        numbers = np.arange(part.start, part.stop, part.step)
        rows = (rows[:, None] * size + numbers).reshape(-1)
    return rows


def _runs(rows: Array) -> Iterator[tuple[int, range]]:
    """Yield the rows as ranges of equal steps, each with its start index in `rows`."""
    start = 0
    while start < len(rows):
        steps = np.diff(rows[start:])
        step = int(steps[0]) if len(steps) else 1
        odd = np.flatnonzero(steps != step)
        count = int(odd[0]) + 1 if len(odd) else len(rows) - start
        first = int(rows[start])
        yield start, range(first, first + (count - 1) * step + 1, step)
        start += count


def _first_from(rows: range, start: int) -> int:
    """Return the index in ascending `rows` of the first that is at least `start`."""
    if start <= rows.start:
        return 0
    return min(-(-(start - rows.start) // rows.step), len(rows))


def _length(part: slice) -> int:
    return len(range(part.start, part.stop, part.step))


def _without_ones(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)
