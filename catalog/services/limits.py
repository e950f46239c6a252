"""Limits that no node may exceed: beyond them a database, a file format or a library fails.

They are checked before anything is stored. Limits that a site can configure are in `core.bounds`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import pyarrow as pa

from core.bounds import bounds, exceeded
from core.errors import Invalid
from tiled_client.wire.awkward import AwkwardStructure
from tiled_client.wire.buffers import awkward_form, check_list_sizes
from tiled_client.wire.data_sources import Asset
from tiled_client.wire.ragged import RaggedStructure
from tiled_client.wire.sparse import SparseStructure
from tiled_client.wire.structures import ArrayStructure, Structure, TableStructure

from ..storage import ragged, sparse

# tensorstore supports 32, of which one may be needed for the bytes of an element.
MAX_DIMENSIONS = 31
MAX_ARRAY_BYTES = 1 << 60
# Rows that were never written are generated when they are read.
MAX_RAGGED_ROWS = 100_000_000
MAX_PARAMETER_CHARS = 255
# Coordinates are 64-bit integers.
MAX_SPARSE_LENGTH = 2**62
MAX_ASSET_NUMBER = 2**31 - 1
MAX_ASSET_BYTES = 2**63 - 1


def check_structure(structure: Structure | None) -> None:
    """Raise Invalid, WireError or SchemaMismatch for data that cannot be stored."""
    match structure:
        case ArrayStructure():
            _check_array(structure)
            check_size(structure, structure.shape)
        case SparseStructure():
            _check_sparse(structure)
        case RaggedStructure():
            _check_ragged(structure)
        case AwkwardStructure():
            check_list_sizes(awkward_form(structure.form))
        case TableStructure():
            _check_partitions("Partitions of the table", structure.npartitions)
            _check_columns(structure)


def check_size(structure: ArrayStructure, shape: Sequence[int]) -> None:
    """Raise Invalid if the array of `structure`, once grown to `shape`, would be too large."""
    if nominal_bytes(structure, shape) > MAX_ARRAY_BYTES:
        raise Invalid(f"An array of shape {list(shape)} and dtype {structure.dtype} is too large.")
    count = sum(
        len(sizes) if before == size else -(-size // max(sizes[0] if sizes else 0, 1))
        for sizes, before, size in zip(structure.chunks, structure.shape, shape, strict=True)
    )
    if count > bounds().chunks:
        what = f"Chunk sizes of an array of shape {list(shape)}"
        raise Invalid(f"{exceeded(what, count, 'chunks')} Create the array with larger chunks.")


def check_rows(structure: RaggedStructure) -> None:
    """Raise Invalid for a ragged array with too many rows."""
    known = [size or 1 for size in structure.shape]
    if math.prod(known) > MAX_RAGGED_ROWS:
        raise Invalid(
            f"A ragged array has at most {MAX_RAGGED_ROWS} rows, counted with dimensions of fixed "
            f"size, not {math.prod(known)}."
        )


def nominal_bytes(structure: ArrayStructure, shape: Sequence[int]) -> int:
    """Return the size of `shape` in bytes, counting a dimension of length 0 as length 1.

    An array without elements takes no bytes, but its other dimensions take text and memory.
    """
    return math.prod(max(size, 1) for size in shape) * structure.dtype.itemsize


def check_asset(asset: Asset) -> None:
    """Raise Invalid for an asset that does not fit its database row."""
    if asset.parameter is not None and len(asset.parameter) > MAX_PARAMETER_CHARS:
        raise Invalid(f"An asset's parameter has at most {MAX_PARAMETER_CHARS} characters.")
    for name, value, most in (
        ("num", asset.num, MAX_ASSET_NUMBER),
        ("size", asset.size, MAX_ASSET_BYTES),
    ):
        if value is not None and not 0 <= value <= most:
            raise Invalid(f"An asset's {name} must be null or from 0 to {most}, not {value}.")


def _check_array(structure: ArrayStructure) -> None:
    if len(structure.shape) > MAX_DIMENSIONS:
        raise Invalid(
            f"An array has at most {MAX_DIMENSIONS} dimensions, not {len(structure.shape)}."
        )
    if not structure.dtype.itemsize:
        raise Invalid("The elements of an array must be of at least one byte: itemsize is 0.")
    _check_dims(structure)


def _check_sparse(structure: SparseStructure) -> None:
    if len(structure.shape) > MAX_DIMENSIONS:
        raise Invalid(
            f"An array has at most {MAX_DIMENSIONS} dimensions, not {len(structure.shape)}."
        )
    if any(size > MAX_SPARSE_LENGTH for size in structure.shape):
        raise Invalid(f"A dimension of a sparse array is at most {MAX_SPARSE_LENGTH} long.")
    _check_partitions("Chunks of the sparse array", math.prod(map(len, structure.chunks)))
    sparse.check_dtype(structure)
    _check_dims(structure)


def _check_ragged(structure: RaggedStructure) -> None:
    if len(structure.shape) > MAX_DIMENSIONS:
        raise Invalid(
            f"An array has at most {MAX_DIMENSIONS} dimensions, not {len(structure.shape)}."
        )
    _check_partitions("Chunks of the ragged array", len(structure.row_chunks))
    check_rows(structure)
    ragged.check_dtype(structure)
    _check_dims(structure)


def _check_dims(structure: ArrayStructure | SparseStructure | RaggedStructure) -> None:
    """Raise Invalid if dimensions of different lengths have one name.

    bluesky's TiledWriter gives dimensions of one length one name.
    """
    sizes: dict[str, int | None] = {}
    for name, size in zip(structure.dims or (), structure.shape, strict=False):
        if name and sizes.setdefault(name, size) != size:
            raise Invalid(
                f"The dims of an array must differ where its dimensions differ in length: {name!r} "
                f"has {sizes[name]} and {size}."
            )


def _check_partitions(what: str, count: int) -> None:
    if count > bounds().partitions:
        raise Invalid(exceeded(what, count, "partitions"))


def _check_columns(structure: TableStructure) -> None:
    count = max(len(structure.columns), _fields(structure.schema()))
    if count > bounds().columns:
        raise Invalid(exceeded("Columns of the table", count, "columns"))


def _fields(schema: pa.Schema) -> int:
    """Return the number of fields, including those of structs and lists at any depth."""
    pending = list(schema)
    count = 0
    while pending:
        kind = pending.pop().type
        count += 1
        pending += [kind.field(number) for number in range(kind.num_fields)]
    return count
