"""Sizes of arrays as far as this process knows them, shared by the filters of a node.

An update says where it lies, and not how large the array is. Where an array ends matters to
reductions: there a cell may be complete though it is not full.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID
from weakref import WeakValueDictionary


class KnownSizes:
    """The largest size seen along each dimension: arrays grow, and never shrink."""

    def __init__(self, shape: Sequence[int]) -> None:
        self.shape = tuple(shape)

    def include(
        self, begin: Sequence[int], shape: Sequence[int], *, keep: bool = True
    ) -> tuple[int, ...]:
        """Return the sizes, grown to hold a region; without `keep`, for this call only."""
        ends = [first + size for first, size in zip(begin, shape, strict=True)]
        grown = tuple(map(max, self.shape, ends))
        if keep:
            self.shape = grown
        return grown


_known: WeakValueDictionary[UUID, KnownSizes] = WeakValueDictionary()


def known_sizes(node: UUID | None, shape: Sequence[int]) -> KnownSizes:
    """Return the sizes of `node`, shared while a filter uses them, grown to `shape`."""
    known = None if node is None else _known.get(node)
    if known is None:
        known = KnownSizes(shape)
        if node is not None:
            _known[node] = known
    known.include((0,) * len(shape), shape)
    return known
