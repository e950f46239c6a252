"""Conversion of tables: pandas, dicts and Arrow to Arrow IPC files and back.

pyarrow is loaded on first use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from .column_casts import cast_columns
from .errors import InvalidResponse
from .optional import require_pyarrow
from .rows import to_schema, to_table
from .wire.labels import join_labels, read_labels, write_labels

if TYPE_CHECKING:
    import pandas
    import pyarrow

Rows: TypeAlias = (
    "pandas.DataFrame | pyarrow.Table | pyarrow.RecordBatch | Mapping[str, Any]"
    " | Sequence[Mapping[str, Any]]"
)

__all__ = [
    "ARROW",
    "INDEX",
    "Rows",
    "concatenate",
    "decode",
    "encode",
    "to_arrow",
    "to_pandas",
    "to_schema",
]

ARROW = "application/vnd.apache.arrow.file"
INDEX = "__index_level_"


def to_arrow(rows: Rows, schema: pyarrow.Schema | None = None) -> pyarrow.Table:
    """Return rows as an Arrow table, of `schema` if it is given.

    Raises ValueError if columns are missing or unknown, or values do not fit, and TypeError for
    objects that are not rows.
    """
    if schema is None:
        return to_table(rows)
    has_index = _has_index(schema)
    if not has_index:
        _check_index(rows)
    table = to_table(rows, keep_index=has_index)
    # The unnamed index of a DataFrame is dropped where the table has no column for it.
    dropped = [n for n in table.column_names if n.startswith(INDEX) and n not in schema.names]
    table = table.drop_columns(dropped)
    if sorted(table.column_names) != sorted(schema.names):
        raise ValueError(
            f"The rows have the columns {table.column_names}, but the table has {schema.names}."
        )
    return cast_columns(table.select(schema.names), schema)


def _check_index(rows: Rows) -> None:
    """Raise ValueError if a DataFrame has an index that the table has no column for."""
    index: Any = getattr(rows, "index", None)
    if not hasattr(rows, "iloc") or not hasattr(rows, "columns") or not len(rows):
        return
    named = [name for name in getattr(index, "names", ()) if name is not None]
    if named or getattr(index.dtype, "kind", "O") not in "iu":
        raise ValueError(
            f"The rows have the index {named[0] if named else index[:1].tolist()!r}, but the table "
            "stores no index: use reset_index() to make it a column, or reset_index(drop=True)."
        )


def encode(table: pyarrow.Table) -> memoryview:
    """Return the bytes of an Arrow IPC file."""
    pa = require_pyarrow()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return memoryview(sink.getvalue())


def decode(content: bytes) -> pyarrow.Table:
    """Read an Arrow IPC file. Raises InvalidResponse."""
    pa = require_pyarrow()
    try:
        return pa.ipc.open_file(pa.py_buffer(content)).read_all()
    except (pa.ArrowInvalid, OSError) as error:
        raise InvalidResponse(f"The server sent an invalid Arrow file: {error}") from error


def concatenate(tables: Sequence[pyarrow.Table]) -> pyarrow.Table:
    """Return one table of all rows, with their labels if these form one range."""
    if len(tables) == 1:
        return tables[0]
    whole = require_pyarrow().concat_tables(tables)
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


def empty_frame(schema: pyarrow.Schema) -> pandas.DataFrame:
    """Return a DataFrame without rows, as rows of this schema are read."""
    return cast("pandas.DataFrame", schema.empty_table().to_pandas())


def stream(schema: pyarrow.Schema, parts: Iterable[pyarrow.Table]) -> pyarrow.RecordBatchReader:
    """Return a reader of the rows of all parts, each of which is requested when it is read."""
    # Each part has the labels of just its rows in the metadata; a stream has one schema. Servers
    # of Tiled add the index of a DataFrame.
    batches = (
        batch
        for part in parts
        for batch in part.select(schema.names)
        .replace_schema_metadata(schema.metadata)
        .cast(schema)
        .to_batches()
    )
    return require_pyarrow().RecordBatchReader.from_batches(schema, batches)


def narrowest_column(schema: pyarrow.Schema, columns: Sequence[str]) -> list[str] | None:
    """Return the column whose values are smallest, in a list; None if there are no columns."""

    def bits(name: str) -> int:
        kind = schema.field(name).type
        try:
            return int(kind.bit_width)
        except ValueError:  # of a variable width
            return 1 << 16

    return [min(columns, key=bits)] if columns else None


def _has_index(schema: pyarrow.Schema) -> bool:
    """Return whether the table has columns for the index of a DataFrame."""
    index = (schema.pandas_metadata or {}).get("index_columns") or ()
    return any(isinstance(name, str) for name in index)
