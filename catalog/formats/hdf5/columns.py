"""Table columns as HDF5 datasets, appended table by table.

| column | dataset |
| --- | --- |
| integers, booleans | unchanged; float64 with NaN if there are nulls |
| strings | UTF-8; nulls are empty |
| bytes | variable-length arrays of bytes |
| lists of numbers | variable-length arrays |
| other nested values | JSON |
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import chain, islice
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from tiled_client.wire.json_columns import column_to_json

from ...services.tables.reading import RowSelection
from ...storage.tables import column_array, empty, storage_of
from ..json_pieces import json_of
from ..shared_values import bounded_slices, unshared_size
from ..text_tables import is_binary, is_text
from .values import TEXT, dataset_dtype, dataset_values, link_name, write_units

Array = np.ndarray[Any, Any]

# A chunk of each column takes its full size on disk, however few rows there are.
ROWS_PER_CHUNK = range(1024, 16_384 + 1)


def write_columns(group: Any, rows: RowSelection, count: Callable[[int], None]) -> None:
    """Write a dataset for each column; call `count` with the bytes before writing them."""
    gaps = _with_gaps(rows)
    pieces = bounded_slices(rows.pieces())
    first = [*islice(pieces, 1)]
    fitting = first[0].num_rows if first else 0
    chunk = min(max(fitting, ROWS_PER_CHUNK[0]), ROWS_PER_CHUNK[-1])
    _append(group, empty(rows.schema), gaps, chunk)
    for piece in chain(first, pieces):
        count(unshared_size(piece))
        _append(group, piece, gaps, chunk)


def _append(group: Any, piece: pa.Table, gaps: Collection[str], chunk: int) -> None:
    for name in piece.column_names:
        values, dtype = _values(piece[name], name in gaps)
        found = group.get(link_name(name))
        dataset = _new_column(group, name, values, dtype, chunk) if found is None else found
        before = len(dataset)
        dataset.resize((before + len(values),))
        dataset[before:] = values


def _new_column(group: Any, name: str, values: Array, dtype: np.dtype[Any], chunk: int) -> Any:
    stored = values.dtype if values.dtype.kind == "O" else dataset_dtype(values.dtype)
    dataset = group.create_dataset(
        link_name(name), (0,), dtype=stored, maxshape=(None,), chunks=(chunk,)
    )
    write_units(dataset, dtype)
    return dataset


def _values(column: pa.ChunkedArray, gaps: bool) -> tuple[Array, np.dtype[Any]]:
    """Return the elements to store, and their logical dtype."""
    kind = column.type
    if types.is_dictionary(kind):
        return _values(column.cast(kind.value_type), gaps)
    if types.is_run_end_encoded(kind):
        return _values(pc.run_end_decode(column), gaps)
    if isinstance(kind, pa.BaseExtensionType):
        return _values(storage_of(column), gaps)
    if is_text(kind):
        return _objects(column.fill_null(""), TEXT), TEXT
    if is_binary(kind):
        octets = [np.frombuffer(value or b"", np.uint8) for value in column.to_pylist()]
        return _fill_gaps(octets, h5py.vlen_dtype(np.uint8)), np.dtype(object)
    if types.is_nested(kind) or types.is_interval(kind):
        return _nested(column), np.dtype(object)
    if gaps:
        column = pc.cast(
            column.cast(pa.int8()) if types.is_boolean(kind) else column, pa.float64(), safe=False
        )
    array = column_array(column)
    return dataset_values(array), array.dtype


def _nested(column: pa.ChunkedArray) -> Array:
    numbers = _numbers_in_lists(column.type)
    if numbers is None:
        texts = [json_of(value).decode() for value in column_to_json(column)]
        return _fill_gaps(texts, TEXT)
    lists = [np.array([] if value is None else value, numbers) for value in column.to_pylist()]
    return _fill_gaps(lists, h5py.vlen_dtype(numbers))


def _numbers_in_lists(kind: pa.DataType) -> np.dtype[Any] | None:
    if not (types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)):
        return None
    inner = kind.value_type
    if types.is_floating(inner):
        return np.dtype(str(inner.to_pandas_dtype().__name__))
    # A list may contain nulls, which become NaN.
    return np.dtype(np.float64) if types.is_integer(inner) else None


def _objects(column: pa.ChunkedArray, dtype: np.dtype[Any]) -> Array:
    return _fill_gaps(column.to_pylist(), dtype)


def _fill_gaps(values: list[Any], dtype: np.dtype[Any]) -> Array:
    array = np.empty(len(values), dtype)
    for number, value in enumerate(values):
        array[number] = value
    return array


def _with_gaps(rows: RowSelection) -> set[str]:
    """Return the columns of integers or booleans that contain nulls."""
    exact = [
        field.name
        for field in rows.schema
        if types.is_integer(field.type) or types.is_boolean(field.type)
    ]
    if not exact:
        return set()
    return {name for piece in rows.pieces() for name in exact if piece[name].null_count}
