"""Column types of stored tables: those whose values can be read back.

| rejected | reason |
| --- | --- |
| lists of the fixed size 0 | pyarrow crashes when it writes them to Parquet |
| dictionaries of nested, extension or view types, or of dictionaries | Arrow cannot join them |
| structs with two fields of the same name | JSON and most readers cannot represent them |
| dictionaries in list views, unions, run-end encoded values | their index cannot be widened |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa
from pyarrow import types

from ..errors import SchemaMismatch


def check_types(schema: pa.Schema) -> None:
    """Raise SchemaMismatch for the first column of a type that cannot be read back."""
    for field in schema:
        check_type(field.name, field.type)


def check_type(name: str, kind: pa.DataType) -> None:
    """Raise SchemaMismatch if a column `name` cannot be of the type `kind`."""
    for refused, why in _REFUSED:
        if refused(kind):
            raise SchemaMismatch(f"Column {name!r} has type {kind}: {why}")


def empty(schema: pa.Schema) -> pa.Table:
    """Return a table without rows, also for types that pyarrow's `empty_table` lacks."""
    return pa.Table.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)


def has_empty_lists(kind: pa.DataType) -> bool:
    """Return whether this type contains lists of the fixed size 0, at any depth."""
    return any(
        bool(types.is_fixed_size_list(part)) and part.list_size < 1 for part in parts_of(kind)
    )


def parts_of(kind: pa.DataType) -> Iterator[pa.DataType]:
    """Yield the type and all types in it."""
    pending = [kind]
    while pending:
        part = pending.pop()
        yield part
        pending += _inner(part)


def _inner(kind: pa.DataType) -> list[pa.DataType]:
    if types.is_dictionary(kind):
        return [kind.value_type]
    if isinstance(kind, pa.BaseExtensionType):
        return [kind.storage_type]
    return [kind.field(number).type for number in range(kind.num_fields)]


def _has_odd_dictionary(kind: pa.DataType) -> bool:
    return any(
        bool(types.is_dictionary(part)) and (_is_view(part.value_type) or _inner(part.value_type))
        for part in parts_of(kind)
    )


def _has_twins(kind: pa.DataType) -> bool:
    """Return whether a struct in this type has two fields of one name."""
    return any(
        bool(types.is_struct(part)) and len({field.name for field in part}) < part.num_fields
        for part in parts_of(kind)
    )


def _is_view(kind: pa.DataType) -> bool:
    return bool(types.is_string_view(kind) or types.is_binary_view(kind))


def _has_rigid_dictionary(kind: pa.DataType) -> bool:
    return any(
        _is_rigid(part) and any(bool(types.is_dictionary(inner)) for inner in parts_of(part))
        for part in parts_of(kind)
    )


def _is_rigid(kind: pa.DataType) -> bool:
    """Return whether pyarrow cannot cast dictionaries in this type to another index type."""
    kinds = (
        types.is_list_view,
        types.is_large_list_view,
        types.is_union,
        types.is_run_end_encoded,
    )
    return any(bool(is_kind(kind)) for is_kind in kinds)


_REFUSED: tuple[tuple[Callable[[pa.DataType], bool], str], ...] = (
    (
        has_empty_lists,
        "a list cannot have the fixed size 0. Give a size of at least 1, or use lists of any "
        "length.",
    ),
    (_has_twins, "two fields of a struct have the same name. Rename one of them."),
    (
        _has_odd_dictionary,
        "dictionary values must have a simple type, such as string or int64. Send the "
        "values themselves.",
    ),
    (
        _has_rigid_dictionary,
        "dictionaries in list views, unions or run-end encoded values are not supported. Send the "
        "values themselves, or use lists.",
    ),
)
