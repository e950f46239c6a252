"""Conversion of rows that a user passes to Arrow tables, and of schemas.

Accepted are DataFrames, Arrow tables and what implements the Arrow C stream protocol, mappings of
columns, a mapping of scalars (one row), lists of mappings (rows) and structured arrays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from .optional import require_pyarrow

if TYPE_CHECKING:
    import pyarrow

# pyarrow's names of types lack this one.
_TIMESTAMP = re.compile(r"timestamp\[(s|ms|us|ns), tz=(.+)\]")


def to_table(rows: Any, *, keep_index: bool | None = None) -> pyarrow.Table:
    """Return rows as an Arrow table, with types by their values.

    Parameters
    ----------
    rows
        The rows.
    keep_index
        Whether to store the index of a DataFrame; by default unless it is a range of integers.

    Raises
    ------
    TypeError
        For objects that are not rows, and names of columns that are not strings.
    ValueError
        For columns of different lengths, and values without an Arrow type.
    """
    pa = require_pyarrow()
    if isinstance(rows, pa.Table):
        return rows
    if isinstance(rows, pa.RecordBatch):
        return pa.Table.from_batches([rows])
    if hasattr(rows, "iloc"):
        return _from_frame(rows, keep_index)
    if isinstance(rows, Mapping):
        return _from_columns(rows)
    if isinstance(rows, np.ndarray) and rows.dtype.names:
        return _from_columns({name: rows[name] for name in rows.dtype.names})
    if isinstance(rows, (list, tuple)) and rows and all(isinstance(r, Mapping) for r in rows):
        return _from_columns(_transposed(rows))
    if hasattr(rows, "read_arrow"):  # another table on a server
        return rows.read_arrow()
    if hasattr(rows, "__arrow_c_stream__") and not isinstance(rows, (pa.Array, pa.ChunkedArray)):
        return pa.table(rows)
    raise TypeError(
        f"rows must be a DataFrame, a mapping of columns, a list of mappings or an Arrow table, "
        f"not a {type(rows).__name__}"
    )


def to_schema(schema: Any) -> pyarrow.Schema:
    """Return an Arrow schema, also of a table, or from a mapping of names to types.

    Types are numpy or Arrow types, or their names. Raises TypeError, ValueError.
    """
    pa = require_pyarrow()
    if isinstance(schema, pa.Schema):
        return schema
    if hasattr(schema, "iloc") or isinstance(schema, (pa.Table, pa.RecordBatch)):
        return to_table(schema, keep_index=False).schema
    if not isinstance(schema, Mapping):
        raise TypeError(
            f"schema must be an Arrow schema, or a mapping such as {{'time': 'float64'}}, "
            f"not {schema!r}"
        )
    _check_names(schema)
    return pa.schema([(name, _arrow_type(name, kind)) for name, kind in schema.items()])


def _arrow_type(name: str, kind: Any) -> pyarrow.DataType:
    pa = require_pyarrow()
    if isinstance(kind, pa.DataType):
        return kind
    if kind is str:
        return pa.string()
    if isinstance(kind, str):
        if match := _TIMESTAMP.fullmatch(kind):
            return pa.timestamp(*match.groups())
        with suppress(ValueError):
            return pa.type_for_alias(kind)
    if isinstance(kind, (str, type, np.dtype)) and kind is not datetime:
        with suppress(ValueError, TypeError, NotImplementedError):
            return pa.from_numpy_dtype(np.dtype(kind))
    raise ValueError(
        f"The column {name!r} cannot have the type {kind!r}: use a numpy dtype such as 'float64', "
        "or an Arrow type such as 'string' or 'timestamp[us, tz=UTC]'."
    )


def _from_frame(frame: Any, keep_index: bool | None) -> pyarrow.Table:
    pa = require_pyarrow()
    if not hasattr(frame, "columns"):
        raise TypeError(
            "a Series is not a table: use series.to_frame() for a column, or frame.iloc[[0]], with "
            "two brackets, for a row"
        )
    if not len(frame.columns):
        raise ValueError("The rows have no columns.")
    try:
        table = pa.Table.from_pandas(frame, preserve_index=keep_index)
    except (pa.ArrowException, OverflowError) as error:
        raise ValueError(f"The rows cannot be stored: {_text(error)}.") from error
    for position, name in enumerate(frame.columns):
        kind, is_object = table.column(position).type, frame.dtypes.iloc[position].kind == "O"
        if is_object and (pa.types.is_timestamp(kind) or pa.types.is_binary(kind)):
            column = _column(str(name), frame.iloc[:, position].tolist(), from_pandas=True)
            if column.type != kind:
                table = table.set_column(position, table.field(position).name, column)
    return table


def _from_columns(rows: Mapping[Any, Any]) -> pyarrow.Table:
    pa = require_pyarrow()
    _check_names(rows)
    scalars = [name for name, values in rows.items() if _is_scalar(values)]
    if len(scalars) == len(rows):
        rows = {name: [value] for name, value in rows.items()}
    elif scalars:
        value = rows[scalars[0]]
        raise ValueError(
            f"The column {scalars[0]!r} is {value!r}, but other columns are lists: write "
            f"[{value!r}], or one value for each row."
        )
    columns = {name: _column(name, values) for name, values in rows.items()}
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name!r} has {length}" for name, length in lengths.items())
        raise ValueError(f"The columns differ in their number of rows: {listed}.")
    return pa.table(columns)


def _transposed(rows: Any) -> dict[Any, list[Any]]:
    names = list(rows[0])
    for number, row in enumerate(rows):
        if set(row) != set(names):
            raise ValueError(
                f"Row {number} has the columns {list(row)}, but row 0 has {names}: write None for "
                "a missing value."
            )
    return {name: [row[name] for row in rows] for name in names}


def _check_names(columns: Mapping[Any, Any]) -> None:
    if not columns:
        raise ValueError("The rows have no columns.")
    for name in columns:
        if not isinstance(name, str):
            raise TypeError(f"names of columns must be strings, not {name!r}")


def _is_scalar(value: Any) -> bool:
    if isinstance(value, (str, bytes, Mapping)) or getattr(value, "ndim", None) == 0:
        return True
    return not (hasattr(value, "__len__") or hasattr(value, "__iter__"))


def _column(name: str, values: Any, *, from_pandas: bool = False) -> Any:
    """Return one column. Raises ValueError or TypeError, with its name."""
    pa = require_pyarrow()
    if isinstance(values, Set):
        raise TypeError(f"The column {name!r} is a set, which has no order: pass a list.")
    if getattr(values, "ndim", 1) > 1:
        raise ValueError(
            f"The column {name!r} has {values.ndim} dimensions: pass list(values) for a column of "
            "lists, or store it with write_array."
        )
    if isinstance(values, Iterator):
        values = list(values)
    if not isinstance(values, np.ndarray) and hasattr(values, "read"):
        values = np.asarray(values)  # an array on a server
    try:
        column = pa.array(values, from_pandas=from_pandas or None)
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        raise ValueError(f"The column {name!r} cannot be stored: {_text(error)}.") from error
    return _checked(name, values, column) if isinstance(values, (list, tuple)) else column


def _checked(name: str, values: Any, column: Any) -> Any:
    """Return the column of a list, which Arrow may have converted to other values."""
    pa = require_pyarrow()
    if pa.types.is_binary(column.type) and any(isinstance(value, str) for value in values):
        raise ValueError(
            f"The column {name!r} has both str and bytes: convert its values to one type."
        )
    if pa.types.is_timestamp(column.type) and any(getattr(v, "nanosecond", 0) for v in values):
        # Arrow selects microseconds for all Python objects.
        return pa.array(values, pa.timestamp("ns", column.type.tz))
    return column


def _text(error: BaseException) -> str:
    if isinstance(error, OverflowError):
        return "an integer does not fit into 64 bits"
    if isinstance(error, UnicodeError):
        return str(error)
    # Arrow raises some errors with the text in a tuple.
    return ". ".join(str(part).rstrip(".") for part in error.args)
