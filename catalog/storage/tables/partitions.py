"""The files of a table: one Arrow IPC stream for each partition, without an end mark."""

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
# Above this, reading is quicker for all who come after if the batches are made one.
MAX_SMALL_BATCHES = 16
# Batches of so many bytes on average are left as they are.
MIN_LARGE_BATCH_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class PartitionFile:
    """A partition that was written: its file, and how many bytes of it count."""

    path: Path
    size: int


def create(directory: Path, schema: pa.Schema) -> None:
    """Make the folder of a table without rows. Raises SchemaMismatch for a schema of no table."""
    check_distinct(schema.names)
    directory.mkdir(parents=True, exist_ok=True)


def write_partition(
    directory: Path, number: int, rows: pa.Table | Iterable[pa.Table], *, sync: bool = False
) -> PartitionFile:
    """Write a partition to a new file, whole or not at all; the old one is left as it is.

    `rows` is a table, or pieces of one, of which there is at least one.
    """
    path = _new_path(directory, number)
    header, pieces = _header_and_rows(rows)
    size = write_new_file(path, chain([header], pieces), sync=sync)
    return PartitionFile(path, size)


def append(
    path: Path, committed_size: int, rows: pa.Table | Iterable[pa.Table], *, sync: bool = False
) -> int:
    """Add rows (as in `write_partition`) after the bytes that count; returns how many count then.

    Raises MissingFile, Unreadable (a file too short), SchemaMismatch (other than the file's).
    """
    header, pieces = _header_and_rows(rows)
    size = committed_size
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError as error:
        raise MissingFile(f"The partition {path} is not there.") from error
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
    """Add rows (as in `append`) to a new file that begins with the bytes that count of this one.

    For a writer that cannot know whether another one still writes behind those bytes.
    """
    header, pieces = _header_and_rows(rows)
    content = _content(path, committed_size)
    if bytes(content[: len(header)]) != header:
        _check_schema(path, header)
    copy = _new_path(path.parent, number)
    return PartitionFile(copy, write_new_file(copy, chain(iter_chunks(content), pieces), sync=sync))


@dataclass(frozen=True, slots=True)
class PartitionReader:
    """A partition to be read in part: its file, and how many bytes of it count."""

    path: Path
    size: int

    def count(self) -> int:
        """Return how many rows there are; the data themselves are not looked at."""
        return sum(batch.num_rows for batch in iter_batches(self.path, self.size))

    def tables(self, names: Sequence[str], start: int, stop: int | None) -> Iterator[pa.Table]:
        """Columns `names` of rows number `start` to `stop`, or of as many as there are."""
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
        """Return the labels of the rows; None where rows were added to those that had some."""
        labels = read_labels(_open(self.path, self.size, None).schema.metadata)
        return labels if labels and len(labels.labels) == self.count() else None


def read(path: Path, committed_size: int, columns: Sequence[str] | None = None) -> pa.Table:
    """Return the rows of a partition, in the order of `columns`; a pandas index comes along.

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
        raise Unreadable(f"The partitions do not go together: {error}") from error


def empty(schema: pa.Schema, columns: Sequence[str] | None = None) -> pa.Table:
    """Return the table without rows, as `read` would give it. Raises UnknownColumn."""
    table = kinds.empty(schema)
    return table if columns is None else table.select(with_index(schema, columns))


def iter_batches(
    path: Path, committed_size: int, columns: Sequence[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a partition as they were written, in the file's order of columns."""
    content = _content(path, committed_size)
    try:
        for batch in _reader(content, columns):
            yield batch
            # What was made of it has been used; what has not is read again.
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
    """Raise SchemaMismatch for rows of other columns; labels may differ, and are the file's."""
    with pa.OSFile(str(path)) as file:
        found = pa.ipc.read_schema(file)
    if not pa.ipc.read_schema(pa.py_buffer(header)).equals(found, check_metadata=False):
        raise SchemaMismatch("The rows are not of the schema that this partition has.")


def _header_and_rows(
    rows: pa.Table | Iterable[pa.Table],
) -> tuple[bytes, Iterator[memoryview]]:
    """Return the schema's message, and those of the rows of each piece."""
    pieces = iter([rows] if isinstance(rows, pa.Table) else rows)
    header, first = _messages(next(pieces))
    return header, chain([first], (_messages(piece)[1] for piece in pieces))


def _messages(table: pa.Table) -> tuple[bytes, memoryview]:
    """Return the schema's message, and those of the rows, as they stand in an Arrow IPC stream."""
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
        raise MissingFile(f"The partition {path} is not there.") from error
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
    # No number at all would mean every column.
    options = pa.ipc.IpcReadOptions(included_fields=numbers or None)
    return pa.ipc.open_stream(content, options=options)


def with_index(schema: pa.Schema, columns: Sequence[str]) -> list[str]:
    """`columns`, and those of a pandas index. Raises UnknownColumn."""
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
