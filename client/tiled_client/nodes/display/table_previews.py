"""Previews of tables: their first and last rows; and of lists, their first items."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Iterator, Sequence
from typing import Any

from ...http.operations import run
from ...http.responses import JSON
from .markup import Markup, dim, join, tag, text_block
from .texts import clipped, counted

# Rows at either end, columns, and characters of a cell.
ROWS, COLUMNS, CELL = 5, 12, 40
ITEMS, MAX_ITEM_SIZE, ITEM = 5, 2000, 200

_cells = reprlib.Repr()
_cells.maxstring = _cells.maxother = CELL


def table_preview(table: Any) -> Markup:
    """Return the first and the last rows of a table; of a server of Tiled, the columns."""
    names = table.columns[:COLUMNS]
    if not table.requests.supports_idempotency or not names:
        return _html(table, names, [], 0)
    count = run(table._count_rows([]))
    if count <= 2 * ROWS:
        rows = run(table._first_parts(count, names))
        return _html(table, names, list(_numbered(rows, names, 0)), count)
    first, last = run(table._first_parts(ROWS, names)), run(table._last_parts(ROWS, names))
    shown = [
        *_numbered(first, names, 0),
        ("...", ["..."] * len(names)),
        *_numbered(last, names, count - ROWS),
    ]
    return _html(table, names, shown, count)


def items_preview(node: Any, endpoint: str, count: int) -> Markup:
    """Return the first rows of a ragged array, or the first items of an awkward one."""
    if not node.requests.supports_idempotency or not count:
        return join()
    size = getattr(node.structure, "size", 0)
    if size / count > MAX_ITEM_SIZE:
        return dim(f"{size / count:,.0f} elements in a row")
    params = {"slice": f"0:{min(ITEMS, count)}"}
    found = run(node.requests.get(endpoint, node.path, params=params, accept=JSON))
    lines = [clipped(json.dumps(item), ITEM) for item in json.loads(found.content)]
    if count > ITEMS:
        lines.append(f"... {count - ITEMS:,} more")
    return text_block("\n".join(lines))


def _numbered(parts: Sequence[Any], names: list[str], first: int) -> Iterator[tuple[str, Any]]:
    """Yield the number and the cells of each row of Arrow tables."""
    for part in parts:
        columns = [part.column(name).to_pylist() for name in names]
        for cells in zip(*columns, strict=True):
            yield str(first), [_cell(value) for value in cells]
            first += 1


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return clipped(value if isinstance(value, str) else _cells.repr(value), CELL)


def _html(table: Any, names: list[str], rows: list[tuple[str, Any]], count: int) -> Markup:
    types = [str(table.schema.field(name).type) for name in names]
    heads = [
        tag("th", clipped(name, CELL), tag("br"), dim(clipped(kind, CELL)))
        for name, kind in zip(names, types, strict=True)
    ]
    body = [
        tag("tr", tag("th", number), *(tag("td", cell) for cell in cells)) for number, cells in rows
    ]
    left_out = len(table.columns) - len(names)
    more = f", {counted(left_out, 'more column')}" if left_out else ""
    caption = dim(f"{counted(count, 'row')}{more}") if rows or count else dim(more[2:])
    whole = tag("table", tag("thead", tag("tr", tag("th"), *heads)), tag("tbody", *body))
    return join(whole, caption)
