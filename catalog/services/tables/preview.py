"""Preview of a table: its first rows, read in bounded time however long it is."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import pyarrow as pa

from ...models import Node
from ...storage import tables
from .reading import iter_tables, table_structure

# A table that was appended to row by row has a batch for each row.
MAX_BATCHES = 10_000
# External files are read to be counted, some megabytes at a time.
MAX_EXTERNAL_PIECES = 10


@dataclass(frozen=True, slots=True)
class TablePreview:
    """The first rows, and the row count; `more` if there are more rows than were counted."""

    rows: pa.Table
    total: int
    more: bool


def read_preview(node: Node, rows: int) -> TablePreview:
    """Return the first `rows` rows of a table. Raises StorageError."""
    schema = table_structure(node).schema()
    most = MAX_EXTERNAL_PIECES if node.source and node.source.external else MAX_BATCHES
    first: list[pa.Table] = []
    total = pieces = 0
    for piece in islice(iter_tables(node), most):
        if total < rows:
            first.append(piece.slice(0, rows - total))
        total += piece.num_rows
        pieces += 1
    preview = pa.concat_tables(first) if first else tables.empty(schema)
    return TablePreview(preview, total, more=pieces == most)
