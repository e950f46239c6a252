"""Split a selection of an array into parts whose concatenation is the selection in C order."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

from tiled_client.wire.slices import Item, NDSlice

# Parts end at chunk boundaries, unless that made them this many times larger than the limit.
MAX_STRETCH = 8
MAX_PART_BYTES = 32 << 20


def split_shape(
    shape: Sequence[int], itemsize: int, *, max_bytes: int = MAX_PART_BYTES
) -> Iterator[NDSlice]:
    """Split a whole array, in C order, into parts of at most `max_bytes`, or of one element."""
    max_elements = max(max_bytes // max(itemsize, 1), 1)
    return split_selection(shape, (), (1,) * len(shape), max_elements=max_elements)


def split_selection(
    shape: Sequence[int], items: NDSlice, chunk: Sequence[int], *, max_elements: int
) -> Iterator[NDSlice]:
    """Split what `items` select into parts of at most `max_elements`, or as many as chunks take.

    `items` are within bounds. `chunk` is the chunk size in each dimension.
    """
    if not shape:
        yield ()
        return
    wanted = [_wanted(size, item) for size, item in _complete(shape, items)]
    if not math.prod(len(numbers) for numbers in wanted):
        return
    single = {n for n, (_, item) in enumerate(_complete(shape, items)) if isinstance(item, int)}
    cut, inner = _cut(wanted, max_elements)
    rest = tuple(_slice(numbers) for numbers in wanted[cut + 1 :])
    heads = itertools.product(*wanted[:cut])
    for head in heads:
        outer = tuple(n if d in single else slice(n, n + 1) for d, n in enumerate(head))
        for part in _parts(
            wanted[cut],
            max(max_elements // inner, 1),
            chunk[cut],
            max_elements // inner * MAX_STRETCH,
        ):
            middle: Item = part[0] if cut in single else _slice(part)
            tail = tuple(
                wanted[d][0] if d in single else piece for d, piece in enumerate(rest, cut + 1)
            )
            yield (*outer, middle, *tail)


def _complete(shape: Sequence[int], items: NDSlice) -> Iterator[tuple[int, Item]]:
    filled = (*items, *(slice(None),) * (len(shape) - len(items)))
    return zip(shape, filled, strict=True)


def _wanted(size: int, item: Item) -> range:
    if isinstance(item, int):
        return range(item % size, item % size + 1)
    return range(*item.indices(size))


def _slice(numbers: range) -> slice:
    """Return the slice that selects the non-empty range `numbers`."""
    stop = numbers[-1] + (1 if numbers.step > 0 else -1)
    return slice(numbers[0], None if stop < 0 else stop, numbers.step)


def _cut(wanted: Sequence[range], max_elements: int) -> tuple[int, int]:
    """Return the dimension to split, and the number of elements per index of it."""
    for dimension in range(len(wanted)):
        inner = math.prod(len(numbers) for numbers in wanted[dimension + 1 :])
        if inner <= max_elements:
            return dimension, inner
    return len(wanted) - 1, 1


def _parts(numbers: range, count: int, chunk: int, stretched: int) -> Iterator[range]:
    """Split `numbers` into parts of about `count`, at chunk boundaries if possible."""
    if numbers.step != 1 or chunk > max(count, stretched):
        for start in range(0, len(numbers), count):
            yield numbers[start : start + count]
        return
    step = max(count // chunk, 1) * chunk
    start = numbers.start
    while start < numbers.stop:
        stop = min((start // step + 1) * step, numbers.stop)
        yield range(start, stop)
        start = stop
