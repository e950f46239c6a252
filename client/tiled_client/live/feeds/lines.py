"""Lines to plot: columns of a table, an array of one dimension, or the last row of others."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...optional import require_pyarrow
from ...stream.updates import ArrayUpdate, DataUpdate
from .feed import LiveFeed
from .rolling import Array, RollingRows
from .tables import RowsFeed

MAX_LINES = 6


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """Lines over a common x; None for the numbers of the points, of which the first is `start`.

    `generation` is another one when points changed that were there before.
    """

    generation: int
    start: int
    x_label: str
    x: Array | None
    y: dict[str, Array]
    sequence: int | None = None

    @property
    def abscissa(self) -> Array:
        """The values on x."""
        if self.x is not None:
            return self.x
        return np.arange(self.start, self.start + self.count)

    @property
    def count(self) -> int:
        """The number of points."""
        return next((len(values) for values in self.y.values()), 0)


class TableLineFeed(RowsFeed[Lines]):
    """Columns of a table over another column, or over the number of the row."""

    def __init__(self, node: Any, x: str | None, y: Sequence[str] | None, limit: int) -> None:
        self._x = x
        self._y = [y] if isinstance(y, str) else list(y or _numeric_columns(node, x))
        names = list(dict.fromkeys([*([x] if x else []), *self._y]))
        super().__init__(node, names, limit)

    def peek(self) -> Lines:
        """Return the newest rows as lines."""
        rows = self._newest()
        columns = rows.columns or {name: np.empty(0) for name in self.names}
        x = None if self._x is None else _plottable(columns[self._x], self._x)
        y = {name: _plottable(columns[name], name) for name in self._y}
        return Lines(rows.generation, rows.start, self._x or "row", x, y)


class ArrayLineFeed(LiveFeed[Lines]):
    """An array of one dimension; of more dimensions, the last row.

    An array of one dimension grows by what is appended, up to `limit` points; what replaces the
    array replaces the line.
    """

    def __init__(self, node: Any, limit: int) -> None:
        super().__init__(node)
        shape, dtype = tuple(node.structure.shape), node.structure.data_type.to_numpy()
        if dtype.kind not in "biufcmM" or not shape:
            raise ValueError(
                f"an array of shape {shape} and dtype {dtype} cannot be shown as a line"
            )
        self._points = RollingRows(limit)
        self._label = node.path[-1] if node.path else "values"
        self._is_row = len(shape) > 1
        self.limit = limit
        self._sequence: int | None = None
        self._loaded = threading.Event()

    def start(self) -> None:
        """Subscribe, and read the stored array."""
        try:
            # Updates are skipped only while this process falls behind; then the array is read.
            self._subscribe("latest", policy="latest")
            self._load()
        finally:
            self._loaded.set()

    def peek(self) -> Lines:
        """Return the newest points."""
        with self._lock:
            points = self._points
            values = _plottable(points.columns().get(self._label, np.empty(0)), self._label)
            y = {self._label: values}
            return Lines(points.generation, points.start, "index", None, y, self._sequence)

    def _load(self) -> None:
        self.node.refresh()
        *lead, length = self.node.shape
        first = max(0, length - self._points.limit)
        if 0 in (*lead, length):
            self._replace(0, np.empty(0), None)
            return
        index = (*(size - 1 for size in lead), slice(first, None))
        self._replace(first, np.asarray(self.node.read(index)), None)

    def _on_update(self, update: DataUpdate) -> None:
        self._loaded.wait()
        if not isinstance(update, ArrayUpdate) or update.offset is None:
            self._load()
        elif self._is_row:
            self._take_row(update, update.offset)
        elif self._is_replacement(update, update.offset):
            self._replace(0, update.data(), update.sequence)
        elif update.missed or update.offset[0] > self._points.end:
            self._load()
        else:
            with self._lock:
                self._sequence = None
                self._points.put(update.offset[0], {self._label: update.data()})
                self._offer()

    def _is_replacement(self, update: ArrayUpdate, offset: tuple[int, ...]) -> bool:
        """Return whether an update has all points; one may follow that was appended before."""
        return offset == (0,) and update.shape[0] >= self._points.end

    def _take_row(self, update: ArrayUpdate, offset: tuple[int, ...]) -> None:
        width = self.node.shape[-1]
        if offset[-1] == 0 and update.shape[-1] == width:
            self._replace(0, update.data().reshape(-1, width)[-1], update.sequence)
        else:
            self._load()

    def _replace(self, start: int, values: Array, sequence: int | None) -> None:
        with self._lock:
            self._sequence = sequence
            self._points.reset(start, {self._label: values})
            self._offer()


def _plottable(values: Array, name: str) -> Array:
    """Return values that have a place on an axis. Raises ValueError for others."""
    if values.dtype.kind == "c":
        return np.abs(values)
    if values.dtype.kind in "mM" or values.dtype.kind in "iuf":
        return values
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the column {name!r} has values other than numbers") from error


def _numeric_columns(node: Any, x: str | None) -> list[str]:
    """Return the first columns of numbers besides `x`. Raises ValueError if there are none."""
    types = require_pyarrow().types
    found = [
        field.name
        for field in node.schema
        if field.name in node.columns
        and field.name != x
        and (types.is_integer(field.type) or types.is_floating(field.type))
    ]
    if not found:
        raise ValueError(f"the table has no column of numbers: {', '.join(node.columns)}")
    return found[:MAX_LINES]
