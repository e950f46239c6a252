"""Parquet files, read by row groups, with one batch in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import TableStructure

from ..bucket_files.paths import ObjectPath
from ..errors import Unreadable
from ..tables.ranges import within
from .formats import Format, Inspected
from .magic_bytes import check_complete
from .rows import TableFile
from .sources import Sources

PARQUET = "application/x-parquet"

BATCH_ROWS = 65536
BATCH_BYTES = 16 * 1024 * 1024
BUFFER = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ParquetFile:
    """The rows of a Parquet file, in its own types."""

    path: Path
    whole: ClassVar[bool] = True

    def names(self) -> list[str]:
        """Return the names of the columns."""
        with self._open() as file:
            return list(file.schema_arrow.names)

    def count(self) -> int:
        """Return the number of rows."""
        with self._open() as file:
            return int(file.metadata.num_rows)

    def tables(self, names: Sequence[str], start: int, stop: int | None) -> Iterator[pa.Table]:
        """Yield the rows from `start` to `stop`, or to the end, batch by batch."""
        with self._open() as file:
            groups, before = _groups(file.metadata, start, stop)
            batch_rows = _batch_rows(file.metadata, groups)
            seconds = self._seconds(file, batch_rows, groups, names)
            for batch in file.iter_batches(batch_rows, groups, columns=list(names)):
                _check_times(batch, next(seconds, None))
                # Parquet takes "a.b" also for the field b of a column a: select by exact name.
                yield from within(batch.select(list(names)), before, start, stop)
                before += batch.num_rows

    def _seconds(
        self, file: pq.ParquetFile, batch_rows: int, groups: Sequence[int], names: Sequence[str]
    ) -> Iterator[pa.RecordBatch]:
        """Yield the same batches with INT96 times in seconds, where there are such columns."""
        schema = file.metadata.schema
        columns = [schema.column(number) for number in range(len(schema))]
        old = {one.path for one in columns if one.physical_type == "INT96"} & set(names)
        if old:
            with self._open(coerce_int96_timestamp_unit="s") as again:
                yield from again.iter_batches(batch_rows, groups, columns=sorted(old))

    def _open(self, **options: Any) -> pq.ParquetFile:
        check_complete(self.path, b"PAR1", "Parquet")
        # Not mapped: its writer may truncate the file. Not read ahead: a row group may be large.
        return pq.ParquetFile(
            _source(self.path), memory_map=False, buffer_size=BUFFER, pre_buffer=False, **options
        )


def _source(path: Path) -> Any:
    return pa.PythonFile(path.open("rb"), "r") if isinstance(path, ObjectPath) else path


def _check_times(batch: pa.RecordBatch, seconds: pa.RecordBatch | None) -> None:
    """Raise Unreadable for INT96 times outside 1677 to 2262, which overflow in nanoseconds."""
    if seconds is None:
        return
    for name in seconds.schema.names:
        times = batch[name].cast(pa.timestamp("s"), safe=False).cast(pa.int64())
        apart = pc.subtract(times, seconds[name].cast(pa.int64()))
        # The two conversions round times before 1970 in different directions.
        if pc.max(pc.abs(apart)).as_py() not in (None, 0, 1):
            raise Unreadable(
                f"its column {name!r} has INT96 times that overflow in nanoseconds: rewrite the "
                "file with times in microseconds."
            )


def _batch_rows(metadata: pq.FileMetaData, groups: Sequence[int]) -> int:
    """Return the number of rows per batch: fewer for wide rows, such as whole waveforms."""
    found = [metadata.row_group(number) for number in groups]
    widest = max((group.total_byte_size // max(group.num_rows, 1) for group in found), default=0)
    return min(max(BATCH_BYTES // max(widest, 1), 1), BATCH_ROWS)


def _groups(metadata: pq.FileMetaData, start: int, stop: int | None) -> tuple[list[int], int]:
    """Return the row groups of these rows, and the number of rows before them."""
    groups: list[int] = []
    before = end = 0
    for number in range(metadata.num_row_groups):
        begin, end = end, end + metadata.row_group(number).num_rows
        if end <= start:
            before = end
        elif stop is None or begin < stop:
            groups.append(number)
    return groups, before


def open_parquet(path: Path, schema: pa.Schema, parameters: Mapping[str, Any]) -> TableFile:
    """Open a Parquet file."""
    return ParquetFile(path)


def inspect_parquet(sources: Sources, mimetype: str) -> Inspected:
    """Return the schema of the first file, and the number of rows of all."""
    check_complete(sources.paths[0], b"PAR1", "Parquet")
    schema = pq.read_schema(_source(sources.paths[0]))
    structure = TableStructure.from_schema(schema, npartitions=len(sources.paths))
    rows = sum(ParquetFile(path).count() for path in sources.paths)
    return Inspected(StructureFamily.table, mimetype, structure, rows=rows)


FORMATS = (Format((PARQUET,), (".parquet",), open_table=open_parquet, inspect=inspect_parquet),)
