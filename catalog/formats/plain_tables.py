"""Tables whose values all have a plain text: for CSV, HTML and spreadsheets.

| values | as |
| --- | --- |
| lists, structs, maps | JSON |
| bytes | a `data:` text, as in JSON |
| durations | whole numbers, in the column's unit |
| of a dictionary, or run-end encoded | the values themselves |
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from tiled_client.wire.plain import data_uri

from ..services.rows import Rows
from .json_pieces import json_of


def plain_rows(rows: Rows) -> Iterator[pa.Table]:
    """The rows, piece by piece, with plain values only."""
    return map(plain_table, rows.pieces())


def plain_table(table: pa.Table) -> pa.Table:
    """The same rows with plain values, without an index that has no name."""
    table = without_unnamed_index(table)
    columns = [_plain(column) for column in table.columns]
    return pa.table(columns, names=table.column_names)


def without_unnamed_index(table: pa.Table) -> pa.Table:
    """The table without the numbers that pandas gives to rows."""
    names = [name for name in table.column_names if name.startswith("__index_level_")]
    return table.drop_columns(names) if names else table


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if types.is_run_end_encoded(kind):
        return _plain(pc.run_end_decode(column))
    if types.is_nested(kind):
        return _as_texts(column, lambda value: json_of(value).decode())
    if is_octets(kind):
        return _as_texts(column, data_uri)
    if types.is_duration(kind):
        return column.cast(pa.int64())
    if types.is_float16(kind):
        return column.cast(pa.float32())
    return column.cast(pa.string()) if types.is_null(kind) else column


def is_octets(kind: pa.DataType) -> bool:
    """Whether it is a type of bytes."""
    kinds = (types.is_binary, types.is_large_binary, types.is_fixed_size_binary)
    return any(bool(is_kind(kind)) for is_kind in (*kinds, types.is_binary_view))


def is_text(kind: pa.DataType) -> bool:
    """Whether it is a type of texts."""
    kinds = (types.is_string, types.is_large_string, types.is_string_view)
    return any(bool(is_kind(kind)) for is_kind in kinds)


def _as_texts(column: pa.ChunkedArray, text: object) -> pa.ChunkedArray:
    assert callable(text)
    texts = [None if value is None else text(value) for value in column.to_pylist()]
    return pa.chunked_array([pa.array(texts, pa.large_string())])
