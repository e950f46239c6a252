"""Stored sparse arrays: one Parquet file per block, with its elements.

The columns are `dim0`, `dim1`, ..., relative to the start of the block, and `data`. A block without
elements has no file.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet

from tiled_client.wire.errors import WireError
from tiled_client.wire.sparse import DATA, Coo, SparseStructure, dim_names

from . import tables
from .errors import SchemaMismatch, Unreadable

MIMETYPE = "application/x-parquet;structure=sparse"
# Kinds of dtypes that have a zero to omit, and an Arrow type.
KINDS = "biuf"


def parse_body(
    body: bytes, structure: SparseStructure, shape: Sequence[int], *, max_bytes: int
) -> Coo:
    """Parse a request body, an Arrow IPC file, into the elements of an array of `shape`.

    Columns are found by name; a pandas index is ignored. A compressed body may unpack to
    `max_bytes` bytes. Raises Malformed, Oversized, SchemaMismatch (no such columns, values of
    another kind), WireError (coordinates outside).
    """
    table = tables.parse_ipc(body, max_bytes)
    names = dim_names(len(shape))
    fields = [pa.field(name, pa.int64(), nullable=False) for name in names]
    native = structure.dtype.newbyteorder("=")
    fields.append(pa.field(DATA, pa.from_numpy_dtype(native), nullable=False))
    return Coo.from_arrow(tables.conform(table, pa.schema(fields)), shape)


def payload_of(body: bytes, elements: Coo) -> bytes:
    """Return a body for subscribers: unchanged if its types are the declared ones."""
    names = dim_names(len(elements.shape))
    if tables.is_ipc_file(body):
        schema = pa.ipc.open_file(pa.py_buffer(body)).schema
        plain = all(pa.types.is_integer(schema.field(name).type) for name in names)
        declared = pa.from_numpy_dtype(elements.data.dtype.newbyteorder("="))
        if plain and schema.field(DATA).type == declared:
            return body
    return tables.serialize_ipc(elements.to_arrow())


def block_file(block: Sequence[int], elements: Coo) -> tuple[str, memoryview]:
    """Return a new name and the content of a file with the elements of a block."""
    number = ".".join(map(str, block))
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(elements.to_arrow(), sink)
    return f"block-{number}-{secrets.token_hex(4)}.parquet", memoryview(sink.getvalue())


def parse_block(content: memoryview, shape: Sequence[int], name: str) -> Coo:
    """Read the elements of a block of `shape` from the file `name`. Raises Unreadable."""
    try:
        return Coo.from_arrow(pyarrow.parquet.read_table(pa.BufferReader(content)), shape)
    except (pa.ArrowException, OSError, WireError) as error:
        raise Unreadable(f"The block {name} cannot be read: {error}") from error


def check_dtype(structure: SparseStructure) -> None:
    """Raise SchemaMismatch for a dtype that cannot be stored."""
    dtype = structure.dtype
    if dtype.kind not in KINDS or dtype.itemsize > 8:
        raise SchemaMismatch(
            f"A sparse array holds booleans, integers or floats of up to 64 bits, not {dtype}."
        )
