"""Partition files of a table: one Arrow IPC stream each, without an end-of-stream marker."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pyarrow as pa

from core.mapped_files import iter_chunks, map_file, release
from tiled_client.wire.labels import RowLabels, read_labels

from ..atomic_write import write_all, write_new_file
from ..errors import MissingFile, SchemaMismatch, UnknownColumn, Unreadable
from . import kinds
from .dictionaries import combine_chunks
from .ipc_bodies import slice_batch
from .labels import add_labels, join_tables
from .ranges import within
from .schemas import check_distinct, pandas_index

MIMETYPE = "application/vnd.apache.arrow.stream"
# Above this number of batches, later reads are faster if the batches are combined.
MAX_SMALL_BATCHES = 16
# Batches of this average size are not combined.
MIN_LARGE_BATCH_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class PartitionFile:
    """A written partition: its file, and its committed size in bytes."""

    path: Path
    size: int


def create(directory: Path, schema: pa.Schema) -> None:
    """Create the folder of a table without rows. Raises SchemaMismatch."""
    check_distinct(schema.names)
    directory.mkdir(parents=True, exist_ok=True)


def write_partition(
    directory: Path, number: int, rows: pa.Table | Iterable[pa.Table], *, sync: bool = False
) -> PartitionFile:
    """Write a partition to a new file, atomically; the old file is not changed.

    `rows` is a table, or at least one table to concatenate.
    """
    path = _new_path(directory, number)
    header, pieces = _header_and_rows(rows)
    size = write_new_file(path, chain([header], pieces), sync=sync)
    return PartitionFile(path, size)


def append(
    path: Path, committed_size: int, rows: pa.Table | Iterable[pa.Table], *, sync: bool = False
) -> int:
    """Append rows (see `write_partition`) after the committed bytes; return the new committed size.

    Raises MissingFile, Unreadable (file too short), SchemaMismatch (differs from the file's).
    """
    header, pieces = _header_and_rows(rows)
    size = committed_size
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError as error:
        raise MissingFile(f"The partition {path} does not exist.") from error
    except IsADirectoryError as error:
        raise Unreadable(f"The partition {path} is a folder, not a file.") from error
    try:
        found = os.fstat(descriptor).st_size
        _check_size(path, found, committed_size)
        if os.pread(descriptor, len(header), 0) != header:
            _check_schema(path, header)
        if found > committed_size:
            os.ftruncate(descriptor, committed_size)
        os.lseek(descriptor, committed_size, os.SEEK_SET)
        for piece in pieces:
            write_all(descriptor, piece)
            size += len(piece)
        if sync:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return size


def append_to_copy(
    path: Path,
    committed_size: int,
    number: int,
    rows: pa.Table | Iterable[pa.Table],
    *,
    sync: bool = False,
) -> PartitionFile:
    """Append rows (see `append`) to a copy of the committed bytes of this file.

    For a writer that cannot exclude that another one still appends to the file.
    """
    header, pieces = _header_and_rows(rows)
    content = _content(path, committed_size)
    if bytes(content[: len(header)]) != header:
        _check_schema(path, header)
    copy = _new_path(path.parent, number)
    return PartitionFile(copy, write_new_file(copy, chain(iter_chunks(content), pieces), sync=sync))


@dataclass(frozen=True, slots=True)
class PartitionReader:
    """Reader of parts of a partition, given by its file and committed size in bytes."""

    path: Path
    size: int

    def count(self) -> int:
        """Return the number of rows, without reading the data."""
        return sum(batch.num_rows for batch in iter_batches(self.path, self.size))

    def tables(self, names: Sequence[str], start: int, stop: int | None) -> Iterator[pa.Table]:
        """Yield the columns `names` of the rows from `start` to `stop`, or to the end."""
        before = 0
        labels = self._labels()
        for batch in iter_batches(self.path, self.size):
            if stop is not None and before >= stop:
                return
            for piece in slice_batch(batch):
                for rows in within(piece, before, start, stop):
                    first = max(start, before)
                    part = labels.part(first, rows.num_rows) if labels else None
                    yield add_labels(rows.select(names), part)
                before += piece.num_rows

    def _labels(self) -> RowLabels | None:
        """Return the row labels; None if rows were appended to labelled ones."""
        labels = read_labels(_open(self.path, self.size, None).schema.metadata)
        return labels if labels and len(labels.labels) == self.count() else None


def read(path: Path, committed_size: int, columns: Sequence[str] | None = None) -> pa.Table:
    """Read the rows of a partition, in the order of `columns`, with a pandas index.

    Raises MissingFile, Unreadable, UnknownColumn.
    """
    try:
        table = _open(path, committed_size, columns).read_all()
    except (pa.ArrowException, OSError) as error:
        raise Unreadable(f"The partition {path} cannot be read: {error}") from error
    table = _in_few_batches(table)
    return table if columns is None else table.select(with_index(table.schema, columns))


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """Concatenate tables of the same schema. Raise Unreadable if their schemas differ."""
    try:
        return _in_few_batches(join_tables(tables))
    except pa.ArrowInvalid as error:
        raise Unreadable(f"The partitions have different schemas: {error}") from error


def empty(schema: pa.Schema, columns: Sequence[str] | None = None) -> pa.Table:
    """Return an empty table like those of `read`. Raises UnknownColumn."""
    table = kinds.empty(schema)
    return table if columns is None else table.select(with_index(schema, columns))


def iter_batches(
    path: Path, committed_size: int, columns: Sequence[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a partition as written, in the file's column order."""
    content = _content(path, committed_size)
    try:
        for batch in _reader(content, columns):
            yield batch
            # The caller has used the previous batch; pages that are still needed are read again.
            release(content)
    except (pa.ArrowException, OSError) as error:
        raise Unreadable(f"The partition {path} cannot be read: {error}") from error


def _new_path(directory: Path, number: int) -> Path:
    return directory / f"partition-{number}-{secrets.token_hex(4)}.arrows"


def _in_few_batches(table: pa.Table) -> pa.Table:
    count = table.column(0).num_chunks if table.num_columns else 0
    many = count > MAX_SMALL_BATCHES and table.nbytes < count * MIN_LARGE_BATCH_BYTES
    return combine_chunks(table) if many else table


def _check_schema(path: Path, header: bytes) -> None:
    """Raise SchemaMismatch for other columns; labels may differ, and stay those of the file."""
    with pa.OSFile(str(path)) as file:
        found = pa.ipc.read_schema(file)
    if not pa.ipc.read_schema(pa.py_buffer(header)).equals(found, check_metadata=False):
        raise SchemaMismatch("The schema of the rows differs from that of this partition.")


def _header_and_rows(
    rows: pa.Table | Iterable[pa.Table],
) -> tuple[bytes, Iterator[memoryview]]:
    """Return the IPC messages of the schema, and of the rows of each table."""
    pieces = iter([rows] if isinstance(rows, pa.Table) else rows)
    header, first = _messages(next(pieces))
    return header, chain([first], (_messages(piece)[1] for piece in pieces))


def _messages(table: pa.Table) -> tuple[bytes, memoryview]:
    """Return the IPC stream messages of the schema, and of the rows."""
    header: bytes = table.schema.serialize().to_pybytes()
    sink = pa.BufferOutputStream()
    writer = pa.ipc.new_stream(sink, table.schema)
    if table.num_rows:
        writer.write_table(table)
    end = sink.tell()
    writer.close()
    return header, memoryview(sink.getvalue())[len(header) : max(end, len(header))]


def _open(
    path: Path, committed_size: int, columns: Sequence[str] | None
) -> pa.RecordBatchStreamReader:
    return _reader(_content(path, committed_size), columns)


def _content(path: Path, committed_size: int) -> memoryview:
    try:
        with path.open("rb") as file:
            content = map_file(file)
    except FileNotFoundError as error:
        raise MissingFile(f"The partition {path} does not exist.") from error
    except IsADirectoryError as error:
        raise Unreadable(f"The partition {path} is a folder, not a file.") from error
    _check_size(path, len(content), committed_size)
    return content[:committed_size]


def _reader(view: memoryview, columns: Sequence[str] | None) -> pa.RecordBatchStreamReader:
    content = pa.py_buffer(view)
    if columns is None:
        return pa.ipc.open_stream(content)
    schema = pa.ipc.read_schema(content)
    numbers = sorted({schema.get_field_index(name) for name in with_index(schema, columns)})
    # An empty list would select every column.
    options = pa.ipc.IpcReadOptions(included_fields=numbers or None)
    return pa.ipc.open_stream(content, options=options)


def with_index(schema: pa.Schema, columns: Sequence[str]) -> list[str]:
    """Return `columns` and those of a pandas index. Raises UnknownColumn."""
    known = set(schema.names)
    unknown = [name for name in columns if name not in known]
    if unknown:
        raise UnknownColumn(
            f"No such field {unknown[0]!r}. The columns are {', '.join(schema.names)}."
        )
    return list(dict.fromkeys([*columns, *pandas_index(schema)]))


def _check_size(path: Path, found: int, committed_size: int) -> None:
    if found < committed_size:
        raise Unreadable(f"The partition {path} has {found} bytes of {committed_size}.")
