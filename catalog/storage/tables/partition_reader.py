"""Read a partition of a table: rows in one or several Arrow IPC streams, which are segments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from core.mapped_files import release
from tiled_client.wire.labels import RowLabels, read_labels

from ..errors import UnknownColumn, Unreadable
from ..prefetching import prefetched
from . import kinds
from .dictionaries import combine_chunks
from .ipc_bodies import slice_batch
from .labels import add_labels, join_tables
from .ranges import within
from .schemas import pandas_index

# Above this number of batches, later reads are faster if the batches are combined.
MAX_SMALL_BATCHES = 16
# Batches of this average size are not combined.
MIN_LARGE_BATCH_BYTES = 1 << 20


class Segment(Protocol):
    """Some of the rows of a partition, as an Arrow IPC stream that begins with the schema."""

    @property
    def name(self) -> str:
        """The name of its file or object, for errors."""
        ...

    @property
    def rows(self) -> int | None:
        """The number of rows, if it is known without reading them."""
        ...

    @property
    def remote(self) -> bool:
        """Whether it is loaded over the network, into memory as a whole."""
        ...

    def header(self) -> memoryview:
        """Return at least the schema, without loading the rows. Raises StorageError."""
        ...

    def load(self) -> memoryview:
        """Return the content. Raises StorageError."""
        ...


@dataclass(frozen=True, slots=True)
class PartitionReader:
    """Reader of a partition, all segments of which have the same schema."""

    segments: Sequence[Segment]

    def count(self) -> int:
        """Return the number of rows, without reading the data."""
        return sum(_count(segment) for segment in self.segments)

    def read(
        self,
        columns: Sequence[str] | None = None,
        check_size: Callable[[int], None] = lambda size: None,
    ) -> pa.Table:
        """Return all rows, in the order of `columns`, with a pandas index.

        `check_size` is called with the number of bytes read so far if there are more, and may
        raise. Raises MissingFile, Unreadable, UnknownColumn.
        """
        found: list[pa.Table] = []
        size = 0
        for segment, content in _loaded(self.segments):
            found.append(_read_all(segment, content, columns))
            if len(found) < len(self.segments):
                size += found[-1].nbytes  # takes long for many batches
                check_size(size)
        table = _in_few_batches(found[0] if len(found) == 1 else pa.concat_tables(found))
        return table if columns is None else table.select(with_index(table.schema, columns))

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the batches as written, in the stored column order. Raises as `read` does."""
        for segment, content in _loaded(self.segments):
            yield from _batches(segment, content, columns)

    def tables(self, names: Sequence[str], start: int, stop: int | None) -> Iterator[pa.Table]:
        """Yield the columns `names` of the rows from `start` to `stop`, or to the end."""
        labels = self._labels()
        before, segments = self._in_range(start, stop)
        for segment, content in _loaded(segments):
            for piece in _slices(segment, content):
                for rows in within(piece, before, start, stop):
                    first = max(start, before)
                    part = labels.part(first, rows.num_rows) if labels else None
                    found = add_labels(rows.select(names), part)
                    yield _detached(found) if segment.remote else found
                before += piece.num_rows
                if stop is not None and before >= stop:
                    return

    def _in_range(self, start: int, stop: int | None) -> tuple[int, list[Segment]]:
        """Return the number of rows before, and the segments with rows from `start` to `stop`."""
        before, skipped, found = 0, 0, []
        for segment in self.segments:
            if segment.rows is not None and before + segment.rows <= start:
                skipped = before = before + segment.rows
            elif stop is None or before < stop:
                found.append(segment)
                before += segment.rows or 0
        return skipped, found

    def _labels(self) -> RowLabels | None:
        """Return the row labels; None if rows were appended to labelled ones."""
        labels = read_labels(_schema(self.segments[0]).metadata)
        return labels if labels and len(labels.labels) == self.count() else None


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """Concatenate tables of the same schema. Raise Unreadable if their schemas differ."""
    try:
        return _in_few_batches(join_tables(tables))
    except pa.ArrowInvalid as error:
        raise Unreadable(f"The partitions have different schemas: {error}") from error


def empty(schema: pa.Schema, columns: Sequence[str] | None = None) -> pa.Table:
    """Return an empty table like those of `PartitionReader.read`. Raises UnknownColumn."""
    table = kinds.empty(schema)
    return table if columns is None else table.select(with_index(schema, columns))


def with_index(schema: pa.Schema, columns: Sequence[str]) -> list[str]:
    """Return `columns` and those of a pandas index. Raises UnknownColumn."""
    known = set(schema.names)
    unknown = [name for name in columns if name not in known]
    if unknown:
        raise UnknownColumn(
            f"No such field {unknown[0]!r}. The columns are {', '.join(schema.names)}."
        )
    return list(dict.fromkeys([*columns, *pandas_index(schema)]))


def _count(segment: Segment) -> int:
    if segment.rows is not None:
        return segment.rows
    return sum(batch.num_rows for batch in _batches(segment, segment.load(), None))


def _loaded(segments: Sequence[Segment]) -> Iterator[tuple[Segment, memoryview]]:
    if any(segment.remote for segment in segments[1:]):
        return prefetched(lambda segment: segment.load(), segments)
    return ((segment, segment.load()) for segment in segments)


def _slices(segment: Segment, content: memoryview) -> Iterable[pa.RecordBatch]:
    for batch in _batches(segment, content, None):
        yield from slice_batch(batch)


def _batches(
    segment: Segment, content: memoryview, columns: Sequence[str] | None
) -> Iterator[pa.RecordBatch]:
    try:
        for batch in _reader(content, columns):
            yield batch
            # The caller has used the previous batch; pages that are still needed are read again.
            release(content)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(segment, error) from error


def _read_all(segment: Segment, content: memoryview, columns: Sequence[str] | None) -> pa.Table:
    try:
        table = _reader(content, columns).read_all()
        return _detached(table) if columns is not None and segment.remote else table
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(segment, error) from error


def _unreadable(segment: Segment, error: Exception) -> Unreadable:
    return Unreadable(f"The partition {segment.name} cannot be read: {error}")


def _in_few_batches(table: pa.Table) -> pa.Table:
    count = table.column(0).num_chunks if table.num_columns else 0
    many = count > MAX_SMALL_BATCHES and table.nbytes < count * MIN_LARGE_BATCH_BYTES
    return combine_chunks(table) if many else table


def _schema(segment: Segment) -> pa.Schema:
    try:
        return pa.ipc.read_schema(pa.py_buffer(segment.header()))
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(segment, error) from error


def _detached(table: pa.Table) -> pa.Table:
    """Return a copy, so that the rest of an object does not stay in memory with some of it."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return pa.ipc.open_stream(sink.getvalue()).read_all()


def _reader(view: memoryview, columns: Sequence[str] | None) -> pa.RecordBatchStreamReader:
    content = pa.py_buffer(view)
    if columns is None:
        return pa.ipc.open_stream(content)
    schema = pa.ipc.read_schema(content)
    numbers = sorted({schema.get_field_index(name) for name in with_index(schema, columns)})
    # An empty list would select every column.
    options = pa.ipc.IpcReadOptions(included_fields=numbers or None)
    return pa.ipc.open_stream(content, options=options)
