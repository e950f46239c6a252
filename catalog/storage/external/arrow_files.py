"""Arrow IPC files, read batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import TableStructure

from ..bucket_files.paths import ObjectPath
from ..tables.ranges import within
from .formats import Format, Inspected
from .magic_bytes import check_complete
from .rows import TableFile
from .sources import Sources

ARROW = "application/vnd.apache.arrow.file"


@dataclass(frozen=True, slots=True)
class ArrowFile:
    """The rows of an Arrow IPC file, in its own types."""

    path: Path
    whole: ClassVar[bool] = True

    def names(self) -> list[str]:
        """Return the names of the columns."""
        with self._open() as file:
            return list(file.schema.names)

    def count(self) -> int:
        """Return the number of rows, reading only one column of each batch."""
        with self._open([0] if self.names() else None) as file:
            return sum(file.get_batch(n).num_rows for n in range(file.num_record_batches))

    def tables(self, names: Sequence[str], start: int, stop: int | None) -> Iterator[pa.Table]:
        """Yield the rows from `start` to `stop`, or to the end, batch by batch."""
        places = {name: number for number, name in enumerate(self.names())}
        with self._open(sorted(places[name] for name in names)) as file:
            before = 0
            for number in range(file.num_record_batches):
                if stop is not None and before >= stop:
                    return
                batch = file.get_batch(number)
                for rows in within(batch, before, start, stop):
                    yield rows.select(names)
                before += batch.num_rows

    @contextmanager
    def _open(self, columns: list[int] | None = None) -> Iterator[pa.RecordBatchFileReader]:
        check_complete(self.path, b"ARROW1", "Arrow")
        options = pa.ipc.IpcReadOptions(included_fields=columns)
        # Not mapped: if its writer truncates the file, touching a mapped page kills the process.
        with _source(self.path) as source:
            yield pa.ipc.open_file(source, options=options)


def _source(path: Path) -> pa.NativeFile:
    if isinstance(path, ObjectPath):
        return pa.PythonFile(path.open("rb"), "r")
    return pa.OSFile(str(path))


def open_arrow(path: Path, schema: pa.Schema, parameters: Mapping[str, Any]) -> TableFile:
    """Open an Arrow IPC file."""
    return ArrowFile(path)


def inspect_arrow(sources: Sources, mimetype: str) -> Inspected:
    """Return the schema of the first file, and the number of rows of all."""
    check_complete(sources.paths[0], b"ARROW1", "Arrow")
    with _source(sources.paths[0]) as file:
        schema = pa.ipc.open_file(file).schema
    structure = TableStructure.from_schema(schema, npartitions=len(sources.paths))
    rows = sum(ArrowFile(path).count() for path in sources.paths)
    return Inspected(StructureFamily.table, mimetype, structure, rows=rows)


FORMATS = (Format((ARROW,), (".arrow", ".feather"), open_table=open_arrow, inspect=inspect_arrow),)
