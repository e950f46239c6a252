"""Parquet files are written in a process that may crash; the table is refused then."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet
import pytest

from catalog.storage.errors import Unreadable
from catalog.storage.parquet_export import parquet_chunks


def test_a_table_is_written_piece_by_piece_and_read_back() -> None:
    schema = pa.schema({"n": pa.int64(), "text": pa.string()}, {"made": "here"})
    tables = [
        pa.table({"n": range(start, start + 5), "text": ["x" * 50_000] * 5}, schema)
        for start in (0, 5)
    ]
    pieces = list(parquet_chunks(schema, tables))
    file = pyarrow.parquet.ParquetFile(io.BytesIO(b"".join(pieces)))
    assert file.num_row_groups == 2
    assert file.read().equals(pa.concat_tables(tables), check_metadata=True)
    empty = io.BytesIO(b"".join(parquet_chunks(schema, [])))
    assert pyarrow.parquet.read_table(empty).schema.equals(schema)


@pytest.mark.parametrize("kind", [pa.string(), pa.binary()])
def test_a_type_that_ends_the_writer_is_refused(kind: pa.DataType) -> None:
    table = pa.table({"x": pa.array([[], []], pa.list_(kind, 0))})
    with pytest.raises(Unreadable, match=r"cannot be written as Parquet: .*SIG"):
        list(parquet_chunks(table.schema, [table]))
    fine = pa.table({"x": [1]})
    assert list(parquet_chunks(fine.schema, [fine]))
