"""Size of an awkward array after expansion of items that are referenced more than once.

Lists that overlap, and indexes that repeat items, take little memory however many items they
represent. Sizes are computed from offsets and indexes alone; no data are copied.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# The bytes of each item; a single number if all have the same size.
Sizes = Any

# Sizes of items are capped at this, so that sums of them fit 64 bits.
MAX_ITEM_BYTES = 1 << 40
# Bytes of an offset, of an index, and of a record without fields.
WORD = 8


def expanded_nbytes(array: Any) -> int:
    """Return the bytes of an `awkward.Array` with each item counted as often as it occurs.

    This is about its size once packed, with at least one byte for each item of a list.
    """
    kept: list[float] = []
    return int(_total(_sizes(array.layout, kept), array.layout.length) + sum(kept))


def _sizes(layout: Any, kept: list[float]) -> Sizes:
    """Return the bytes of each item; add to `kept` contents that are written unreferenced, too."""
    from awkward import contents as kinds

    if isinstance(layout, kinds.EmptyArray):
        return 1
    if isinstance(layout, kinds.NumpyArray):
        return max(layout.data[:1].nbytes, layout.dtype.itemsize)
    if isinstance(layout, kinds.RecordArray):
        fields = [_truncate(_sizes(content, kept), layout.length) for content in layout.contents]
        return _cap(np.maximum(sum(fields), WORD))
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
        # Only indexes of options may be negative, for missing items.
        return _cap(known[np.where(index < 0, -1, index)] + (WORD if layout.is_option else 0))
    return _cap(_truncate(inner, layout.length) + 1)


def _list_sizes(inner: Sizes, count: int, starts: Any, stops: Any, own: int = WORD) -> Sizes:
    # Empty lists may start beyond the end of their content.
    starts, stops = (np.minimum(ends, count, dtype=np.int64) for ends in (starts, stops))
    inner = np.minimum(inner, 2**62 // (count + 1))
    if np.ndim(inner) == 0:
        return _cap((stops - starts) * inner + own)
    sums = np.concatenate([[0], np.cumsum(inner, dtype=np.int64)])
    return _cap(sums[stops] - sums[starts] + own)


def _union_sizes(layout: Any, kept: list[float]) -> Sizes:
    tags = np.asarray(layout.tags)
    index = np.asarray(layout.index)[: len(tags)]
    sizes = np.zeros(len(tags), np.int64)
    for tag, content in enumerate(layout.contents):
        here, inner = tags == tag, _sizes(content, kept)
        _keep(content, inner, kept)
        sizes[here] = np.broadcast_to(inner, content.length)[index[here]]
    return _cap(sizes + WORD + 1)


def _keep(content: Any, sizes: Sizes, kept: list[float]) -> None:
    """Add the size of a content that packing may write as a whole, if it exceeds its memory."""
    total = _total(sizes, content.length)
    if total > 2 * content.nbytes:
        kept.append(total)


def _total(sizes: Sizes, length: int) -> float:
    return float(np.sum(np.broadcast_to(sizes, length), dtype=np.float64))


def _truncate(sizes: Sizes, length: int) -> Sizes:
    return sizes[:length] if np.ndim(sizes) else sizes


def _cap(sizes: Sizes) -> Sizes:
    return np.minimum(sizes, MAX_ITEM_BYTES)
