"""Row labels that pandas has given to the rows of each partition, kept with its schema."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from tiled_client.wire.labels import PANDAS, RowLabels, join_labels, read_labels, write_labels


def with_labels_of(declared: pa.Schema, received: pa.Schema) -> pa.Schema:
    """Return the schema that was declared, with the row labels of rows that have some.

    A table whose index is a column has its labels there.
    """
    labels = read_labels(received.metadata)
    if labels is None or labels == read_labels(declared.metadata):
        return declared
    metadata = declared.metadata or {}
    if PANDAS not in metadata:
        metadata = {**metadata, PANDAS: received.metadata[PANDAS]}
    elif read_labels(metadata) is None:
        return declared
    return declared.with_metadata(write_labels(metadata, labels))


def labelled(table: pa.Table, labels: RowLabels | None) -> pa.Table:
    """Return the table with `labels`, if it has any."""
    metadata = table.schema.metadata
    if labels is None or labels == read_labels(metadata):
        return table
    return table.replace_schema_metadata(write_labels(metadata, labels))


def join_tables(tables: Sequence[pa.Table]) -> pa.Table:
    """Return one table of pieces that follow one another, with their labels where they are a range.

    Otherwise the rows are counted from 0. Raises ArrowInvalid for pieces of different schemas.
    """
    whole = pa.concat_tables(tables)
    if len(tables) < 2 or read_labels(whole.schema.metadata) is None:
        return whole
    found = [read_labels(table.schema.metadata) for table in tables]
    labels = join_labels(found)
    if labels is None or len(labels.labels) != whole.num_rows:
        labels = RowLabels(range(whole.num_rows))
    return labelled(whole, labels)
