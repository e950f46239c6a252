"""Rows as messages of an Arrow IPC stream, which can be appended to other rows of the schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple, TypeAlias

import pyarrow as pa

from ..errors import SchemaMismatch

Rows: TypeAlias = "pa.Table | Iterable[pa.Table]"
"""A table, or at least one table to concatenate."""


class Messages(NamedTuple):
    """IPC messages of `rows` rows, with their dictionaries: they can follow any of the schema."""

    data: memoryview
    rows: int


def header_and_rows(rows: Rows) -> tuple[bytes, Iterator[Messages]]:
    """Return the IPC message of the schema, and the messages of the rows of each table."""
    pieces = iter([rows] if isinstance(rows, pa.Table) else rows)
    header, first = _messages(next(pieces))
    return header, chain([first], (_messages(piece)[1] for piece in pieces))


def check_schema(found: pa.Schema, header: bytes) -> None:
    """Raise SchemaMismatch for other columns; labels may differ, and stay those of `found`."""
    if not pa.ipc.read_schema(pa.py_buffer(header)).equals(found, check_metadata=False):
        raise SchemaMismatch("The schema of the rows differs from that of this partition.")


def _messages(table: pa.Table) -> tuple[bytes, Messages]:
    header: bytes = table.schema.serialize().to_pybytes()
    sink = pa.BufferOutputStream()
    writer = pa.ipc.new_stream(sink, table.schema)
    if table.num_rows:
        writer.write_table(table)
    end = sink.tell()
    writer.close()
    data = memoryview(sink.getvalue())[len(header) : max(end, len(header))]
    return header, Messages(data, table.num_rows)
