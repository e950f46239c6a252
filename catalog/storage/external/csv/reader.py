"""CSV files in UTF-8, following RFC 4180, with quotes within fields as spreadsheets write them.

One chunk is in memory at a time. A last line without a line feed counts as a row once the file has
not changed for some seconds; until then it may be incomplete.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.csv

from ...bucket_files.paths import ObjectPath
from ...errors import Unreadable
from ..recently_modified import is_being_written
from .dialect import CsvDialect
from .row_boundaries import QUOTE
from .row_index import INDEXES, Read, RowIndex

BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of an open file: the indexed ones, and a last one without a line feed."""

    index: RowIndex
    known: int
    tail: bytes
    read: Read

    @property
    def count(self) -> int:
        """The number of rows."""
        return self.known + bool(self.tail)

    def pieces(self, start: int, stop: int) -> Iterator[tuple[bytes, int]]:
        """Yield the bytes of the rows from `start` to `stop`, and the number of rows in them."""
        if start < min(stop, self.known):
            yield from self.index.pieces(self.read, start, min(stop, self.known))
        if self.tail and start <= self.known < stop:
            yield self.tail, 1


@dataclass(frozen=True, slots=True)
class CsvFile:
    """The rows of a CSV file, converted to `schema`."""

    path: Path
    form: CsvDialect
    schema: pa.Schema

    def names(self) -> list[str]:
        """Return the column names; the declared ones while there is no header yet."""
        with self._indexed(1) as rows:
            return self._names(rows)

    def count(self) -> int:
        """Return the current number of complete rows."""
        with self._indexed() as rows:
            return max(rows.count - self.form.header, 0)

    def tables(self, names: Sequence[str], start: int, stop: int | None) -> Iterator[pa.Table]:
        """Yield the rows from `start` to `stop`, or to the end, chunk by chunk."""
        header = self.form.header
        with self._indexed(None if stop is None else stop + header) as rows:
            last = rows.count if stop is None else min(stop + header, rows.count)
            if start + header >= last:
                return
            columns = self._names(rows)
            for piece, count in rows.pieces(start + header, last):
                yield self._convert(piece, count, columns, names)

    @contextmanager
    def _indexed(self, until: int | None = None) -> Iterator[_Rows]:
        """Yield the rows of the open file, indexed up to row `until` at least."""
        with _open(self.path) as (status, read):
            # Checked before reading: the file must not become quiescent while half of it is read.
            resting = not is_being_written([self.path])
            with INDEXES.extend(self.path, self.form.delimiter, status, read) as index:
                known = index.extend(read, until)
                ended = until is None or known < until
                tail = index.tail(read) if ended and resting else b""
            yield _Rows(index, known, tail, read)

    def _names(self, rows: _Rows) -> list[str]:
        if self.form.names is not None:
            return list(self.form.names)
        if not rows.count:
            return list(self.schema.names)
        (line,) = [piece for piece, _ in rows.pieces(0, 1)]
        try:
            text = line.decode().removeprefix(BYTE_ORDER_MARK).strip("\r\n")
        except UnicodeDecodeError as error:
            raise Unreadable(f"its header is not UTF-8: {error}.") from error
        return next(csv.reader([text], delimiter=self.form.delimiter), [])

    def _convert(
        self, piece: bytes, count: int, columns: list[str], names: Sequence[str]
    ) -> pa.Table:
        try:
            table = pa.csv.read_csv(pa.BufferReader(piece), *self._options(piece, columns, names))
        except (pa.ArrowException, ValueError) as error:
            # Unreadable, not NotReady: complete lines will not change.
            raise Unreadable(f"{error}.") from error
        if table.num_rows != count:
            raise Unreadable(
                f"{count} lines were parsed as {table.num_rows} rows. Lines must end with a line "
                "feed, with or without a carriage return before it."
            )
        return table

    def _options(self, piece: bytes, columns: list[str], names: Sequence[str]) -> tuple[Any, ...]:
        # One block: the chunk already has a good size.
        reading = pa.csv.ReadOptions(
            column_names=columns, block_size=len(piece) + 1, use_threads=False
        )
        parsing = pa.csv.ParseOptions(
            delimiter=self.form.delimiter, newlines_in_values=QUOTE in piece
        )
        types = {name: _parse_type(self.schema.field(name).type) for name in names}
        converting = pa.csv.ConvertOptions(column_types=types, include_columns=list(names))
        return reading, parsing, converting


def _parse_type(kind: pa.DataType) -> pa.DataType:
    """Return the type to parse a column as; dictionaries are encoded from it afterwards."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


@contextmanager
def _open(path: Path) -> Iterator[tuple[os.stat_result, Read]]:
    """Yield the status of a file, and a function that reads it."""
    if isinstance(path, ObjectPath):
        with path.open("rb") as file:
            yield path.stat(), partial(_read_object, file)
        return
    # Opening a pipe would block without O_NONBLOCK.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        yield os.fstat(descriptor), partial(_pread, descriptor)
    finally:
        os.close(descriptor)


def _read_object(file: IO[bytes], offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)


def _pread(descriptor: int, offset: int, size: int) -> bytes:
    """Read `size` bytes, or up to the end of the file; a single read may return fewer."""
    parts = []
    while size > 0 and (part := os.pread(descriptor, size, offset)):
        parts.append(part)
        offset, size = offset + len(part), size - len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
