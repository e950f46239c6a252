"""Dictionary columns (pandas' categoricals), in which each batch may have its own dictionary."""

from __future__ import annotations

import pyarrow as pa


def one_dictionary_each(table: pa.Table) -> pa.Table:
    """Return the table with a single dictionary per column."""
    for number, field in enumerate(table.schema):
        if has_dictionary(field.type) and table.column(number).num_chunks > 1:
            table = _unify(table, number, field)
    return table


def combine_chunks(table: pa.Table) -> pa.Table:
    """Return the table in one batch."""
    return one_dictionary_each(table).combine_chunks()


def encode(values: pa.ChunkedArray, kind: pa.DictionaryType) -> pa.ChunkedArray:
    """Encode values in the dictionary type `kind`. Raises ArrowInvalid if its index overflows."""
    chunks = [
        pa.DictionaryArray.from_arrays(
            chunk.indices.cast(kind.index_type), chunk.dictionary, ordered=kind.ordered
        )
        for chunk in values.cast(kind.value_type).dictionary_encode().chunks
    ]
    return pa.chunked_array(chunks, type=kind)


def _unify(table: pa.Table, number: int, field: pa.Field) -> pa.Table:
    column = table.column(number)
    try:
        whole = pa.concat_arrays(column.chunks)
    except pa.ArrowInvalid:
        # The unified dictionary has more entries than the declared index type can count.
        wide = _widen(field.type)
        field = field.with_type(wide)
        whole = pa.concat_arrays([chunk.cast(wide) for chunk in column.chunks])
    return table.set_column(number, field, whole)


def _widen(kind: pa.DataType) -> pa.DataType:
    """Return the type with a 64-bit index for each dictionary in it, at any depth."""
    if pa.types.is_dictionary(kind):
        return pa.dictionary(pa.int64(), kind.value_type, kind.ordered)
    if not kind.num_fields:
        return kind
    fields = [kind.field(n).with_type(_widen(kind.field(n).type)) for n in range(kind.num_fields)]
    if pa.types.is_struct(kind):
        return pa.struct(fields)
    if pa.types.is_map(kind):
        key, item = fields[0].type
        return pa.map_(key, item, keys_sorted=kind.keys_sorted)
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(fields[0], kind.list_size)
    return pa.large_list(fields[0]) if pa.types.is_large_list(kind) else pa.list_(fields[0])


def has_dictionary(kind: pa.DataType) -> bool:
    """Return whether this type contains a dictionary, at any depth."""
    return pa.types.is_dictionary(kind) or any(
        has_dictionary(kind.field(number).type) for number in range(kind.num_fields)
    )
