"""Slices of bounded expanded size, for tables whose values share memory.

Values of dictionaries, runs and views are in memory once, however many rows have them: a few
kilobytes can expand to any number of gigabytes. Such tables are split by their expanded size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from core.errors import BadRequest

from ..config import storage_settings

Sizes = np.ndarray[Any, Any]

# Maximum expanded bytes per slice, unless a single row is larger.
MAX_SLICE_BYTES = 4 << 20


def bounded_slices(pieces: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield `pieces` in slices of bounded expanded size. Raise BadRequest for too large rows."""
    for piece in pieces:
        if any(shares_values(kind) for kind in piece.schema.types):
            yield from _slices(piece)
        else:
            yield piece


def unshared_size(table: pa.Table) -> int:
    """Return the expanded size of a table: shared values count as often as they occur."""
    if not any(shares_values(kind) for kind in table.schema.types):
        return int(table.nbytes)
    return int(_row_sizes(table).sum())


def shares_values(kind: pa.DataType) -> bool:
    """Return whether one value of this type may stand for many, at any depth."""
    if isinstance(kind, pa.BaseExtensionType):
        return shares_values(kind.storage_type)
    sharing = (
        *(types.is_dictionary, types.is_run_end_encoded, types.is_string_view),
        *(types.is_binary_view, types.is_list_view, types.is_large_list_view),
    )
    if any(is_kind(kind) for is_kind in sharing):
        return True
    return any(shares_values(kind.field(n).type) for n in range(kind.num_fields))


def _slices(table: pa.Table) -> Iterator[pa.Table]:
    sizes, limit = _row_sizes(table), storage_settings().response_bytesize_limit
    if len(sizes) and sizes.max() > limit:
        raise BadRequest(
            f"A row would take more than {limit} bytes in this format (the setting "
            "storage.response_bytesize_limit). Request fewer columns, or Arrow or Parquet."
        )
    ends, start = np.cumsum(sizes), 0
    while start < len(ends):
        before = ends[start - 1] if start else 0.0
        stop = max(int(np.searchsorted(ends, before + MAX_SLICE_BYTES, side="right")), start + 1)
        yield table.slice(start, stop - start)
        start = stop


def _row_sizes(table: pa.Table) -> Sizes:
    total = np.zeros(table.num_rows)
    for column in table.columns:
        parts = [_sizes(chunk) for chunk in column.chunks]
        total += np.concatenate(parts) if parts else 0
    return total


def _sizes(array: pa.Array) -> Sizes:
    """Return the expanded size of each value."""
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return _sizes(array.storage)
    if types.is_dictionary(kind):
        known = np.append(_sizes(array.dictionary), 1.0)
        found: Sizes = known[_integers(array.indices, missing=len(known) - 1)]
        return found
    if types.is_run_end_encoded(kind):
        places = np.arange(len(array)) + array.offset
        runs: Sizes = np.searchsorted(_integers(array.run_ends), places, "right")
        return _sizes(array.values).take(runs)
    if types.is_string_view(kind) or types.is_binary_view(kind):
        return _views(array)
    if types.is_list_view(kind) or types.is_large_list_view(kind):
        starts = _integers(array.offsets)[: len(array)]
        return _within(_sizes(array.values), starts, starts + _integers(array.sizes))
    if types.is_fixed_size_list(kind):
        starts = (np.arange(len(array)) + array.offset) * kind.list_size
        return _within(_sizes(array.values), starts, starts + kind.list_size)
    return _plain_sizes(array)


def _plain_sizes(array: pa.Array) -> Sizes:
    kind = array.type
    if types.is_map(kind):
        edges, inner = _integers(array.offsets), _sizes(array.keys) + _sizes(array.items)
        return _within(inner, edges[:-1], edges[1:])
    if types.is_list(kind) or types.is_large_list(kind):
        edges = _integers(array.offsets)
        return _within(_sizes(array.values), edges[:-1], edges[1:])
    if types.is_struct(kind):
        return sum(map(_sizes, array.flatten()), start=np.ones(len(array)))
    if types.is_union(kind):
        # Upper bound: the largest values of all types of the union together.
        largest = [_sizes(array.field(n)).max(initial=0) for n in range(kind.num_fields)]
        return np.full(len(array), 1.0 + sum(largest))
    if _is_fixed(kind):
        return np.full(len(array), max(kind.bit_width / 8, 1.0))
    if types.is_null(kind):
        return np.ones(len(array))
    lengths: Sizes = 1.0 + _integers(pc.binary_length(array))
    return lengths


def _is_fixed(kind: pa.DataType) -> bool:
    return bool(types.is_primitive(kind) or types.is_decimal(kind) or types.is_boolean(kind)) or (
        types.is_fixed_size_binary(kind) or types.is_interval(kind)
    )


def _views(array: pa.Array) -> Sizes:
    """Return the lengths of views: the first four of the sixteen bytes of each."""
    words = np.frombuffer(array.buffers()[1] or b"", np.int32)[::4]
    return 1.0 + words[array.offset : array.offset + len(array)]


def _within(sizes: Sizes, starts: Any, stops: Any) -> Sizes:
    """Return the sum of `sizes` in each list, plus one."""
    sums = np.concatenate([[0.0], np.cumsum(sizes)])
    found: Sizes = 1.0 + sums[stops] - sums[starts]
    return found


def _integers(array: pa.Array, missing: int = 0) -> Any:
    return array.cast(pa.int64()).fill_null(missing).to_numpy(zero_copy_only=False)
