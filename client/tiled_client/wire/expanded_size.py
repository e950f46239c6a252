"""How large an awkward array is when it is written out.

Lists that overlap, and indexes that name an item more than once, are small in memory however much
they stand for. Sizes are found from offsets and indexes alone; no data is copied.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# The bytes of each item: one number where all have the same size.
Sizes = Any

# Of one item; beyond it no size is told apart. Sums of sizes stay within 64 bits.
MAX_ITEM_BYTES = 1 << 40
# Of an offset, of an index, and of an object without fields.
WORD = 8


def expanded_nbytes(array: Any) -> int:
    """Return the bytes of an `awkward.Array` with each item counted as often as it occurs.

    They are about those that it has as packed, and at least one for each item of a list.
    """
    kept: list[float] = []
    return int(_total(_sizes(array.layout, kept), array.layout.length) + sum(kept))


def _sizes(layout: Any, kept: list[float]) -> Sizes:
    """The bytes of each item; to `kept` is added what is written without being named."""
    from awkward import contents as kinds

    if isinstance(layout, kinds.EmptyArray):
        return 1
    if isinstance(layout, kinds.NumpyArray):
        return max(layout.data[:1].nbytes, layout.dtype.itemsize)
    if isinstance(layout, kinds.RecordArray):
        fields = [_cut(_sizes(content, kept), layout.length) for content in layout.contents]
        return _bounded(np.maximum(sum(fields), WORD))
    if isinstance(layout, kinds.UnionArray):
        return _union_sizes(layout, kept)
    inner = _sizes(layout.content, kept)
    if isinstance(layout, kinds.RegularArray):
        starts = np.arange(layout.length, dtype=np.int64) * layout.size
        return _list_sizes(inner, layout.content.length, starts, starts + layout.size, 0)
    if layout.is_list:
        starts, stops = np.asarray(layout.starts), np.asarray(layout.stops)
        return _list_sizes(inner, layout.content.length, starts, stops[: len(starts)])
    if layout.is_indexed:
        if layout.is_option or layout.parameter("__array__") == "categorical":
            _keep(layout.content, inner, kept)
        index = np.asarray(layout.index)
        known = np.append(np.broadcast_to(inner, layout.content.length), 0)
        # Only an index of an option may be negative: nothing is there.
        return _bounded(known[np.where(index < 0, -1, index)] + (WORD if layout.is_option else 0))
    return _bounded(_cut(inner, layout.length) + 1)


def _list_sizes(inner: Sizes, count: int, starts: Any, stops: Any, own: int = WORD) -> Sizes:
    # Empty lists may begin anywhere.
    starts, stops = (np.minimum(ends, count, dtype=np.int64) for ends in (starts, stops))
    inner = np.minimum(inner, 2**62 // (count + 1))
    if np.ndim(inner) == 0:
        return _bounded((stops - starts) * inner + own)
    sums = np.concatenate([[0], np.cumsum(inner, dtype=np.int64)])
    return _bounded(sums[stops] - sums[starts] + own)


def _union_sizes(layout: Any, kept: list[float]) -> Sizes:
    tags = np.asarray(layout.tags)
    index = np.asarray(layout.index)[: len(tags)]
    sizes = np.zeros(len(tags), np.int64)
    for tag, content in enumerate(layout.contents):
        here, inner = tags == tag, _sizes(content, kept)
        _keep(content, inner, kept)
        sizes[here] = np.broadcast_to(inner, content.length)[index[here]]
    return _bounded(sizes + WORD + 1)


def _keep(content: Any, sizes: Sizes, kept: list[float]) -> None:
    """Count a content that packing may write out whole, if that is more than it has in memory."""
    total = _total(sizes, content.length)
    if total > 2 * content.nbytes:
        kept.append(total)


def _total(sizes: Sizes, length: int) -> float:
    return float(np.sum(np.broadcast_to(sizes, length), dtype=np.float64))


def _cut(sizes: Sizes, length: int) -> Sizes:
    return sizes[:length] if np.ndim(sizes) else sizes


def _bounded(sizes: Sizes) -> Sizes:
    return np.minimum(sizes, MAX_ITEM_BYTES)
