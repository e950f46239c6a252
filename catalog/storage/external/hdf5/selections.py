"""Selections of elements of HDF5 datasets, for the mappings of virtual datasets."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from h5py import h5s
from h5py._objects import phil

from ...errors import Unreadable

Space = Any
Shape = Sequence[int]
UNLIMITED = h5s.UNLIMITED


@dataclass(frozen=True, slots=True)
class UnlimitedSelection:
    """A selection that is unlimited along the dimension `axis`.

    It has blocks of `block` elements from `start` on, one per `stride`; `block` is None for all
    elements from `start` on.
    """

    space: Space
    axis: int
    start: int
    stride: int
    block: int | None

    @classmethod
    def of(cls, space: Space) -> UnlimitedSelection | None:
        """Return an unlimited selection, or None for a limited one."""
        if space.get_select_type() != h5s.SEL_HYPERSLABS or not space.is_regular_hyperslab():
            return None
        start, stride, count, block = space.get_regular_hyperslab()
        for axis in range(len(start)):
            if block[axis] == UNLIMITED:
                return cls(space, axis, start[axis], 1, None)
            if count[axis] == UNLIMITED:
                return cls(space, axis, start[axis], stride[axis], block[axis])
        return None

    def within(self, extent: int) -> int:
        """Return the number of selected elements within an extent of `axis`."""
        if extent <= self.start:
            return 0
        if self.block is None:
            return extent - self.start
        full, rest = divmod(extent - self.start, self.stride)
        return full * self.block + min(rest, self.block)

    def cut(self, length: int) -> Space:
        """Return the selection of the first `length` (at least 1) elements along `axis`."""
        if self.block is None:
            return self._blocks([(0, 1, length)])
        full, rest = divmod(length, self.block)
        pieces = [(0, full, self.block)] if full else []
        return self._blocks([*pieces, (full, 1, rest)] if rest else pieces)

    def nth(self, number: int) -> Space:
        """Return the selection of block `number`."""
        assert self.block is not None
        return self._blocks([(number, 1, self.block)])

    def _blocks(self, pieces: Sequence[tuple[int, int, int]]) -> Space:
        """Return a selection of runs of blocks: number of the first block, count and size."""
        starts, strides, counts, blocks = map(list, self.space.get_regular_hyperslab())
        ends = []
        for first, count, size in pieces:
            ends.append(self.start + (first + count - 1) * self.stride + size)
        shape = list(self.space.shape)
        shape[self.axis] = max(ends)
        found = h5s.create_simple(tuple(shape))
        found.select_none()
        for first, count, size in pieces:
            starts[self.axis] = self.start + first * self.stride
            counts[self.axis], blocks[self.axis] = count, size
            strides[self.axis] = max(self.stride, size)
            parts = map(tuple, (starts, counts, strides, blocks))
            found.select_hyperslab(*parts, op=h5s.SELECT_OR)
        return found


def laid_over(space: Space, shape: Shape) -> Space:
    """Return the selection with the extent `shape`."""
    found = h5s.create_simple(tuple(shape))
    if space.get_select_type() == h5s.SEL_ALL:
        # A hyperslab, not H5S_ALL, which cannot be combined.
        found.select_hyperslab((0,) * len(shape), tuple(shape))
    else:
        found.select_copy(space)
    return found


def of_source(space: Space, shape: Shape, mapped: Space) -> Space:
    """Return the selection of a source, now of `shape`, that corresponds to `mapped`.

    It may exceed the shape. A selection of a whole source means as many of its first rows as
    `mapped` has elements for.
    """
    if space.get_select_type() == h5s.SEL_ALL:
        row, count = math.prod(shape[1:]), mapped.get_select_npoints()
        if not row or count % row:
            raise Unreadable(
                f"{count} elements of a virtual dataset are not whole rows of its source."
            )
        return laid_over(h5s.create_simple((count // row, *shape[1:])), (count // row, *shape[1:]))
    _, last = bounds(space)
    pairs = zip(shape, last, strict=True)
    return laid_over(space, tuple(max(size, index + 1) for size, index in pairs))


def within(space: Space, shape: Shape) -> bool:
    """Return whether the selection lies within `shape`."""
    return all(index < size for index, size in zip(bounds(space)[1], shape, strict=True))


def bounds(space: Space) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the first and the last index along each dimension."""
    if space.get_select_type() == h5s.SEL_ALL:
        return (0,) * len(space.shape), tuple(size - 1 for size in space.shape)
    low, high = space.get_select_bounds()
    return tuple(low), tuple(high)


def common(one: Space, other: Space) -> Space:
    """Return the intersection of two selections."""
    return one.combine_select(other, h5s.SELECT_AND)


def projected(one: Space, other: Space, part: Space) -> Space:
    """Return the elements of `other` that correspond, in order, to `part` of `one`."""
    with phil:
        found = _PROJECT(one.id, other.id, part.id)
    if found < 0:
        raise Unreadable("HDF5 could not match the two selections of a mapping.")
    return h5s.SpaceID(found)


def fill(target: np.ndarray[Any, Any], value: Any, kind: Any, space: Space) -> None:
    """Fill the elements in `space` with a value of the target's dtype, and HDF5 type `kind`."""
    one = np.array(value, target.dtype)
    with phil:
        done = _FILL(one.ctypes.data, kind.id, target.ctypes.data, kind.id, space.id)
    if done < 0:
        raise Unreadable("HDF5 could not write the fill values of a virtual dataset.")


# Functions of the HDF5 library loaded by h5py, which h5py does not expose.
_LIBRARY = ctypes.CDLL(h5s.__file__)
_PROJECT = _LIBRARY.H5Sselect_project_intersection
_PROJECT.argtypes, _PROJECT.restype = (ctypes.c_int64,) * 3, ctypes.c_int64
_FILL = _LIBRARY.H5Dfill
_FILL.argtypes = (ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
_FILL.restype = ctypes.c_int
