"""The beginning of a table, for a person to look at: however long it is, little of it is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa

from access.errors import NotSupported

from ..models import Node
from ..storage import tables
from .stores import stored_file
from .tables import table_structure

# A table that was appended to row by row has a batch for each row.
MOST_BATCHES = 10_000


@dataclass(frozen=True, slots=True)
class Head:
    """The first rows, and how many there are in all; `more` if there are more than were counted."""

    rows: pa.Table
    total: int
    more: bool


def read_head(node: Node, rows: int) -> Head:
    """The first `rows` rows of a table. Raises NotSupported (files of others), StorageError."""
    schema = table_structure(node).schema()
    first: list[pa.RecordBatch] = []
    total = batches = 0
    for batch in islice(_batches(node), MOST_BATCHES):
        if total < rows:
            first.append(batch.slice(0, rows - total))
        total += batch.num_rows
        batches += 1
    head = pa.Table.from_batches(first) if first else schema.empty_table()
    return Head(head, total, more=batches == MOST_BATCHES)


def _batches(node: Node) -> Iterator[pa.RecordBatch]:
    source = node.source
    if source is None or source.external:
        raise NotSupported("Tables in files of others cannot be read.")
    for asset in source.wire_assets():
        yield from tables.iter_batches(stored_file(node.uuid, asset.data_uri), asset.size or 0)
