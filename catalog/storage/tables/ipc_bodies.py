"""Tables as request and response bodies: Arrow IPC files.

A body is untrusted: it is validated in full before it is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa

from core.mapped_files import BytesLike, is_mapped, release

from ..errors import Malformed, Oversized
from .dictionaries import one_dictionary_each
from .kinds import empty
from .sizes import unpacked_size

FILE_MAGIC = b"ARROW1"
# Bytes of a large batch that are validated or stored at a time.
MAX_SLICE_BYTES = 8 << 20
# Default limit of the unpacked size of a body.
MAX_UNPACKED_BYTES = 256 << 20


def received_tables(body: BytesLike, max_bytes: int = MAX_UNPACKED_BYTES) -> Iterable[pa.Table]:
    """Return the table in a body as an iterable of tables; raise Malformed.

    A body may unpack to `max_bytes`, or to its own size; raise Oversized beyond that. The result
    can be iterated several times.

    A mapped Arrow IPC file is read batch by batch, and a large batch in slices; pages that were
    read are released. A compressed batch is unpacked as a whole.
    """
    if is_mapped(body) and is_ipc_file(body):
        check_unpacked(body, max_bytes)
        return _Pieces(body)
    return [parse_ipc(body, max_bytes)]


@dataclass(frozen=True, slots=True)
class _Pieces:
    body: BytesLike

    def __iter__(self) -> Iterator[pa.Table]:
        with _malformed(self.body):
            reader = pa.ipc.open_file(pa.py_buffer(self.body))
            _ = reader.schema.names  # Decodes the strings, too, which raises for invalid UTF-8.
        if not reader.num_record_batches:
            yield empty(reader.schema)
        for number in range(reader.num_record_batches):
            with _malformed(self.body):
                batch = reader.get_batch(number)
                batch.validate()  # before its untrusted offsets are used to compute its size
            for rows in slice_batch(batch):
                yield self._checked(rows)
                release(self.body)

    def _checked(self, rows: pa.RecordBatch) -> pa.Table:
        with _malformed(self.body):
            rows.validate(full=True)
        table = pa.Table.from_batches([rows])
        _check_length(table, self.body)
        return table


def slice_batch(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Split a batch into slices of about `MAX_SLICE_BYTES`."""
    count = -(-batch.nbytes // MAX_SLICE_BYTES)
    step = max(-(-batch.num_rows // max(count, 1)), 1)
    if step >= batch.num_rows:
        yield batch
        return
    for start in range(0, batch.num_rows, step):
        yield batch.slice(start, step)


def parse_ipc(body: BytesLike, max_bytes: int = MAX_UNPACKED_BYTES) -> pa.Table:
    """Parse an Arrow IPC file or stream into a table. Raise Malformed, Oversized."""
    if not body:
        raise Malformed("The body is empty; send an Arrow IPC file.")
    check_unpacked(body, max_bytes)
    with _malformed(body):
        table = _read(body)
        table.validate(full=True)
        _ = table.column_names  # Decodes the strings, too, which raises for invalid UTF-8.
    _check_length(table, body)
    return table


def check_unpacked(body: BytesLike, max_bytes: int) -> None:
    """Raise Oversized if the compressed buffers of a body take more than `max_bytes` bytes."""
    _check_size(unpacked_size(body), body, max_bytes)


def _check_size(size: int, body: BytesLike, max_bytes: int) -> None:
    if size > max(len(body), max_bytes):
        raise Oversized(
            f"The body of {len(body)} bytes unpacks to {size} bytes; at most {max_bytes} bytes are "
            "allowed (bounds.unpacked_body). Send it uncompressed, or in several requests."
        )


def is_ipc_file(body: BytesLike) -> bool:
    """Return whether a body is an Arrow IPC file, not a stream."""
    return bytes(body[: len(FILE_MAGIC)]) == FILE_MAGIC


def serialize_ipc(table: pa.Table) -> bytes:
    """Return the table as an Arrow IPC file."""
    sink = pa.BufferOutputStream()
    # The file format has one dictionary per column, but batches may have different ones.
    table = one_dictionary_each(table)
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


@contextmanager
def _malformed(body: BytesLike) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        raise Malformed(
            f"The body of {len(body)} bytes is not a complete Arrow IPC file: {error}"
        ) from error


def _read(body: BytesLike) -> pa.Table:
    buffer = pa.py_buffer(body)
    if is_ipc_file(body):
        return pa.ipc.open_file(buffer).read_all()
    return pa.ipc.open_stream(buffer).read_all()


def _check_length(table: pa.Table, body: BytesLike) -> None:
    """Raise Malformed for more rows than bits in a body: a column of nulls takes no bytes."""
    if table.num_rows > 8 * len(body) and any(
        pa.types.is_null(kind) or pa.types.is_run_end_encoded(kind) for kind in table.schema.types
    ):
        raise Malformed(f"A body of {len(body)} bytes cannot hold {table.num_rows} rows.")
