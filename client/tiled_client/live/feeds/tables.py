"""The newest rows of a table, each of them once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...arguments import require_columns
from ...optional import require_package, require_pyarrow
from ...stream.updates import DataUpdate, TableUpdate
from .feed import C, LiveFeed
from .rolling import Array, Columns, RollingRows

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of a table, the first of which has the number `start`.

    `generation` is another one when rows changed that were there before.
    """

    generation: int
    start: int
    columns: Columns
    sequence: None = None

    @property
    def end(self) -> int:
        """The number after that of the last row."""
        return self.start + next((len(values) for values in self.columns.values()), 0)


class RowsFeed(LiveFeed[C]):
    """The newest `limit` rows of columns of a table.

    Stored rows are placed by the numbers that updates have, so that a row that was read as well is
    not added again, and one whose update is missing is read.
    """

    def __init__(self, node: Any, columns: Sequence[str] | None, limit: int) -> None:
        super().__init__(node)
        require_pyarrow()
        require_package("pandas", "tables", subject="Rows of tables")
        self._names = list(node.columns if columns is None else columns)
        require_columns(self._names, node.columns)
        self._rows = RollingRows(limit)
        self.limit = limit
        # The number of stored rows that were added; rows that are only streamed have no numbers.
        self._stored = 0
        self._loaded = threading.Event()

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return self._names

    def start(self) -> None:
        """Subscribe, and read the newest stored rows."""
        try:
            self._subscribe(None, columns=self._names)
            self._load()
        finally:
            self._loaded.set()

    def _newest(self) -> Rows:
        with self._lock:
            columns = self._rows.columns()
            return Rows(self._rows.generation, self._rows.start, columns)

    def _load(self) -> None:
        total = len(self.node)
        first = max(0, total - self._rows.limit)
        columns = self._read(first, total)
        with self._lock:
            self._rows.reset(first, columns)
            self._stored = total
            self._offer()

    def _read(self, start: int, stop: int) -> Columns:
        if stop <= start:
            return {}
        return self._values(self.node.read_rows(start, stop - start, self._names))

    def _on_update(self, update: DataUpdate) -> None:
        # Rows received meanwhile may be among those that are read at the start.
        self._loaded.wait()
        if not isinstance(update, TableUpdate):
            self._load()
            return
        columns = self._values(update.data())
        if not update.persisted:
            self._add(columns, replaces=not update.append)
        elif not update.append and update.partition is None:
            self._add(columns, replaces=True)
            self._stored = self._rows.end
        elif not update.append or (update.offset is None and update.missed):
            self._load()
        elif update.offset is None:
            # A server that does not number rows.
            self._add(columns)
        else:
            self._place(update.offset, columns)

    def _place(self, offset: int, columns: Columns) -> None:
        """Add stored rows from the row `offset` on that are not there yet."""
        if offset > self._stored:
            missing = max(self._stored, offset - self._rows.limit)
            self._add(self._read(missing, offset))
            self._stored = offset
        known = self._stored - offset
        self._add({name: values[known:] for name, values in columns.items()})
        self._stored = max(self._stored, offset + len(next(iter(columns.values()), ())))

    def _add(self, columns: Columns, *, replaces: bool = False) -> None:
        with self._lock:
            if replaces:
                self._rows.reset()
            self._rows.append(columns)
            self._offer()

    def _values(self, frame: pandas.DataFrame) -> Columns:
        """Return the columns as arrays; times without their zone, in UTC."""
        labels = [str(label) for label in frame.columns]
        return {name: _array(frame.iloc[:, labels.index(name)]) for name in self._names}


class TableFeed(RowsFeed[Rows]):
    """The newest rows as they are."""

    def peek(self) -> Rows:
        """Return the newest rows."""
        return self._newest()


def _array(series: pandas.Series[Any]) -> Array:
    if getattr(series.dtype, "tz", None) is not None:
        series = series.dt.tz_convert("UTC").dt.tz_localize(None)
    return np.asarray(series.to_numpy())
