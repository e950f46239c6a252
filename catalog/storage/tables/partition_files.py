"""Partition files of a table: one Arrow IPC stream each, without an end-of-stream marker."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pyarrow as pa

from core.mapped_files import iter_chunks, map_file

from ..atomic_write import write_all, write_new_file
from ..errors import MissingFile, Unreadable
from .messages import Rows, check_schema, header_and_rows
from .partition_reader import PartitionReader
from .schemas import check_distinct

MIMETYPE = "application/vnd.apache.arrow.stream"


@dataclass(frozen=True, slots=True)
class PartitionFile:
    """A written partition: its file, and its committed size in bytes."""

    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class FileSegment:
    """The only segment of a partition in a file: the committed `size` bytes of it."""

    path: Path
    size: int
    rows: int | None = None
    remote: bool = False

    @property
    def name(self) -> str:
        """The path of the file."""
        return str(self.path)

    def header(self) -> memoryview:
        """Map the file. Raises as `load` does."""
        return self.load()

    def load(self) -> memoryview:
        """Map the file. Raises MissingFile, Unreadable."""
        return _content(self.path, self.size)


def open_partition(path: Path, committed_size: int) -> PartitionReader:
    """Return a reader of the committed bytes of a file, which is opened when it is read."""
    return PartitionReader([FileSegment(path, committed_size)])


def create(directory: Path, schema: pa.Schema) -> None:
    """Create the folder of a table without rows. Raises SchemaMismatch."""
    check_distinct(schema.names)
    directory.mkdir(parents=True, exist_ok=True)


def write_partition(
    directory: Path, number: int, rows: Rows, *, sync: bool = False
) -> PartitionFile:
    """Write a partition to a new file, atomically; the old file is not changed."""
    path = directory / partition_name(number)
    header, pieces = header_and_rows(rows)
    size = write_new_file(path, chain([header], (piece.data for piece in pieces)), sync=sync)
    return PartitionFile(path, size)


def append(path: Path, committed_size: int, rows: Rows, *, sync: bool = False) -> int:
    """Append rows after the committed bytes; return the new committed size.

    Raises MissingFile, Unreadable (file too short), SchemaMismatch (differs from the file's).
    """
    header, pieces = header_and_rows(rows)
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
            write_all(descriptor, piece.data)
            size += len(piece.data)
        if sync:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return size


def append_to_copy(
    path: Path, committed_size: int, number: int, rows: Rows, *, sync: bool = False
) -> PartitionFile:
    """Append rows (see `append`) to a copy of the committed bytes of this file.

    For a writer that cannot exclude that another one still appends to the file.
    """
    header, pieces = header_and_rows(rows)
    content = _content(path, committed_size)
    if bytes(content[: len(header)]) != header:
        _check_schema(path, header)
    copy = path.parent / partition_name(number)
    whole = chain(iter_chunks(content), (piece.data for piece in pieces))
    return PartitionFile(copy, write_new_file(copy, whole, sync=sync))


def partition_name(number: int) -> str:
    """Return a new name of a file for the rows of partition `number`."""
    return f"partition-{number}-{secrets.token_hex(4)}.arrows"


def _check_schema(path: Path, header: bytes) -> None:
    with pa.OSFile(str(path)) as file:
        found = pa.ipc.read_schema(file)
    check_schema(found, header)


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


def _check_size(path: Path, found: int, committed_size: int) -> None:
    if found < committed_size:
        raise Unreadable(f"The partition {path} has {found} bytes of {committed_size}.")
