"""Ranges of rows, in a batch and over several partitions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import pyarrow as pa

from ..errors import NoSuchRows


class Partition(Protocol):
    """A partition: some of the rows of a table."""

    def count(self) -> int:
        """Return the number of rows."""
        ...

    def tables(self, names: Sequence[str], start: int, stop: int | None) -> Iterator[pa.Table]:
        """Yield the columns `names` of the rows from `start` to `stop`, or to the end."""
        ...


def iter_rows(
    partitions: Sequence[Partition], names: Sequence[str], rows: slice
) -> Iterator[pa.Table]:
    """Yield the columns `names` of the range `rows`, counted over all partitions, as tables.

    Raises NoSuchRows, at the latest after the last table, if there are fewer rows.
    """
    start, stop = rows.start or 0, rows.stop
    if (start, stop) == (0, None):
        for partition in partitions:
            yield from partition.tables(names, 0, None)
        return
    before = 0
    for partition in partitions:
        if stop is not None and before >= stop:
            return
        count = partition.count()
        first, last = max(start - before, 0), count if stop is None else min(stop - before, count)
        before += count
        if first < last:
            yield from partition.tables(names, first, last)
    if before < (start if stop is None else stop):
        raise NoSuchRows(f"Rows {start}:{stop or ''} were requested, but there are {before}.")


def within(batch: pa.RecordBatch, before: int, start: int, stop: int | None) -> Iterator[pa.Table]:
    """Yield the rows from `start` to `stop` in a batch that follows `before` rows."""
    first = max(start - before, 0)
    last = batch.num_rows if stop is None else min(stop - before, batch.num_rows)
    if first < last:
        yield pa.Table.from_batches([batch.slice(first, last - first)])
