"""Write Parquet files of any tables with the help of a confined process."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator

import pyarrow as pa

from . import confined_processes
from .confined.errors import ConfinedError, OperationFailed, PoolBusy, ProcessNotStarted
from .confined.pool import Call
from .errors import NotReady, StorageError, Unreadable


def parquet_chunks(schema: pa.Schema, tables: Iterable[pa.Table]) -> Iterator[memoryview]:
    """Yield the bytes of a Parquet file of `tables`, with a row group for each.

    Raises Unreadable for types that cannot be written, NotReady if no process is free.
    """
    session = uuid.uuid4().hex
    described = schema.serialize().to_pybytes()
    first = True
    try:
        for table in tables:
            yield _write(session, described, [table], first=first)
            first = False
        yield _write(session, described, [], first=first, last=True)
    finally:
        confined_processes.end_session(session)


def _write(
    session: str, schema: bytes, tables: list[pa.Table], *, first: bool, last: bool = False
) -> memoryview:
    arguments = {"schema": schema if first else b"", "first": first, "last": last}
    buffers = [_ipc(table) for table in tables]
    call = Call("parquet", arguments, buffers, file="a table", session=session)
    try:
        _, (piece,) = confined_processes.write(call)
    except ConfinedError as error:
        raise _storage_error(error) from error
    return piece


def _ipc(table: pa.Table) -> memoryview:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return memoryview(sink.getvalue())


def _storage_error(error: ConfinedError) -> StorageError:
    match error:
        case PoolBusy() | ProcessNotStarted() | OperationFailed(kinds=["LookupError", *_]):
            return NotReady(f"No process is free to write a Parquet file: {error}", retry_after=2)
    return Unreadable(
        f"This table cannot be written as Parquet: {error} Request another format, such as Arrow."
    )
