"""The types that the columns of a table may have."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from pyarrow import types

from ..errors import SchemaMismatch


def check_types(schema: pa.Schema) -> None:
    """Raise SchemaMismatch, which names the column, for types that cannot be kept."""
    for field in schema:
        check_type(field.name, field.type)


def check_type(name: str, kind: pa.DataType) -> None:
    """Raise SchemaMismatch if a column `name` cannot be of the type `kind`."""
    if has_empty_lists(kind):
        raise SchemaMismatch(
            f"The column {name!r} is of type {kind}: a list cannot have the fixed size 0. Give a "
            "size of at least 1, or use lists of any length."
        )


def has_empty_lists(kind: pa.DataType) -> bool:
    """Whether lists of the fixed size 0 are in this type, at any depth.

    Such lists hold nothing, and pyarrow's writer of Parquet ends the process where it meets them.
    """
    return any(
        bool(types.is_fixed_size_list(part)) and part.list_size < 1 for part in parts_of(kind)
    )


def parts_of(kind: pa.DataType) -> Iterator[pa.DataType]:
    """The type itself, and all types that it is made of."""
    pending = [kind]
    while pending:
        part = pending.pop()
        yield part
        pending += [part.field(number).type for number in range(part.num_fields)]
        if types.is_dictionary(part):
            pending.append(part.value_type)
        elif isinstance(part, pa.BaseExtensionType):
            pending.append(part.storage_type)
