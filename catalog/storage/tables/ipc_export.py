"""Serialize tables as an Arrow IPC file that is written while it is sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from .dictionaries import has_dictionary
from .ipc_bodies import serialize_ipc
from .kinds import empty


def ipc_chunks(schema: pa.Schema, tables: Iterable[pa.Table]) -> Iterator[bytes]:
    """Yield an Arrow IPC file of `tables`, all of `schema`, with a chunk of bytes for each.

    The format has one dictionary per column, known only with the last batch: a table with
    dictionaries is one chunk.
    """
    if any(has_dictionary(kind) for kind in schema.types):
        yield serialize_ipc(pa.concat_tables([empty(schema), *tables]))
        return
    sink = _Sink()
    with pa.ipc.new_file(pa.PythonFile(sink, "w"), schema) as writer:
        for table in tables:
            writer.write_table(table)
            yield sink.drain()
    yield sink.drain()


class _Sink:
    """A writable file; `drain` returns and removes the bytes written so far."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def write(self, data: Any) -> int:
        """Keep the bytes until `drain`."""
        view = memoryview(data)
        self._parts.append(view.tobytes() if view.nbytes < 1 << 16 else data)
        self._size += view.nbytes
        return view.nbytes

    def tell(self) -> int:
        """Return how much was written."""
        return self._size

    def flush(self) -> None:
        """Do nothing: there is no buffer."""

    def close(self) -> None:
        """Do nothing: the bytes stay until `drain`."""

    def drain(self) -> bytes:
        """Return the bytes written since the last call."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
