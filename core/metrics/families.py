"""Families of metrics: counters, gauges and histograms, with labels.

A family is declared once, when a module is imported, and has a series for each combination of the
values of its labels. These must be few: never a node, a key, a user or an address. Counting takes a
fraction of a microsecond, in any thread.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Generic, TypeVar

from .memory import STATE_PREFIX, MetricMemory, MetricRow

logger = logging.getLogger(__name__)

Labels = tuple[str, ...]
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds for durations. The last bucket, without a bound, is added to all histograms."""

_cells_lock = threading.Lock()
_series_lock = threading.Lock()


class Series:
    """The values of one combination of labels in this process."""

    __slots__ = ("_at", "_cells")

    def __init__(self, cells: Any, at: int) -> None:
        self._cells = cells
        self._at = at


class CounterSeries(Series):
    """A count that only grows."""

    __slots__ = ()

    def add(self, amount: float = 1.0) -> None:
        """Add to the count."""
        with _cells_lock:
            self._cells[self._at] += amount

    def add_alone(self, amount: float = 1.0) -> None:
        """Add to the count without a lock: all calls must come from one thread of the process."""
        self._cells[self._at] += amount


class GaugeSeries(Series):
    """A value that rises and falls."""

    __slots__ = ()

    def set(self, value: float) -> None:
        """Replace the value."""
        self._cells[self._at] = value

    def add(self, amount: float = 1.0) -> None:
        """Add to the value; a negative amount lowers it."""
        with _cells_lock:
            self._cells[self._at] += amount


class SiteGaugeSeries(Series):
    """A value with the time when it was found."""

    __slots__ = ()

    def set(self, value: float) -> None:
        """Replace the value."""
        with _cells_lock:
            self._cells[self._at + 1] = value
            self._cells[self._at] = time.time()


class HistogramSeries(Series):
    """A distribution: the sum of the observed values, and their number in each bucket."""

    __slots__ = ("_bounds",)

    def __init__(self, cells: Any, at: int, bounds: Sequence[float]) -> None:
        super().__init__(cells, at)
        self._bounds = bounds

    def observe(self, value: float, count: int = 1) -> None:
        """Add a value that was observed `count` times."""
        bucket = self._at + 1 + bisect_left(self._bounds, value)
        with _cells_lock:
            self._cells[self._at] += value * count
            self._cells[bucket] += count

    def observe_alone(self, value: float) -> None:
        """Add a value without a lock: all calls must come from one thread of the process."""
        cells, at = self._cells, self._at
        cells[at] += value
        cells[at + 1 + bisect_left(self._bounds, value)] += 1


def add_to_both(count: CounterSeries, size: CounterSeries, amount: float) -> None:
    """Add 1 to `count` and `amount` to `size`, at the cost of one addition."""
    with _cells_lock:
        count._cells[count._at] += 1
        size._cells[size._at] += amount


S = TypeVar("S", bound=Series)


class Family(Generic[S]):
    """All series of one name. Those with the `known` labels are exported before they are used."""

    kind = "untyped"
    width = 1
    """The number of cells of each series."""

    def __init__(
        self, name: str, text: str, labels: Labels = (), known: Iterable[Labels] = ()
    ) -> None:
        if name in _families:
            raise ValueError(f"The metric {name} is declared twice.")
        self.name = name
        self.text = text
        self.label_names = labels
        self.known: tuple[Labels, ...] = tuple(known) if labels else ((),)
        self._series: dict[Labels, S] = {}
        _families[name] = self

    def labels(self, *values: str) -> S:
        """Return the series with these values of the labels."""
        found = self._series.get(values)
        return self._add(values) if found is None else found

    def key(self, values: Labels) -> str:
        """Return the key of a series in the memory."""
        return json.dumps([self.name, *values])

    def forget(self) -> None:
        """Drop the series, which are in other memory than that of now."""
        self._series.clear()

    def _add(self, values: Labels) -> S:
        if len(values) != len(self.label_names):
            raise ValueError(f"{self.name} has the labels {self.label_names}, not {values}.")
        with _series_lock:
            row = _row()
            at = row.place(self.key(values), self.width)
            if at is None:
                _warn_of_loss(self.name)
            cells: Any = [0.0] * self.width if at is None else row.cells
            return self._series.setdefault(values, self._bind(cells, at or 0))

    def _bind(self, cells: Any, at: int) -> S:
        raise NotImplementedError


class Counter(Family[CounterSeries]):
    """Counts that are added up over all processes; the name ends with `_total`."""

    kind = "counter"

    def add(self, amount: float = 1.0) -> None:
        """Add to the count of a family without labels."""
        self.labels().add(amount)

    def _bind(self, cells: Any, at: int) -> CounterSeries:
        return CounterSeries(cells, at)


class Gauge(Family[GaugeSeries]):
    """The states of all processes, added up; that of one that is gone is not counted."""

    kind = "gauge"

    def set(self, value: float) -> None:
        """Replace the value of a family without labels."""
        self.labels().set(value)

    def key(self, values: Labels) -> str:
        """Return a key by which the values of a process that is gone are found."""
        return STATE_PREFIX + super().key(values)

    def _bind(self, cells: Any, at: int) -> GaugeSeries:
        return GaugeSeries(cells, at)


class SiteGauge(Family[SiteGaugeSeries]):
    """Facts about the whole site: of the values that processes found, the newest is exported.

    `kind` is `counter` for a count that another program keeps. A value that was never found is not
    exported.
    """

    width = 2

    def __init__(self, name: str, text: str, labels: Labels = (), *, kind: str = "gauge") -> None:
        super().__init__(name, text, labels)
        self.kind = kind
        self.known = ()

    def set(self, value: float) -> None:
        """Replace the value of a family without labels."""
        self.labels().set(value)

    def _bind(self, cells: Any, at: int) -> SiteGaugeSeries:
        return SiteGaugeSeries(cells, at)


class Histogram(Family[HistogramSeries]):
    """Distributions that are added up over all processes."""

    kind = "histogram"

    def __init__(
        self,
        name: str,
        text: str,
        labels: Labels = (),
        known: Iterable[Labels] = (),
        *,
        bounds: Sequence[float] = SECONDS,
    ) -> None:
        super().__init__(name, text, labels, known)
        self.bounds = tuple(map(float, bounds))
        # Their sum, one bucket for each bound, and one for all that is larger.
        self.width = 2 + len(self.bounds)

    def observe(self, value: float, count: int = 1) -> None:
        """Add a value to a family without labels."""
        self.labels().observe(value, count)

    def _bind(self, cells: Any, at: int) -> HistogramSeries:
        return HistogramSeries(cells, at, self.bounds)


_families: dict[str, Family[Any]] = {}
_memory: MetricMemory | None = None
_own_row: MetricRow | None = None


def families() -> list[Family[Any]]:
    """Return all families that were declared in this process, by name."""
    return [_families[name] for name in sorted(_families)]


def install(memory: MetricMemory) -> None:
    """Count in `memory` from now on."""
    global _memory, _own_row
    with _series_lock:
        _memory, _own_row = memory, MetricRow(memory, memory.row)
        for family in _families.values():
            family.forget()


def installed() -> MetricMemory:
    """Return the memory in which this process counts: its own, unless it was given another."""
    global _memory
    if _memory is None:
        _memory = MetricMemory.local()
    return _memory


def _row() -> MetricRow:
    global _own_row
    if _own_row is None:
        memory = installed()
        _own_row = MetricRow(memory, memory.row)
    return _own_row


@cache
def _warn_of_loss(name: str) -> None:
    logger.warning("There is no room for more series of metrics; some of %s are not counted", name)
