"""Conversion of tables: pandas, dicts and Arrow to Arrow IPC files and back.

pyarrow is loaded on first use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from .casting import check_columns
from .errors import InvalidResponse
from .wire.labels import join_labels, read_labels, write_labels

if TYPE_CHECKING:
    import pandas
    import pyarrow

Rows: TypeAlias = "pandas.DataFrame | pyarrow.Table | pyarrow.RecordBatch | Mapping[str, Any]"

ARROW = "application/vnd.apache.arrow.file"
INDEX = "__index_level_"


def to_arrow(rows: Rows, schema: pyarrow.Schema | None = None) -> pyarrow.Table:
    """Return rows as an Arrow table, of `schema` if it is given.

    Raises ValueError if columns are missing or unknown, or values do not fit.
    """
    pa = _pyarrow()
    if schema is None:
        return _plain_table(rows)
    table = _plain_table(rows, keep_index=_has_index(schema))
    # The unnamed index of a DataFrame is dropped where the table has no column for it.
    dropped = [n for n in table.column_names if n.startswith(INDEX) and n not in schema.names]
    table = table.drop_columns(dropped)
    if set(table.column_names) != set(schema.names):
        raise ValueError(
            f"The rows have the columns {table.column_names}, but the table has {schema.names}."
        )
    try:
        table = table.select(schema.names)
        cast = table.cast(schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ValueError(f"The rows do not fit the table's columns: {error}") from error
    check_columns(table, cast)
    return cast


def to_schema(schema: pyarrow.Schema | Mapping[str, Any]) -> pyarrow.Schema:
    """Return an Arrow schema, also from a mapping of column names to numpy or Arrow types."""
    pa = _pyarrow()
    if isinstance(schema, pa.Schema):
        return schema
    return pa.schema([(name, _arrow_type(kind)) for name, kind in schema.items()])


def encode(table: pyarrow.Table) -> memoryview:
    """Return the bytes of an Arrow IPC file."""
    pa = _pyarrow()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return memoryview(sink.getvalue())


def decode(content: bytes) -> pyarrow.Table:
    """Read an Arrow IPC file. Raises InvalidResponse."""
    pa = _pyarrow()
    try:
        return pa.ipc.open_file(pa.py_buffer(content)).read_all()
    except (pa.ArrowInvalid, OSError) as error:
        raise InvalidResponse(f"The server sent an invalid Arrow file: {error}") from error


def concatenate(tables: Sequence[pyarrow.Table]) -> pyarrow.Table:
    """Return one table of all rows, with their labels if these form one range."""
    if len(tables) == 1:
        return tables[0]
    whole = _pyarrow().concat_tables(tables)
    labels = join_labels(read_labels(table.schema.metadata) for table in tables)
    if labels is None:
        return whole
    metadata = next(table.schema.metadata for table in tables if table.num_rows)
    return whole.replace_schema_metadata(write_labels(metadata, labels))


def to_pandas(tables: Sequence[pyarrow.Table]) -> pandas.DataFrame:
    """Return one DataFrame of all rows, each with the label that it was written with."""
    found = [read_labels(table.schema.metadata) for table in tables]
    if len(tables) == 1 or not any(found) or join_labels(found) is not None:
        return cast("pandas.DataFrame", concatenate(tables).to_pandas())
    import pandas

    parts = [table.to_pandas() for table in tables if table.num_rows]
    return cast("pandas.DataFrame", pandas.concat(parts or [tables[0].to_pandas()]))


def _plain_table(rows: Rows, *, keep_index: bool | None = None) -> pyarrow.Table:
    pa = _pyarrow()
    if isinstance(rows, pa.Table):
        return rows
    if isinstance(rows, pa.RecordBatch):
        return pa.Table.from_batches([rows])
    if isinstance(rows, Mapping):
        return pa.table({name: pa.array(values) for name, values in rows.items()})
    return pa.Table.from_pandas(rows, preserve_index=keep_index)


def _has_index(schema: pyarrow.Schema) -> bool:
    """Return whether the table has columns for the index of a DataFrame."""
    index = (schema.pandas_metadata or {}).get("index_columns") or ()
    return any(isinstance(name, str) for name in index)


def _arrow_type(kind: Any) -> pyarrow.DataType:
    import numpy as np

    pa = _pyarrow()
    if isinstance(kind, pa.DataType):
        return kind
    return pa.string() if kind is str else pa.from_numpy_dtype(np.dtype(kind))


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.ipc
    except ImportError as error:
        raise ImportError(
            'Tables need pandas and pyarrow: pip install "tiled-client[tables]"'
        ) from error
    return pyarrow
