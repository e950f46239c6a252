"""Row labels: the pandas index of a partition's rows, stored with its schema."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from tiled_client.wire.labels import PANDAS, RowLabels, join_labels, read_labels, write_labels

from .schemas import UNNAMED_INDEX, pandas_index


def with_labels_of(declared: pa.Schema, rows: Iterable[pa.Table]) -> pa.Schema:
    """Return the declared schema with the row labels of some rows, given as several tables.

    Labels may be in the metadata, or in an additional column of equally spaced numbers, as pandas
    writes them. A table whose index is a declared column has its labels there.
    """
    metadata = declared.metadata or {}
    own = read_labels(metadata)
    if own is None and PANDAS in metadata:
        return declared
    found, origin = _labels_of(rows, declared)
    if found is None or found == own:
        return declared
    metadata = {PANDAS: origin, **metadata}
    return declared.with_metadata(write_labels(metadata, found))


def _labels_of(rows: Iterable[pa.Table], declared: pa.Schema) -> tuple[RowLabels | None, bytes]:
    """Return the labels, and the metadata of the DataFrame that had them."""
    parts: list[RowLabels | None] = []
    origin = b""
    for piece in rows:
        metadata = piece.schema.metadata or {}
        origin = origin or metadata.get(PANDAS, b"")
        whole = read_labels(metadata)
        if whole is not None or PANDAS not in metadata:
            return whole, origin
        parts.append(_in_column(piece, declared))
        if parts[-1] is None:
            break
    return join_labels(parts), origin


def _in_column(piece: pa.Table, declared: pa.Schema) -> RowLabels | None:
    names = [name for name in pandas_index(piece.schema) if name not in declared.names]
    if len(names) != 1 or not pa.types.is_signed_integer(piece.schema.field(names[0]).type):
        return None
    column = piece[names[0]]
    if column.null_count:
        return None
    values = column.to_numpy()
    step = int(values[1] - values[0]) if len(values) > 1 else 1
    if not step or np.any(np.diff(values) != step):
        return None
    start = int(values[0]) if len(values) else 0
    name = None if UNNAMED_INDEX.fullmatch(names[0]) else names[0]
    return RowLabels(range(start, start + len(values) * step, step), name)


def add_labels(table: pa.Table, labels: RowLabels | None) -> pa.Table:
    """Return the table with `labels`, if there are any."""
    metadata = table.schema.metadata
    if labels is None or labels == read_labels(metadata):
        return table
    return table.replace_schema_metadata(write_labels(metadata, labels))


def join_tables(tables: Sequence[pa.Table]) -> pa.Table:
    """Concatenate tables, with their labels if these continue one range.

    Otherwise rows are labelled from 0. Raises ArrowInvalid for different schemas.
    """
    whole = pa.concat_tables(tables)
    if len(tables) < 2 or read_labels(whole.schema.metadata) is None:
        return whole
    found = [read_labels(table.schema.metadata) for table in tables]
    labels = join_labels(found)
    if labels is None or len(labels.labels) != whole.num_rows:
        labels = RowLabels(range(whole.num_rows))
    return add_labels(whole, labels)
