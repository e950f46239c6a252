"""Tables with values that have a text form, for CSV, HTML and spreadsheets.

| values | as |
| --- | --- |
| lists, structs, maps, unions, intervals | JSON |
| bytes | a `data:` URI, as in JSON |
| durations | integers, in the column's unit |
| times outside the range or precision of Python | ISO 8601, in UTC |
| extension types | their storage type |
| dictionary or run-end encoded | decoded values |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from tiled_client.wire.json_columns import column_to_json
from tiled_client.wire.json_values import data_uri

from ..services.tables.reading import RowSelection
from ..storage.tables import storage_of
from .json_pieces import json_of
from .shared_values import bounded_slices


def text_rows(rows: RowSelection) -> Iterator[pa.Table]:
    """Yield the rows with values that have a text form."""
    return map(text_table, bounded_slices(rows.pieces()))


def text_table(table: pa.Table) -> pa.Table:
    """Return the rows with values that have a text form, without an unnamed index."""
    table = without_unnamed_index(table)
    columns = [_as_text_column(column) for column in table.columns]
    return pa.table(columns, names=table.column_names)


def without_unnamed_index(table: pa.Table) -> pa.Table:
    """Return the table without the default row numbers of pandas."""
    names = [name for name in table.column_names if name.startswith("__index_level_")]
    return table.drop_columns(names) if names else table


def _as_text_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if types.is_dictionary(kind):
        return _as_text_column(column.cast(kind.value_type))
    if types.is_run_end_encoded(kind):
        return _as_text_column(pc.run_end_decode(column))
    if isinstance(kind, pa.BaseExtensionType):
        return _as_text_column(storage_of(column))
    if types.is_nested(kind) or types.is_interval(kind):
        return _as_texts(column_to_json(column), lambda value: json_of(value).decode())
    if (types.is_temporal(kind) and not types.is_duration(kind)) and not _has_json_form(column):
        return _as_texts(column_to_json(column), str)
    if is_binary(kind):
        return _as_texts(column.to_pylist(), data_uri)
    if types.is_duration(kind):
        return column.cast(pa.int64())
    if types.is_float16(kind):
        return column.cast(pa.float32())
    return column.cast(pa.string()) if types.is_null(kind) else column


def is_binary(kind: pa.DataType) -> bool:
    """Return whether a type is binary."""
    kinds = (types.is_binary, types.is_large_binary, types.is_fixed_size_binary)
    return any(bool(is_kind(kind)) for is_kind in (*kinds, types.is_binary_view))


def is_text(kind: pa.DataType) -> bool:
    """Return whether a type is a string type."""
    kinds = (types.is_string, types.is_large_string, types.is_string_view)
    return any(bool(is_kind(kind)) for is_kind in kinds)


def _has_json_form(column: pa.ChunkedArray) -> bool:
    """Return whether Python's types, and so most programs, represent these times exactly."""
    extremes = pc.min_max(column.combine_chunks())
    try:
        for extreme in extremes.values():
            value = extreme.as_py()
            if hasattr(value, "utcoffset"):
                value.utcoffset()
    except (ValueError, OverflowError, KeyError, pa.ArrowException):
        return False
    if not (types.is_time64(column.type) and column.type.unit == "ns"):
        return True
    counts = column.cast(pa.int64())
    return bool(
        pc.all(pc.equal(pc.multiply(pc.divide(counts, 1000), 1000), counts)).as_py() in (True, None)
    )


def _as_texts(values: Sequence[Any], text: Callable[[Any], str]) -> pa.ChunkedArray:
    texts = [None if value is None else text(value) for value in values]
    return pa.chunked_array([pa.array(texts, pa.large_string())])
