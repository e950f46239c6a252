"""Tables in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime


def columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Yield the lines of a table with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def format_time(when: datetime | None) -> str:
    """Return a time to the minute, or `never`."""
    return f"{when:%Y-%m-%d %H:%M}" if when else "never"
