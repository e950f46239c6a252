"""Tables as request and response bodies: Arrow IPC files.

A body comes from anywhere: nothing of it is believed before it has been validated in full.
"""

from __future__ import annotations

import pyarrow as pa

from ..errors import Malformed
from ..mapped import Bytes
from .dictionaries import one_dictionary_each

FILE_MAGIC = b"ARROW1"


def parse_ipc(body: Bytes) -> pa.Table:
    """The table in a body: an Arrow IPC file, or a stream. Raises Malformed."""
    if not body:
        raise Malformed("The body is empty, where an Arrow IPC file is expected.")
    try:
        table = _read(body)
        table.validate(full=True)
        _ = table.column_names  # Texts too, which are only now decoded.
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        raise Malformed(
            f"The body of {len(body)} bytes is not a whole Arrow IPC file: {error}"
        ) from error
    _check_length(table, body)
    return table


def is_ipc_file(body: Bytes) -> bool:
    """Whether a body is an Arrow IPC file, not a stream."""
    return bytes(body[: len(FILE_MAGIC)]) == FILE_MAGIC


def serialize_ipc(table: pa.Table) -> bytes:
    """The table as an Arrow IPC file."""
    sink = pa.BufferOutputStream()
    # The file format knows one dictionary for each column; batches may each have their own.
    table = one_dictionary_each(table)
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _read(body: Bytes) -> pa.Table:
    buffer = pa.py_buffer(body)
    if is_ipc_file(body):
        return pa.ipc.open_file(buffer).read_all()
    return pa.ipc.open_stream(buffer).read_all()


def _check_length(table: pa.Table, body: Bytes) -> None:
    """Refuse a small body that claims any number of rows: a column of nulls takes no bytes."""
    if table.num_rows > 8 * len(body) and any(
        pa.types.is_null(kind) or pa.types.is_run_end_encoded(kind) for kind in table.schema.types
    ):
        raise Malformed(f"A body of {len(body)} bytes cannot bring {table.num_rows} rows.")
