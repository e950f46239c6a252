"""Writing Parquet files in a process of its own: the writer is large, and written in C++.

A file is written table by table; what there is of it is handed over after each of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from .confined.reader import Operation, Reply, Request


class OpenParquetWriter:
    """A file that is being written."""

    def __init__(self, schema: pa.Schema) -> None:
        self._sink = _Sink()
        self._writer = pyarrow.parquet.ParquetWriter(pa.PythonFile(self._sink, "w"), schema)

    def write(self, table: pa.Table) -> None:
        """Write rows."""
        self._writer.write_table(table)

    def drain(self) -> bytes:
        """What was written since the last time."""
        parts, self._sink.parts = self._sink.parts, []
        return b"".join(parts)

    def close(self) -> None:
        """Write the end of the file."""
        self._writer.close()


class _Sink:
    """A file of which is taken away what was written."""

    closed = False

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self._size = 0

    def write(self, data: Any) -> int:
        """Keep it until it is taken."""
        self.parts.append(bytes(data))
        self._size += len(self.parts[-1])
        return len(self.parts[-1])

    def tell(self) -> int:
        """Return how much was written."""
        return self._size

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing more will come."""


def prepare(arguments: Mapping[str, Any]) -> None:
    """There is nothing more to import."""


def write(request: Request) -> Reply:
    """Write the tables that the buffers hold; the first call begins a file, the last ends it."""
    assert request.session is not None
    file = request.sessions.get(request.session)
    if request.arguments["first"]:
        schema = pa.ipc.read_schema(pa.py_buffer(request.arguments["schema"]))
        file = OpenParquetWriter(schema)
        request.sessions.put(request.session, file)
    if file is None:
        raise LookupError("the file that was begun is gone.")
    assert isinstance(file, OpenParquetWriter)
    for buffer in request.buffers:
        file.write(pa.ipc.open_stream(pa.py_buffer(buffer)).read_all())
    if request.arguments["last"]:
        file.close()
    return Reply(buffers=[file.drain()])


OPERATIONS: Mapping[str, Operation] = {"parquet": write}
