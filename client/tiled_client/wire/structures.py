"""Structures of nodes: shape, chunks and dtype of an array, schema of a table."""

from __future__ import annotations

import base64
import binascii
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .awkward import AwkwardStructure
from .bytes_structure import BytesStructure
from .chunks import block_region, read_chunks, read_codec, read_dims, read_object, read_sizes
from .dtypes import DType, dtype_from_json, dtype_from_numpy
from .errors import WireError
from .ragged import RaggedStructure
from .sparse import SparseStructure
from .structure_family import StructureFamily

if TYPE_CHECKING:
    import pyarrow

ARROW_SCHEMA_PREFIX = "data:application/vnd.apache.arrow.file;base64,"


@dataclass(frozen=True, slots=True)
class ArrayStructure:
    """Shape, chunks (sizes along each dimension), dtype and compression of an array."""

    data_type: DType
    shape: tuple[int, ...]
    chunks: tuple[tuple[int, ...], ...]
    dims: tuple[str, ...] | None = None
    resizable: bool = False
    codec: str | None = None

    @classmethod
    def from_array(
        cls, array: np.ndarray[Any, Any], *, dims: Sequence[str] | None = None
    ) -> ArrayStructure:
        """Return the structure of `array`, as one chunk.

        Parameters
        ----------
        array
            A numpy array.
        dims
            Names of the dimensions.

        Returns
        -------
        ArrayStructure
        """
        return cls(
            dtype_from_numpy(array.dtype),
            array.shape,
            tuple((size,) for size in array.shape),
            tuple(dims) if dims else None,
        )

    @classmethod
    def from_json(cls, value: Any) -> ArrayStructure:
        """Read JSON. Raises WireError unless shape, chunks and dims agree.

        Parameters
        ----------
        value
            The JSON value, as the server sends it.

        Returns
        -------
        ArrayStructure

        Raises
        ------
        WireError
            If the value is not valid.
        """
        value = read_object(value, "An array's structure")
        shape = read_sizes(value.get("shape"), "shape")
        return cls(
            dtype_from_json(value.get("data_type")),
            shape,
            read_chunks(value, shape),
            read_dims(value, len(shape)),
            codec=read_codec(value),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON value.

        Returns
        -------
        dict
            The JSON value.
        """
        return {
            "data_type": self.data_type.to_json(),
            "chunks": [list(dimension) for dimension in self.chunks],
            "shape": list(self.shape),
            "dims": list(self.dims) if self.dims is not None else None,
            "resizable": self.resizable,
            **({} if self.codec is None else {"codec": self.codec}),
        }

    @property
    def dtype(self) -> np.dtype[Any]:
        """The numpy dtype."""
        return self.data_type.to_numpy()

    @property
    def nbytes(self) -> int:
        """Size of the whole array in bytes."""
        return math.prod(self.shape) * self.dtype.itemsize

    def block_region(self, block: Sequence[int]) -> tuple[slice, ...]:
        """Return the region that chunk number `block` covers. Raises WireError if there is none.

        Parameters
        ----------
        block
            The number of the chunk along each dimension.

        Returns
        -------
        tuple of slice
            A slice for each dimension.

        Raises
        ------
        WireError
            If there is no such chunk.
        """
        return block_region(self.chunks, block)

    def with_shape(self, shape: Sequence[int]) -> ArrayStructure:
        """Return the structure grown to `shape`: chunks of the first one's size, the last shorter.

        Parameters
        ----------
        shape
            The new size along each dimension. A dimension that keeps its size keeps its chunks.

        Returns
        -------
        ArrayStructure
        """
        chunks = tuple(
            sizes if before == size else _regular_chunks(size, max(sizes[0] if sizes else 0, 1))
            for sizes, before, size in zip(self.chunks, self.shape, shape, strict=True)
        )
        return replace(self, shape=tuple(shape), chunks=chunks)

    def grown_to(self, shape: Sequence[int]) -> ArrayStructure:
        """Return `with_shape(shape)`. Deprecated: the old name, kept for one release.

        Parameters
        ----------
        shape
            The new shape, which is nowhere smaller.

        Returns
        -------
        ArrayStructure
        """
        message = "ArrayStructure.grown_to is deprecated: use with_shape."
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return self.with_shape(shape)


@dataclass(frozen=True, slots=True)
class TableStructure:
    """Schema, partitions and columns of a table.

    `arrow_schema` is a data URI of an Arrow IPC schema message, kept unchanged. `columns` does not
    include the index of a DataFrame.
    """

    arrow_schema: str
    npartitions: int
    columns: tuple[str, ...]
    resizable: bool = False

    @classmethod
    def from_schema(cls, schema: pyarrow.Schema, *, npartitions: int = 1) -> TableStructure:
        """Return the structure of a table of this Arrow schema.

        Parameters
        ----------
        schema
            The Arrow schema.
        npartitions
            The number of partitions.

        Returns
        -------
        TableStructure
        """
        encoded = base64.b64encode(schema.serialize().to_pybytes()).decode()
        # A RangeIndex is described by an object in the metadata, and has no column.
        index = (schema.pandas_metadata or {}).get("index_columns") or ()
        columns = tuple(name for name in schema.names if name not in index)
        return cls(ARROW_SCHEMA_PREFIX + encoded, npartitions, columns)

    @classmethod
    def from_json(cls, value: Any) -> TableStructure:
        """Read JSON; the schema itself is not validated. Raises WireError.

        Parameters
        ----------
        value
            The JSON value, as the server sends it.

        Returns
        -------
        TableStructure

        Raises
        ------
        WireError
            If the value is not valid.
        """
        value = read_object(value, "A table's structure")
        arrow_schema = value.get("arrow_schema")
        if not isinstance(arrow_schema, str) or not arrow_schema.startswith(ARROW_SCHEMA_PREFIX):
            raise WireError(
                f"arrow_schema must be a string that starts with {ARROW_SCHEMA_PREFIX!r}."
            )
        npartitions = value.get("npartitions")
        if not isinstance(npartitions, int) or isinstance(npartitions, bool) or npartitions < 1:
            raise WireError(f"npartitions must be an integer of at least 1, not {npartitions!r}.")
        columns = value.get("columns")
        if not isinstance(columns, (list, tuple)) or not all(isinstance(c, str) for c in columns):
            raise WireError(f"columns must be a list of names, not {columns!r}.")
        reserved = [name for name in columns if name.startswith("_")]
        if reserved:
            raise WireError(f"Column names must not start with an underscore: {reserved[0]!r}.")
        return cls(arrow_schema, npartitions, tuple(columns))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON value.

        Returns
        -------
        dict
            The JSON value.
        """
        return {
            "arrow_schema": self.arrow_schema,
            "npartitions": self.npartitions,
            "columns": list(self.columns),
            "resizable": self.resizable,
        }

    def schema(self) -> pyarrow.Schema:
        """Return the Arrow schema. Raises WireError if `arrow_schema` does not contain one.

        Returns
        -------
        pyarrow.Schema
            The types of the columns, those of an index included.
        """
        import pyarrow

        try:
            encoded = self.arrow_schema.removeprefix(ARROW_SCHEMA_PREFIX)
            return pyarrow.ipc.read_schema(pyarrow.py_buffer(base64.b64decode(encoded)))
        except (binascii.Error, ValueError, OSError, pyarrow.ArrowException) as error:
            raise WireError("arrow_schema is not an Arrow IPC schema message in base64.") from error


Structure = (
    ArrayStructure
    | TableStructure
    | SparseStructure
    | RaggedStructure
    | AwkwardStructure
    | BytesStructure
)

_KINDS: dict[StructureFamily, type[Structure]] = {
    StructureFamily.array: ArrayStructure,
    StructureFamily.table: TableStructure,
    StructureFamily.sparse: SparseStructure,
    StructureFamily.ragged: RaggedStructure,
    StructureFamily.awkward: AwkwardStructure,
    StructureFamily.bytes: BytesStructure,
}


_FAMILIES = {kind: family for family, kind in _KINDS.items()}


def family_of(structure: Structure) -> StructureFamily:
    """Return the family of the nodes that have such a structure.

    Parameters
    ----------
    structure
        The structure of a node.

    Returns
    -------
    StructureFamily
        Its family.
    """
    return _FAMILIES[type(structure)]


def structure_from_json(family: StructureFamily, value: Any) -> Structure:
    """Read the structure of a node with data. Raises WireError for families that have none."""
    if family not in _KINDS:
        raise WireError(f"The structure family {family.value!r} has no structure.")
    return _KINDS[family].from_json(value)


def has_structure(family: str) -> bool:
    """Return whether nodes of this family have a structure, in this version of the protocol."""
    return family in _KINDS


def _regular_chunks(size: int, chunk: int) -> tuple[int, ...]:
    whole, rest = divmod(size, chunk)
    return (chunk,) * whole + ((rest,) if rest else ()) or (0,)
