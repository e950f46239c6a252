"""Read rows from external files, in exactly the declared schema."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from tiled_client.wire.labels import read_labels

from ..bucket_files.access import take_failure
from ..errors import (
    MissingFile,
    NoSuchRows,
    NotReady,
    OutsideReadable,
    StorageError,
    StorageUnavailable,
    Unreadable,
)
from ..raw_files import check_unmoved
from ..tables.labels import add_labels, with_labels_of
from ..tables.ranges import iter_rows
from ..tables.schemas import UNNAMED_INDEX, conform
from .recently_modified import is_being_written


class TableFile(Protocol):
    """A file of rows, which is reopened for each call.

    With a true attribute `whole`, its files are never read before they are complete.
    """

    def names(self) -> list[str]:
        """Return the names of the columns."""
        ...

    def count(self) -> int:
        """Return the current number of rows."""
        ...

    def tables(self, names: Sequence[str], start: int, stop: int | None) -> Iterator[pa.Table]:
        """Yield the columns `names` of the rows from `start` to `stop`, or to the end."""
        ...


@dataclass(frozen=True, slots=True)
class FilePartition:
    """The rows of one file, as a partition of a table.

    Its methods raise MissingFile, NotReady (still being written), Unreadable (not as
    declared).
    """

    path: Path
    file: TableFile
    schema: pa.Schema

    def count(self) -> int:
        """Return the current number of rows."""
        with self._translate_errors():
            return self.file.count()

    def tables(self, names: Sequence[str], start: int, stop: int | None) -> Iterator[pa.Table]:
        """Yield the columns `names` of the rows from `start` to `stop`, or to the end."""
        with self._translate_errors():
            present = self._present(names)
            fields = [self.schema.field(name) for name in present]
            schema = pa.schema(fields, self.schema.metadata)
            first = start
            for table in self.file.tables(present, start, stop):
                # The metadata have the labels of the whole file.
                labels = read_labels(table.schema.metadata)
                part = labels and labels.part(first, table.num_rows)
                yield conform(table, with_labels_of(schema, [add_labels(table, part)]))
                first += table.num_rows

    def _present(self, names: Sequence[str]) -> list[str]:
        found = self.file.names()
        # The index in a schema from pandas may be missing in the file.
        counts = Counter(found)
        names = [n for n in names if n in counts or not UNNAMED_INDEX.fullmatch(n)]
        for name in names:
            if counts[name] != 1:
                raise Unreadable(
                    f"it has {counts[name] or 'no'} columns {name!r}. Its columns are "
                    f"{', '.join(found)}."
                )
        return names

    def grows(self) -> bool:
        """Return whether the file may still grow, which formats with a footer cannot."""
        return not getattr(self.file, "whole", False) and is_being_written([self.path])

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            if not stat.S_ISREG(self.path.stat().st_mode):
                raise Unreadable("it is not a regular file.")
            yield
            check_unmoved(self.path)
        except (NotReady, OutsideReadable, StorageUnavailable):
            raise
        except FileNotFoundError as error:
            raise MissingFile(f"The file {self.path} does not exist.") from error
        except (StorageError, pa.ArrowException, OSError, ValueError) as error:
            if failure := take_failure([self.path]):
                raise failure from error
            text = f"The file {self.path} cannot be read: {error}"
            if not isinstance(error, StorageError) and self.grows():
                raise NotReady(f"{text} It is still being written.") from error
            raise Unreadable(text) from error


def iter_file_rows(
    partitions: Sequence[FilePartition], names: Sequence[str], rows: slice
) -> Iterator[pa.Table]:
    """Yield rows like `iter_rows`, but raise NotReady for rows that may still be written."""
    try:
        yield from iter_rows(partitions, names, rows)
    except NoSuchRows as error:
        if any(partition.grows() for partition in partitions):
            raise NotReady(f"{error} They are still being written.") from error
        raise
