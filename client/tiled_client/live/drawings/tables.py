"""Rows of a table in a figure of matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..feeds.tables import Rows
from .drawing import Drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.table import Table

MAX_COLUMNS = 8
MAX_TEXT = 24


class TableDrawing(Drawing[Rows]):
    """The newest rows, with their numbers; of many columns, the first."""

    def __init__(self, figure: Figure, label: str) -> None:
        super().__init__(figure, label)
        self.axes.set_axis_off()
        self._table: Table | None = None
        self._shape = (0, 0)

    def update(self, content: Rows) -> None:
        """Show rows."""
        names = list(content.columns)[:MAX_COLUMNS]
        if not names:
            return
        texts = [[_text(value) for value in content.columns[name]] for name in names]
        rows = [list(row) for row in zip(*texts, strict=True)]
        numbers = [str(number) for number in range(content.start, content.end)]
        if self._table is None or self._shape != (len(rows), len(names)):
            if self._table is not None:
                self._table.remove()
            self._table = self.axes.table(
                rows, rowLabels=numbers, colLabels=names, loc="upper center", cellLoc="right"
            )
            self._shape = (len(rows), len(names))
            return
        # A new table takes ten times as long as other texts.
        for i, (number, row) in enumerate(zip(numbers, rows, strict=True), 1):
            for j, text in enumerate([number, *row], -1):
                self._table[i, j].get_text().set_text(text)


def _text(value: Any) -> str:
    if isinstance(value, (float, np.floating)):
        return f"{value:.7g}"
    text = str(value)
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"
