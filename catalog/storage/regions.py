"""Arithmetic of regions (tuples of slices), and the chunks that they touch."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tiled_client.wire.errors import WireError
from tiled_client.wire.slices import NDSlice

Region = tuple[slice, ...]


def whole(shape: Sequence[int]) -> Region:
    """Return the region of a whole array."""
    return tuple(slice(0, size) for size in shape)


def shape_of(region: Region) -> tuple[int, ...]:
    """Return the shape of a region of whole slices (start and stop given, step 1)."""
    return tuple(part.stop - part.start for part in region)


def fetch_plan(shape: Sequence[int], items: NDSlice) -> tuple[Region, NDSlice]:
    """Return the ascending slices to fetch, and the index to apply to the fetched array.

    `items` select at least one element, and are within bounds.
    """
    fetch: list[slice] = []
    then: list[int | slice] = []
    for size, item in itertools.zip_longest(shape, items, fillvalue=slice(None)):
        assert isinstance(size, int)
        if isinstance(item, int):
            fetch.append(slice(item % size, item % size + 1, 1))
            then.append(0)
            continue
        wanted = range(*item.indices(size))
        low, high = sorted((wanted[0], wanted[-1]))
        fetch.append(slice(low, high + 1, abs(wanted.step)))
        then.append(slice(None, None, 1 if wanted.step > 0 else -1))
    return tuple(fetch), tuple(then)


def take_region(array: np.ndarray[Any, Any], region: Region) -> np.ndarray[Any, Any]:
    """Return `array[region]`, as an array also if it has no dimensions."""
    index: Any = (*region, ...)
    part: np.ndarray[Any, Any] = array[index]
    return part


def chunk_ranges(region: Region, chunk: Sequence[int]) -> tuple[range, ...]:
    """Return, for each dimension, the numbers of the chunks that a non-empty `region` touches."""
    return tuple(
        range(part.start // size, -(-part.stop // size))
        for part, size in zip(region, chunk, strict=True)
    )


def count_chunks(region: Region, chunk: Sequence[int]) -> int:
    """Return how many chunks `region` touches."""
    return math.prod(len(numbers) for numbers in chunk_ranges(region, chunk))


def chunks_of(region: Region, chunk: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Yield the index of each chunk that `region` touches."""
    return itertools.product(*chunk_ranges(region, chunk))


def select_touched(region: Region, chunk: Sequence[int], indices: np.ndarray[Any, Any]) -> Any:
    """Select from chunk indices, one per row, those of which `region` needs an element."""
    needed = np.ones(len(indices), bool)
    for dimension, (part, size) in enumerate(zip(region, chunk, strict=True)):
        begin = indices[:, dimension] * size
        step = part.step or 1
        first = part.start + np.maximum(-(-(begin - part.start) // step), 0) * step
        needed &= first < np.minimum(begin + size, part.stop)
    return indices[needed]


def touched_numbers(region: Region, chunk: Sequence[int]) -> list[list[int]]:
    """Return, per dimension, the numbers of the chunks of which `region` needs an element."""
    return [
        list(numbers)
        if (part.step or 1) <= size
        else [place // size for place in range(part.start, part.stop, part.step)]
        for part, size, numbers in zip(region, chunk, chunk_ranges(region, chunk), strict=True)
    ]


def count_touched(region: Region, chunk: Sequence[int]) -> int:
    """Return of how many chunks a non-empty `region` with any steps needs an element."""
    return math.prod(
        len(numbers) if (part.step or 1) <= size else len(range(part.start, part.stop, part.step))
        for part, size, numbers in zip(region, chunk, chunk_ranges(region, chunk), strict=True)
    )


def chunk_region(index: Sequence[int], chunk: Sequence[int]) -> Region:
    """Return the region of chunk `index`, not clipped at the edge of the array."""
    return tuple(
        slice(number * size, (number + 1) * size) for number, size in zip(index, chunk, strict=True)
    )


def split_region(region: Region, chunk: Sequence[int], *, max_elements: int) -> Iterator[Region]:
    """Split `region` into parts of whole chunks: up to `max_elements`, or else one chunk."""
    numbers = chunk_ranges(region, chunk)
    counts, size = [1] * len(chunk), math.prod(chunk)
    for dimension in reversed(range(len(chunk))):
        wanted = len(numbers[dimension])
        counts[dimension] = max(1, min(wanted, max_elements // max(size, 1)))
        size *= counts[dimension]
        if counts[dimension] < wanted:
            break
    starts = (range(r.start, r.stop, n) for r, n in zip(numbers, counts, strict=True))
    for first in itertools.product(*starts):
        covered = tuple(
            slice(number * size, (number + count) * size)
            for number, count, size in zip(first, counts, chunk, strict=True)
        )
        yield overlap(covered, region)


def outside_parts(region: Region, shape: Sequence[int]) -> Iterator[Region]:
    """Yield the parts of `region` outside `shape`, at most one per dimension."""
    inside = region
    for dimension, (part, size) in enumerate(zip(region, shape, strict=True)):
        if part.stop > size:
            start = max(part.start, size)
            yield (*inside[:dimension], slice(start, part.stop), *region[dimension + 1 :])
        inside = (
            *inside[:dimension],
            slice(part.start, min(part.stop, size)),
            *inside[dimension + 1 :],
        )
        if part.start >= size:
            return


def overlap(first: Region, second: Region) -> Region:
    """Return the intersection of two regions that overlap."""
    return tuple(
        slice(max(a.start, b.start), min(a.stop, b.stop))
        for a, b in zip(first, second, strict=True)
    )


def relative(region: Region, origin: Region) -> Region:
    """Return `region` relative to the start of `origin`."""
    return tuple(
        slice(part.start - start.start, part.stop - start.start)
        for part, start in zip(region, origin, strict=True)
    )


def check_region(shape: Sequence[int], region: Region, array: np.ndarray[Any, Any]) -> None:
    """Raise WireError unless `region` lies within `shape` and has the shape of `array`."""
    inside = len(region) == len(shape) and all(
        0 <= part.start <= part.stop <= size for part, size in zip(region, shape, strict=True)
    )
    if not inside:
        raise WireError(f"The region {region} is not within the shape {list(shape)}.")
    if shape_of(region) != array.shape:
        raise WireError(
            f"An array of shape {list(array.shape)} cannot be written to a region of shape "
            f"{list(shape_of(region))}."
        )
