"""Ragged arrays on disk: rows as lists in Arrow, in the files of a table with one column.

| dimension | in Arrow |
| --- | --- |
| varies from row to row | large list |
| of fixed size | fixed-size list; a large list where the size is 0 |
| elements | numbers; complex numbers as pairs |
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from tiled_client.wire.ragged import RaggedStructure, Shape

from .encoding import Array
from .errors import SchemaMismatch

MIMETYPE = "application/x-ragged+sql"
"""Tiled's name for storage that can append. It is not SQL here, but appending works."""
COLUMN = "rows"
KINDS = "biufc"
MAX_ITEM_BYTES = 16

# Values may be cast to a kind of the same rank or a higher one.
_RANKS = {"b": 0, "i": 1, "u": 1, "f": 2, "c": 3}
_HALVES = {8: np.float32, 16: np.float64}


def schema(structure: RaggedStructure) -> pa.Schema:
    """Return the schema of the files of such an array."""
    kind = unwritten_rows(0, structure).type
    return pa.schema([pa.field(COLUMN, kind, nullable=False)])


def as_table(rows: pa.Array, structure: RaggedStructure) -> pa.Table:
    """Return rows as the table to store."""
    return pa.Table.from_arrays([rows], schema=schema(structure))


def check_dtype(structure: RaggedStructure) -> None:
    """Raise SchemaMismatch for a dtype that cannot be stored."""
    dtype = structure.dtype
    if dtype.kind not in KINDS or dtype.itemsize > MAX_ITEM_BYTES or dtype.char in "gG":
        raise SchemaMismatch(f"A ragged array holds numbers or booleans, not {dtype}.")


def unwritten_rows(count: int, structure: RaggedStructure) -> pa.Array:
    """Return rows for those never written: variable dimensions empty, fixed ones zeros."""
    return _unwritten(count, structure.shape[1:], structure.dtype)


def elements(rows: pa.Array, structure: RaggedStructure) -> int:
    """Return how many elements these rows have."""
    for _ in structure.shape[1:]:
        rows = rows.flatten()
    return len(rows)


def to_arrow(array: Any, structure: RaggedStructure, *, exact: bool = True) -> pa.Array:
    """Return the rows of an `awkward.Array`, in the dtype and with the dimensions of the structure.

    Raises SchemaMismatch where they do not fit; if `exact`, also where a value would change.
    """
    return _to_arrow(array.layout, structure.shape[1:], structure.dtype, exact)


def to_awkward(rows: pa.Array, structure: RaggedStructure) -> Any:
    """Return rows as an `awkward.Array`."""
    import awkward

    return awkward.Array(_to_awkward(rows, structure.shape[1:], structure.dtype))


def _unwritten(count: int, inner: Shape, dtype: np.dtype[Any]) -> pa.Array:
    if not inner:
        return _numbers(np.zeros(count, dtype.newbyteorder("=")))
    size, *rest = inner
    if size:
        content = _unwritten(count * size, tuple(rest), dtype)
        return pa.FixedSizeListArray.from_arrays(content, size)
    content = _unwritten(0, tuple(rest), dtype)
    return pa.LargeListArray.from_arrays(np.zeros(count + 1, np.int64), content)


def _to_arrow(layout: Any, inner: Shape, dtype: np.dtype[Any], exact: bool) -> pa.Array:
    import awkward

    if isinstance(layout, awkward.contents.NumpyArray) and layout.data.ndim > 1:
        layout = layout.to_RegularArray()
    if layout.parameter("__array__") is not None:
        raise SchemaMismatch("A ragged array holds numbers, not strings.")
    if isinstance(layout, awkward.contents.EmptyArray):
        return _unwritten(0, inner, dtype)
    if not inner:
        return _numbers(_cast(_leaf(layout), dtype, exact))
    if not isinstance(layout, awkward.contents.Content) or not layout.is_list:
        raise SchemaMismatch(
            f"{_kind(layout)} was sent where the ragged array has {len(inner)} more dimensions."
        )
    return _lists(layout.to_ListOffsetArray64(True), inner, dtype, exact)


def _lists(layout: Any, inner: Shape, dtype: np.dtype[Any], exact: bool) -> pa.Array:
    offsets = np.asarray(layout.offsets)
    content = _to_arrow(layout.content[: offsets[-1]], inner[1:], dtype, exact)
    size = inner[0]
    if size is not None and (np.diff(offsets) != size).any():
        raise SchemaMismatch(f"A row does not have {size} items in a dimension of that fixed size.")
    if size:
        return pa.FixedSizeListArray.from_arrays(content, size)
    return pa.LargeListArray.from_arrays(pa.array(offsets), content)


def _leaf(layout: Any) -> Array:
    import awkward

    if not isinstance(layout, awkward.contents.NumpyArray):
        raise SchemaMismatch(f"{_kind(layout)} was sent where the ragged array has numbers.")
    return np.asarray(layout.data)


def _kind(layout: Any) -> str:
    if layout.is_option:
        return "A missing value (null)"
    if layout.is_record:
        return "A record"
    if layout.is_union:
        return "A value of a union type"
    return "A list" if layout.is_list else "A number"


def _cast(values: Array, dtype: np.dtype[Any], exact: bool) -> Array:
    native = dtype.newbyteorder("=")
    if values.dtype == native:
        return values
    if values.dtype.kind not in KINDS:
        raise SchemaMismatch(f"A ragged array holds numbers, not {values.dtype}.")
    kinds_fit = _RANKS[values.dtype.kind] <= _RANKS[native.kind] or not values.size
    with np.errstate(over="ignore", invalid="ignore"):
        cast = values.astype(native)
    kept = not exact and native.kind in "fc"
    if not kinds_fit or not (kept or np.array_equal(cast, values, equal_nan=native.kind in "fc")):
        raise SchemaMismatch(f"Values of dtype {values.dtype} do not fit into {native} unchanged.")
    return cast


def _numbers(values: Array) -> pa.Array:
    if values.dtype.kind != "c":
        return pa.array(values)
    halves = np.ascontiguousarray(values).view(_HALVES[values.itemsize])
    return pa.FixedSizeListArray.from_arrays(pa.array(halves), 2)


def _to_awkward(rows: pa.Array, inner: Shape, dtype: np.dtype[Any]) -> Any:
    from awkward.contents import ListOffsetArray, NumpyArray, RegularArray
    from awkward.index import Index64

    if not inner:
        return NumpyArray(_to_numpy(rows, dtype))
    size, rest = inner[0], inner[1:]
    if size:
        return RegularArray(_to_awkward(rows.flatten(), rest, dtype), size, len(rows))
    content = _to_awkward(rows.flatten(), rest, dtype)
    if size == 0:
        return RegularArray(content, 0, len(rows))
    offsets = rows.offsets.to_numpy()
    return ListOffsetArray(Index64(offsets - offsets[0]), content)


def _to_numpy(rows: pa.Array, dtype: np.dtype[Any]) -> Array:
    native = dtype.newbyteorder("=")
    if native.kind == "c":
        return np.asarray(rows.flatten().to_numpy()).view(native)
    return np.asarray(rows.to_numpy(zero_copy_only=False), native)
