"""The newest rows of some columns, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Columns = Mapping[str, Array]


class RollingRows:
    """The newest `limit` rows of columns. Rows are numbered from the first that there was.

    `generation` changes when rows change that were there before, not when some are added.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.generation = 0
        self.start = 0
        self._length = 0
        self._parts: deque[Columns] = deque()

    @property
    def end(self) -> int:
        """The number after that of the newest row."""
        return self.start + self._length

    def append(self, columns: Columns) -> None:
        """Add rows."""
        count = _count(columns)
        if not count:
            return
        self._parts.append(columns)
        self._length += count
        # Whole parts are dropped here, the rest of one by `columns`.
        while self._length - _count(self._parts[0]) >= self.limit:
            dropped = _count(self._parts.popleft())
            self._length -= dropped
            self.start += dropped

    def reset(self, start: int = 0, columns: Columns | None = None) -> None:
        """Forget all rows; begin with these, of which the first has the number `start`."""
        self.generation += 1
        self.start, self._length = start, 0
        self._parts.clear()
        self.append(columns or {})

    def put(self, start: int, columns: Columns) -> None:
        """Change the rows from `start` on, and add those beyond the end.

        Raises IndexError if there is a hole between the end and `start`.
        """
        if start > self.end:
            raise IndexError(f"row {start} is beyond the end {self.end}")
        kept = self.columns()
        inside = min(_count(columns), self.end - start)
        first = max(0, self.start - start)
        if inside > first:
            self.generation += 1
            changed = {name: values.copy() for name, values in kept.items()}
            at = start + first - self.start
            for name, values in changed.items():
                new = columns[name][first:inside]
                wider = np.result_type(values, new) if values.dtype != new.dtype else values.dtype
                values = changed[name] = values.astype(wider, copy=False)
                values[at : at + len(new)] = new
            self._parts = deque([changed])
        self.append({name: values[inside:] for name, values in columns.items()})

    def columns(self) -> Columns:
        """Return the newest rows. The arrays are not changed later."""
        if not self._parts:
            return {}
        names: Sequence[str] = list(self._parts[0])
        joined = {name: np.concatenate([part[name] for part in self._parts]) for name in names}
        excess = max(0, self._length - self.limit)
        kept = {name: values[excess:] for name, values in joined.items()}
        self.start += excess
        self._length -= excess
        self._parts = deque([kept])
        return kept


def _count(columns: Columns) -> int:
    return len(next(iter(columns.values()))) if columns else 0
