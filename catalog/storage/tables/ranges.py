"""Ranges of rows: of one batch, and over several partitions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import pyarrow as pa

from ..errors import NoSuchRows


class Partition(Protocol):
    """Some of the rows of a table."""

    def count(self) -> int:
        """Return how many rows there are."""
        ...

    def tables(self, names: Sequence[str], start: int, stop: int | None) -> Iterator[pa.Table]:
        """Columns `names` of rows number `start` to `stop`, or of as many as there are."""
        ...


def iter_rows(
    partitions: Sequence[Partition], names: Sequence[str], rows: slice
) -> Iterator[pa.Table]:
    """Columns `names` of the rows number `rows`, counted over all partitions, piece by piece.

    Raises NoSuchRows, at the latest after the last piece, where there are not so many.
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
        raise NoSuchRows(f"Of the rows {start}:{stop or ''} there are {before} so far.")


def within(batch: pa.RecordBatch, before: int, start: int, stop: int | None) -> Iterator[pa.Table]:
    """What of a batch with `before` rows before it lies from `start` to `stop`, if anything."""
    first = max(start - before, 0)
    last = batch.num_rows if stop is None else min(stop - before, batch.num_rows)
    if first < last:
        yield pa.Table.from_batches([batch.slice(first, last - first)])
