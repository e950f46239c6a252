"""Preview of a table: its first rows, read in bounded time however long it is."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

import pyarrow as pa

from ...lookup.embedded import EmbeddedNode
from ...models import Node
from ...storage import tables
from .reading import select_rows, table_structure

# A table that was appended to row by row has a batch for each row.
MAX_BATCHES = 200_000
MAX_SECONDS = 1.0
# External files are read to be counted, some megabytes at a time.
MAX_EXTERNAL_PIECES = 10


@dataclass(frozen=True, slots=True)
class TablePreview:
    """The first rows, the last of the others, and the row count.

    `more` if there are more rows than were counted; then there are no last rows.
    """

    rows: pa.Table
    last: pa.Table
    total: int
    more: bool


def read_preview(node: Node | EmbeddedNode, rows: int) -> TablePreview:
    """Return the first and the last `rows` rows of a table. Raises StorageError."""
    nothing = tables.empty(table_structure(node).schema())
    stored = node.source is not None and not node.source.external
    most = MAX_BATCHES if stored else MAX_EXTERNAL_PIECES
    deadline = time.monotonic() + MAX_SECONDS
    first: list[pa.Table] = []
    last: deque[pa.Table] = deque()
    total, more = 0, False
    for number, piece in enumerate(select_rows(node).pieces(), start=1):
        missing = max(rows - total, 0)
        if missing:
            first.append(piece.slice(0, missing))
        total += piece.num_rows
        _keep_last(last, piece.slice(missing), rows)
        if number >= most or time.monotonic() > deadline:
            more = True
            break
    end = pa.concat_tables([nothing, *([] if more else last)])
    return TablePreview(
        rows=pa.concat_tables(first) if first else nothing,
        last=end.slice(max(end.num_rows - rows, 0)),
        total=total,
        more=more,
    )


def _keep_last(last: deque[pa.Table], piece: pa.Table, rows: int) -> None:
    """Add a piece, and drop those before the last `rows` rows."""
    if piece.num_rows:
        last.append(piece.slice(max(piece.num_rows - rows, 0)))
    while len(last) > 1 and sum(one.num_rows for one in last) - last[0].num_rows >= rows:
        last.popleft()
