"""Write Parquet files in a confined process: the writer is a large C++ library that may crash.

A file is written table by table; the bytes written so far are returned after each of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from .confined.reader import Operation, ReaderRequest, Reply


class OpenParquetWriter:
    """A Parquet file that is being written; stays open from request to request."""

    def __init__(self, schema: pa.Schema) -> None:
        self._sink = _Sink()
        self._writer = pyarrow.parquet.ParquetWriter(pa.PythonFile(self._sink, "w"), schema)

    def write(self, table: pa.Table) -> None:
        """Write rows."""
        self._writer.write_table(table)

    def drain(self) -> bytes:
        """Return the bytes written since the last call."""
        parts, self._sink.parts = self._sink.parts, []
        return b"".join(parts)

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()


class _Sink:
    """A write-only file object that keeps its bytes until `drain`."""

    closed = False

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self._size = 0

    def write(self, data: Any) -> int:
        """Keep the bytes until `drain`."""
        self.parts.append(bytes(data))
        self._size += len(self.parts[-1])
        return len(self.parts[-1])

    def tell(self) -> int:
        """Return how much was written."""
        return self._size

    def flush(self) -> None:
        """Do nothing: there is no buffer."""

    def close(self) -> None:
        """Do nothing: the bytes stay until `drain`."""


def prepare(arguments: Mapping[str, Any]) -> None:
    """Do nothing: this module imports all it needs."""


def write(request: ReaderRequest) -> Reply:
    """Write the tables in the buffers; the first call begins a file, the last one ends it."""
    assert request.session is not None
    file = request.sessions.get(request.session)
    if request.arguments["first"]:
        schema = pa.ipc.read_schema(pa.py_buffer(request.arguments["schema"]))
        file = OpenParquetWriter(schema)
        request.sessions.put(request.session, file)
    if file is None:
        raise LookupError("The file of this session is no longer open.")
    assert isinstance(file, OpenParquetWriter)
    for buffer in request.buffers:
        file.write(pa.ipc.open_stream(pa.py_buffer(buffer)).read_all())
    if request.arguments["last"]:
        file.close()
    return Reply(buffers=[file.drain()])


OPERATIONS: Mapping[str, Operation] = {"parquet": write}
