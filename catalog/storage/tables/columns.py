"""Conversion of a table column to an array."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from ..encoding import Array
from ..errors import Unsupported

# Strings are padded to the longest: one long one among many short ones must not fill memory.
MAX_TEXT_BYTES = 1 << 30


def column_array(column: pa.ChunkedArray) -> Array:
    """Convert a column to a one-dimensional array of the nearest numpy dtype.

    Strings and bytes are padded to the longest. A null becomes NaN (integers and booleans become
    float64 then), NaT or an empty string. Times are in UTC; times of day since midnight.
    Raises Unsupported for nested columns, and for strings that would take too much memory.
    """
    kind = column.type
    if types.is_dictionary(kind):
        return column_array(column.cast(kind.value_type))
    if isinstance(kind, pa.BaseExtensionType):
        return column_array(storage_of(column))
    if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind):
        return _numbers(column)
    if types.is_decimal(kind) or types.is_null(kind):
        return _numbers(column.cast(pa.float64()))
    if types.is_timestamp(kind) or types.is_duration(kind) or types.is_date32(kind):
        return _plain(column)
    if types.is_date64(kind):
        return _plain(column.cast(pa.timestamp("ms")))
    if types.is_time(kind):
        ticks = column.cast(pa.int32() if types.is_time32(kind) else pa.int64())
        return _plain(ticks.cast(pa.int64()).cast(pa.duration(kind.unit)))
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return _texts(column.cast(pa.large_string()), pc.utf8_length, "U")
    binary = (types.is_binary, types.is_large_binary, types.is_fixed_size_binary)
    if any(is_kind(kind) for is_kind in (*binary, types.is_binary_view)):
        return _texts(column.cast(pa.large_binary()), pc.binary_length, "S")
    raise Unsupported(f"A column of type {kind} cannot be read as an array: read it as a table.")


def storage_of(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column of an extension type in its storage type."""
    chunks = [chunk.storage for chunk in column.chunks]
    return pa.chunked_array(chunks, column.type.storage_type)


def _numbers(column: pa.ChunkedArray) -> Array:
    if not column.null_count:
        return _plain(column)
    if types.is_boolean(column.type):
        column = column.cast(pa.int8())
    if types.is_integer(column.type):
        column = pc.cast(column, pa.float64(), safe=False)
    return _plain(column)


def _plain(column: pa.ChunkedArray) -> Array:
    return np.ascontiguousarray(column.to_numpy())


def _texts(column: pa.ChunkedArray, length: pc.Function, kind: str) -> Array:
    width = max(pc.max(length(column)).as_py() or 0, 1)
    dtype = np.dtype(f"<{kind}{width}")
    if len(column) * dtype.itemsize > MAX_TEXT_BYTES:
        raise Unsupported(
            f"{len(column)} strings of up to {width} characters are too large for an array: read "
            "the column as a table."
        )
    filled = column.fill_null(b"" if kind == "S" else "")
    return np.asarray(filled.to_numpy(zero_copy_only=False)).astype(dtype)
