"""Large arrays in pieces that fit into memory."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

SLAB = 32 << 20
"""Bytes of a piece, at most, unless a single element is larger."""


def slabs(shape: Sequence[int], itemsize: int, limit: int = SLAB) -> Iterator[tuple[slice, ...]]:
    """Regions that together cover the shape, in C order, each of at most `limit` bytes."""
    if not math.prod(shape):
        return
    cut, step = _cut(shape, itemsize, limit)
    outer = [range(size) for size in shape[:cut]]
    rest = tuple(slice(0, size) for size in shape[cut + 1 :])
    for index in itertools.product(*outer):
        single = tuple(slice(number, number + 1) for number in index)
        if cut == len(shape):
            yield single
            continue
        for start in range(0, shape[cut], step):
            yield (*single, slice(start, min(start + step, shape[cut])), *rest)


def _cut(shape: Sequence[int], itemsize: int, limit: int) -> tuple[int, int]:
    """The dimension to cut along, and how much of it goes into one piece."""
    for dimension in range(len(shape)):
        rest = math.prod(shape[dimension + 1 :]) * max(itemsize, 1)
        if rest <= limit:
            return dimension, max(limit // rest, 1)
    return max(len(shape) - 1, 0), 1
