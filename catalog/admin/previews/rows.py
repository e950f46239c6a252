"""The first rows of a table, as strings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from core.text import format_count
from tiled_client.wire.json_columns import column_to_json

from ...lookup.embedded import EmbeddedNode
from ...models import Node
from ...services.tables.preview import read_preview

MAX_ROWS = 10
MAX_COLUMNS = 40
MAX_TEXT_CHARS = 80
NULL = "null"


@dataclass(frozen=True, slots=True)
class PreviewRows:
    """Column names and rows of strings; `total` counts all rows of the table.

    `last` are the last rows of those after `rows`.
    """

    columns: list[str]
    rows: list[list[str]]
    total: int
    caption: str
    last: list[list[str]] = field(default_factory=list)


def first_and_last_rows(node: Node | EmbeddedNode) -> PreviewRows:
    """Return the first and the last rows of a table. Raises as `read_preview` does."""
    preview = read_preview(node, MAX_ROWS)
    width = preview.rows.num_columns
    caption = f"{format_count(preview.total, 'row')}{' or more' if preview.more else ''}"
    if preview.last.num_rows:
        caption += f", the first {MAX_ROWS} and the last {preview.last.num_rows} shown"
    elif preview.total > MAX_ROWS:
        caption += f", the first {MAX_ROWS} shown"
    if width > MAX_COLUMNS:
        caption += f"; {MAX_COLUMNS} of {width} columns"
    return PreviewRows(
        columns=preview.rows.column_names[:MAX_COLUMNS],
        rows=_texts(preview.rows),
        total=preview.total,
        caption=caption,
        last=_texts(preview.last),
    )


def _texts(rows: pa.Table) -> list[list[str]]:
    columns = [column_to_json(column) for column in rows.columns[:MAX_COLUMNS]]
    return [[value_text(value) for value in row] for row in zip(*columns, strict=True)]


def value_text(value: Any) -> str:
    """Return one value as text, of limited length."""
    if value is None:
        return NULL
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= MAX_TEXT_CHARS else text[:MAX_TEXT_CHARS] + "…"
