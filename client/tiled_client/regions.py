"""Arithmetic of array regions: indices, chunks, and splitting of large selections. No I/O."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, product
from numbers import Real
from typing import Any

from .arguments import whole_number, whole_numbers
from .wire.reductions import Reduction
from .wire.slices import Item, NDSlice, sliced_shape

Region = tuple[slice, ...]
Chunks = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """An index as requested from the server, and the view that turns the response into the result.

    `items` have no negative step, which storage formats do not support; `shape` is that of the
    response, and `flip` reverses the dimensions that had one.
    """

    items: NDSlice
    shape: tuple[int, ...]
    flip: Region

    @property
    def whole(self) -> bool:
        """Whether this selects the whole array, whatever its length."""
        return all(item == slice(None) for item in self.items)


def select(items: NDSlice, shape: Sequence[int]) -> Selection:
    """Return the selection of one item per dimension. Raises IndexError if one is out of bounds."""
    forward: list[Item] = []
    flip: list[slice] = []
    for dimension, (item, size) in enumerate(zip(items, shape, strict=True)):
        if isinstance(item, int):
            if not -size <= item < size:
                raise IndexError(
                    f"index {item} is out of bounds for axis {dimension} with size {size}"
                )
            forward.append(item)
        elif item.step is not None and item.step < 0:
            forward.append(_reversed(item, size))
            flip.append(slice(None, None, -1))
        else:
            forward.append(item)
            flip.append(slice(None))
    return Selection(tuple(forward), sliced_shape(shape, tuple(forward)), tuple(flip))


def split_region(shape: Sequence[int], itemsize: int, limit: int) -> Iterator[Region]:
    """Yield the regions of `shape` of at most `limit` bytes (or one element), in C order."""
    # The first axis whose rows fit is divided into runs of rows, those before it into indices.
    rows = [math.prod(shape[axis + 1 :]) * itemsize for axis in range(len(shape))]
    axis = next((axis for axis, row in enumerate(rows) if row <= limit), max(len(shape) - 1, 0))
    row = rows[axis] if rows else 0
    steps = [1] * axis + [max(1, limit // max(row, 1))] + list(shape[axis + 1 :])
    spans = [
        [slice(start, min(start + step, size)) for start in range(0, size, max(step, 1))]
        for size, step in zip(shape, steps, strict=False)
    ]
    yield from product(*spans)


def split_cells(
    items: NDSlice, shape: Sequence[int], reduction: Reduction, itemsize: int, limit: int
) -> Iterator[tuple[Region, NDSlice]]:
    """Yield the parts of a reduction of at most `limit` bytes, and the index that gives each."""
    sliced = sliced_shape(shape, items)
    factors = (*(1,) * (len(sliced) - len(reduction.factors)), *reduction.factors)
    cells = reduction.shape(sliced)
    if math.prod(cells) * itemsize <= limit:
        yield tuple(slice(0, size) for size in cells), items
        return
    for region in split_region(cells, itemsize, limit):
        source = tuple(
            slice(part.start * factor, part.stop * factor)
            for part, factor in zip(region, factors, strict=True)
        )
        yield region, narrow(items, shape, source)


def narrow(items: NDSlice, shape: Sequence[int], region: Region) -> NDSlice:
    """Return the index whose result is the part `region` of the result of `items`, for `shape`."""
    spans = iter(region)
    return tuple(
        item if isinstance(item, int) else _subslice(item, size, next(spans))
        for item, size in zip(items, shape, strict=True)
    )


def normalize_chunks(
    chunks: Any,
    shape: Sequence[int],
    itemsize: int,
    limit: int,
) -> Chunks:
    """Return the sizes of the chunks along each dimension.

    Parameters
    ----------
    chunks
        A size for all dimensions, or for each dimension a size (-1 or None for all of it) or all
        sizes; None or "auto" for chunks of at most `limit` bytes.
    shape, itemsize
        The array to divide.
    limit
        Maximum size of a chunk in bytes, if `chunks` is None.

    Raises
    ------
    ValueError
        If the chunks do not fit the shape.
    TypeError
        If they are not integers.
    """
    if chunks is None or (isinstance(chunks, str) and chunks == "auto"):
        first = next(split_region(shape, itemsize, limit), ())
        chunks = [part.stop - part.start for part in first] or [max(size, 1) for size in shape]
    elif isinstance(chunks, (str, Real)) or not isinstance(chunks, Iterable):
        chunks = [whole_number(chunks, "chunks")] * len(shape)
    chunks = list(chunks)
    if len(chunks) != len(shape):
        raise ValueError(
            f"chunks {chunks!r} do not fit an array of {len(shape)} dimensions: give one entry for "
            "each"
        )
    return tuple(_sizes(chunk, size) for chunk, size in zip(chunks, shape, strict=True))


def blocks(chunks: Chunks) -> Iterator[tuple[tuple[int, ...], Region]]:
    """Yield the index and the region of each block, in C order."""
    spans = [
        [
            (n, slice(stop - size, stop))
            for n, (size, stop) in enumerate(zip(sizes, accumulate(sizes), strict=True))
        ]
        for sizes in chunks
    ]
    for block in product(*spans):
        yield tuple(n for n, _ in block), tuple(span for _, span in block)


def block_offset(
    chunks: Chunks, block: Sequence[int], shape: Sequence[int]
) -> tuple[int, ...] | None:
    """Return where a block of `shape` starts in an array that may have grown since it had `chunks`.

    None if the chunks are irregular, so that it cannot be computed.
    """
    if not len(chunks) == len(block) == len(shape):
        return None
    starts = [_start(*dimension) for dimension in zip(chunks, block, shape, strict=True)]
    known = tuple(start for start in starts if start is not None)
    return known if len(known) == len(starts) else None


def _start(sizes: tuple[int, ...], index: int, size: int) -> int | None:
    if index < len(sizes) and sizes[index] == size:
        return sum(sizes[:index])
    # An array grows by chunks of the size of the first one, after filling up the last.
    regular = all(known == sizes[0] for known in sizes[:-1]) and max(sizes[-1], size) <= sizes[0]
    return index * sizes[0] if regular else None


def _sizes(chunk: Any, size: int) -> tuple[int, ...]:
    if isinstance(chunk, Iterable) and not isinstance(chunk, str):
        parts = whole_numbers(chunk, "chunks")
        if sum(parts) != size or any(part < 0 for part in parts):
            raise ValueError(f"chunks {parts} do not add up to {size}")
        return parts
    number = -1 if chunk is None else whole_number(chunk, "chunks")
    if number == -1 or size == 0:
        return (size,)
    if number < 1:
        raise ValueError(
            f"the chunk size {number} is invalid: use a positive one, or -1 for the whole dimension"
        )
    whole, rest = divmod(size, number)
    return (number,) * whole + ((rest,) if rest else ())


def _reversed(item: slice, size: int) -> slice:
    indices = range(*item.indices(size))
    if not indices:
        return slice(0, 0)
    return slice(indices[-1], indices[0] + 1, -indices.step)


def _subslice(item: slice, size: int, span: slice) -> slice:
    part = range(*item.indices(size))[span]
    # Backwards, a stop of -1 lies before the first element; in a slice it means the last one.
    stop = part.stop if part.stop >= 0 else None
    return slice(part.start, stop, part.step if part.step != 1 else None)
