"""The first rows of a table, as texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.text import count_text
from tiled_client.wire.json_columns import column_to_json

from ...models import Node
from ...services.tables.preview import read_head

MOST_ROWS = 10
MOST_COLUMNS = 40
MOST_TEXT = 80
NULL = "null"


@dataclass(frozen=True, slots=True)
class Rows:
    """Names of columns and rows of texts; `total` counts all rows of the table."""

    columns: list[str]
    rows: list[list[str]]
    total: int
    caption: str


def first_rows(node: Node) -> Rows:
    """The beginning of a table. Raises as `read_head` does."""
    head = read_head(node, MOST_ROWS)
    shown = head.rows.select(range(min(head.rows.num_columns, MOST_COLUMNS)))
    columns = [column_to_json(column) for column in shown.columns]
    caption = f"{count_text(head.total, 'row')}{' or more' if head.more else ''}"
    if head.total > MOST_ROWS:
        caption += f", the first {MOST_ROWS} shown"
    if head.rows.num_columns > MOST_COLUMNS:
        caption += f"; {MOST_COLUMNS} of {head.rows.num_columns} columns"
    return Rows(
        columns=shown.column_names,
        rows=[[_text(value) for value in row] for row in zip(*columns, strict=True)],
        total=head.total,
        caption=caption,
    )


def _text(value: Any) -> str:
    if value is None:
        return NULL
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + "…"
