"""The first rows of a table, as strings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.text import format_count
from tiled_client.wire.json_columns import column_to_json

from ...models import Node
from ...services.tables.preview import read_preview

MAX_ROWS = 10
MAX_COLUMNS = 40
MAX_TEXT_CHARS = 80
NULL = "null"


@dataclass(frozen=True, slots=True)
class PreviewRows:
    """Column names and rows of strings; `total` counts all rows of the table."""

    columns: list[str]
    rows: list[list[str]]
    total: int
    caption: str


def first_rows(node: Node) -> PreviewRows:
    """Return the first rows of a table. Raises as `read_preview` does."""
    preview = read_preview(node, MAX_ROWS)
    shown = preview.rows.select(range(min(preview.rows.num_columns, MAX_COLUMNS)))
    columns = [column_to_json(column) for column in shown.columns]
    caption = f"{format_count(preview.total, 'row')}{' or more' if preview.more else ''}"
    if preview.total > MAX_ROWS:
        caption += f", the first {MAX_ROWS} shown"
    if preview.rows.num_columns > MAX_COLUMNS:
        caption += f"; {MAX_COLUMNS} of {preview.rows.num_columns} columns"
    return PreviewRows(
        columns=shown.column_names,
        rows=[[_text(value) for value in row] for row in zip(*columns, strict=True)],
        total=preview.total,
        caption=caption,
    )


def _text(value: Any) -> str:
    if value is None:
        return NULL
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= MAX_TEXT_CHARS else text[:MAX_TEXT_CHARS] + "…"
