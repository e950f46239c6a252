"""Conversion of rows to the declared schema of a table."""

from __future__ import annotations

import re

import pyarrow as pa
from pyarrow import types

from ..errors import SchemaMismatch
from .dictionaries import encode
from .kinds import check_type

UNNAMED_INDEX = re.compile(r"__index_level_\d+__")


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the rows of `table` with exactly `schema`, including metadata and column order.

    Columns are found by name. A type may differ if the cast changes no value, such as int32 for
    int64, or large_string for string. A pandas index that is not in the schema is dropped. Raises
    SchemaMismatch, which names the column.
    """
    _check_names(table.schema, schema.names)
    columns = [_fitting(table.column(field.name), field) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def pandas_index(schema: pa.Schema) -> list[str]:
    """Return the columns that contain the index of a pandas DataFrame."""
    try:
        listed = (schema.pandas_metadata or {}).get("index_columns", ())
        # A RangeIndex is described by an object, not by the name of a column.
        named = {name for name in listed if isinstance(name, str)}
    except (ValueError, AttributeError, TypeError):
        # The metadata are untrusted; without them, an index is recognized by its column name.
        named = set()
    return [name for name in schema.names if name in named or UNNAMED_INDEX.fullmatch(name)]


def check_distinct(names: list[str]) -> None:
    """Raise SchemaMismatch if two columns have the same name."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise SchemaMismatch(f"Two columns have the name {name!r}: rename one of them.")
        seen.add(name)


def _check_names(received: pa.Schema, declared: list[str]) -> None:
    found = received.names
    check_distinct(found)
    present = set(found)
    missing = [name for name in declared if name not in present]
    if missing:
        raise SchemaMismatch(
            f"Column {missing[0]!r} is missing. The columns of the table are {', '.join(declared)}."
        )
    wanted = {*declared, *pandas_index(received)}
    extra = [name for name in found if name not in wanted]
    if extra:
        raise SchemaMismatch(
            f"The table has no column {extra[0]!r}. Its columns are {', '.join(declared)}."
        )


def _fitting(column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    if not field.nullable and column.null_count:
        raise SchemaMismatch(f"The column {field.name!r} must not have nulls.")
    if column.type == field.type:
        return column
    check_type(field.name, column.type)
    try:
        fitting = _keeps_values(column.type, field.type)
        cast = _cast(column, field.type) if fitting else None
    except (pa.ArrowException, ValueError) as error:
        raise SchemaMismatch(
            f"The column {field.name!r} is declared as {field.type}; not all values of the "
            f"{column.type} received fit: {error}"
        ) from error
    if cast is None:
        raise SchemaMismatch(
            f"The column {field.name!r} is declared as {field.type}; {column.type} was received."
        )
    return cast


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return encode(column, kind) if types.is_dictionary(kind) else column.cast(kind)


def _keeps_values(source: pa.DataType, target: pa.DataType) -> bool:
    """Return whether a checked cast changes no value (it fails for values that do not fit)."""
    source, target = _plain(source), _plain(target)
    if source == target or types.is_null(source):
        return True
    if types.is_timestamp(source) and types.is_timestamp(target):
        return (source.tz is None) == (target.tz is None)
    if types.is_floating(source) and types.is_floating(target):
        return bool(source.bit_width <= target.bit_width)
    if types.is_integer(source) and types.is_floating(target):
        return True
    if types.is_floating(source) and types.is_integer(target):
        # A motor position may be 1 in the first row and 2.0 later. The cast rejects fractions.
        return True
    if types.is_struct(source) and types.is_struct(target):
        return _same_names(source, target) and _fields_keep_values(source, target)
    if _is_list(source) and _is_list(target):
        return _keeps_values(source.value_type, target.value_type)
    return any(family(source) and family(target) for family in _FAMILIES)


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if types.is_dictionary(kind) else kind


def _same_names(source: pa.DataType, target: pa.DataType) -> bool:
    return [field.name for field in source] == [field.name for field in target]


def _fields_keep_values(source: pa.DataType, target: pa.DataType) -> bool:
    return all(_keeps_values(a.type, b.type) for a, b in zip(source, target, strict=True))


def _is_text(kind: pa.DataType) -> bool:
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_binary(kind: pa.DataType) -> bool:
    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind))


def _is_list(kind: pa.DataType) -> bool:
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


_FAMILIES = (
    types.is_integer,
    types.is_decimal,
    types.is_date,
    types.is_time,
    types.is_duration,
    _is_text,
    _is_binary,
)
