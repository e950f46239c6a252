"""Structure of sparse arrays, and their elements as coordinates and values (COO)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .chunks import block_region, is_size, read_chunks, read_dims, read_object, read_sizes
from .dtypes import BuiltinDType, DType, dtype_from_json, dtype_from_numpy
from .errors import WireError
from .slices import NDSlice, sliced_shape

if TYPE_CHECKING:
    import pyarrow

Array = np.ndarray[Any, Any]

COO = "COO"
DATA = "data"
# The dtype of coordinates where a structure has none.
DEFAULT_COORD_DTYPE = BuiltinDType("little", "u", 8)


@dataclass(frozen=True, slots=True)
class SparseStructure:
    """Shape, chunks and dtype of a sparse array, and the dtype of its coordinates."""

    data_type: DType
    shape: tuple[int, ...]
    chunks: tuple[tuple[int, ...], ...]
    coord_data_type: BuiltinDType = DEFAULT_COORD_DTYPE
    dims: tuple[str, ...] | None = None
    resizable: bool = False

    @classmethod
    def from_coo(
        cls, coords: Array, data: Array, shape: Sequence[int], *, dims: Sequence[str] | None = None
    ) -> SparseStructure:
        """Return the structure, of one chunk, of `data` at `coords` (a row per dimension).

        Parameters
        ----------
        coords
            Coordinates of the elements, one row per dimension.
        data
            The value of each element.
        shape
            Shape of the array.
        dims
            Names of the dimensions.

        Returns
        -------
        SparseStructure
        """
        return cls(
            dtype_from_numpy(data.dtype),
            tuple(map(int, shape)),
            tuple((int(size),) for size in shape),
            BuiltinDType.from_numpy(coords.dtype),
            tuple(dims) if dims else None,
        )

    @classmethod
    def from_json(cls, value: Any) -> SparseStructure:
        """Read JSON. Raises WireError unless shape, chunks and dims agree.

        Parameters
        ----------
        value
            The JSON value, as the server sends it.

        Returns
        -------
        SparseStructure

        Raises
        ------
        WireError
            If the value is not valid.
        """
        value = read_object(value, "A sparse array's structure")
        if value.get("layout", COO) != COO:
            raise WireError(f"The layout of a sparse array must be {COO!r}.")
        shape = read_sizes(value.get("shape"), "shape")
        coordinates = value.get("coord_data_type")
        return cls(
            dtype_from_json(value.get("data_type")),
            shape,
            read_chunks(value, shape),
            DEFAULT_COORD_DTYPE if coordinates is None else _coordinates(coordinates, shape),
            read_dims(value, len(shape)),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON value.

        Returns
        -------
        dict
            The JSON value.
        """
        return {
            "chunks": [list(dimension) for dimension in self.chunks],
            "shape": list(self.shape),
            "data_type": self.data_type.to_json(),
            "coord_data_type": self.coord_data_type.to_json(),
            "dims": list(self.dims) if self.dims is not None else None,
            "resizable": self.resizable,
            "layout": COO,
        }

    @property
    def dtype(self) -> np.dtype[Any]:
        """The numpy dtype of the elements."""
        return self.data_type.to_numpy()

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


@dataclass(frozen=True, slots=True, eq=False)
class Coo:
    """Elements of an array of `shape`: `data` at `coords`, an int64 row per dimension.

    All other elements are zero. Values at the same coordinates are added.
    """

    coords: Array
    data: Array
    shape: tuple[int, ...]

    @classmethod
    def from_arrow(cls, table: pyarrow.Table, shape: Sequence[int]) -> Coo:
        """Read columns `dim0`, `dim1`, ..., `data`. Raises WireError if they do not fit `shape`."""
        names = [*dim_names(len(shape)), DATA]
        missing = [name for name in names if name not in table.column_names]
        if missing:
            raise WireError(f"The column {missing[0]!r} is missing; there must be {names}.")
        *coords, data = (table[name].to_numpy() for name in names)
        for name, column, size in zip(names, coords, shape, strict=False):
            _check_within(name, column, size)
        rows = np.array(coords, np.int64).reshape(len(shape), len(data))
        return cls(rows, data, tuple(shape))

    def to_arrow(self, coordinates: np.dtype[Any] | None = None) -> pyarrow.Table:
        """Return the elements as a table, with coordinates of this dtype, by default int64."""
        import pyarrow

        rows = self.coords if coordinates is None else self.coords.astype(coordinates)
        columns = dict(zip(dim_names(len(rows)), rows, strict=True))
        data = self.data.astype(self.data.dtype.newbyteorder("="), copy=False)
        return pyarrow.table({**columns, DATA: data})

    def select(self, items: NDSlice) -> Coo:
        """Return a slice, as numpy would; an integer drops its dimension. Raises WireError."""
        shape = sliced_shape(self.shape, items)
        inside = np.ones(len(self.data), bool)
        rows = []
        for row, size, item in zip(self.coords, self.shape, items, strict=False):
            if isinstance(item, int):
                inside &= row == item % size
                continue
            wanted = range(*item.indices(size))
            steps, rest = np.divmod(row - wanted.start, wanted.step)
            inside &= (rest == 0) & (steps >= 0) & (steps < len(wanted))
            rows.append(steps)
        rows += list(self.coords[len(items) :])
        kept = np.array([row[inside] for row in rows], np.int64)
        data = self.data[inside]
        return Coo(kept.reshape(len(shape), len(data)), data, shape)

    def move_into(self, offset: Sequence[int], shape: Sequence[int]) -> Coo:
        """Return the elements as part of an array of `shape`, moved by `offset`."""
        begin = np.array(offset, np.int64).reshape(-1, 1)
        return Coo(self.coords + begin, self.data, tuple(shape))

    def sliced(self, items: NDSlice) -> Coo:
        """Return `select(items)`. Deprecated: the old name, kept for one release."""
        warnings.warn("Coo.sliced is deprecated: use select.", DeprecationWarning, stacklevel=2)
        return self.select(items)

    def placed(self, offset: Sequence[int], shape: Sequence[int]) -> Coo:
        """Return `move_into(offset, shape)`. Deprecated: the old name, kept for one release."""
        warnings.warn("Coo.placed is deprecated: use move_into.", DeprecationWarning, stacklevel=2)
        return self.move_into(offset, shape)

    @property
    def nbytes(self) -> int:
        """The size of coordinates and values in bytes."""
        return int(self.coords.nbytes + self.data.nbytes)


def concatenate(parts: Sequence[Coo], shape: Sequence[int], dtype: np.dtype[Any]) -> Coo:
    """Return the elements of all `parts` of an array of `shape`."""
    coords = [np.empty((len(shape), 0), np.int64), *(part.coords for part in parts)]
    data = [np.empty(0, dtype), *(part.data.astype(dtype, copy=False) for part in parts)]
    return Coo(np.concatenate(coords, axis=1), np.concatenate(data), tuple(shape))


def dim_names(ndim: int) -> list[str]:
    """Return the names of the columns of coordinates."""
    return [f"dim{number}" for number in range(ndim)]


def _check_within(name: str, column: Array, size: int) -> None:
    if column.dtype.kind not in "iu":
        raise WireError(f"The column {name!r} must hold integers without nulls.")
    if len(column) and not (column.min() >= 0 and column.max() < size):
        outside = int(column.min() if column.min() < 0 else column.max())
        raise WireError(f"The coordinate {outside} of {name!r} is not from 0 to {size - 1}.")


def _coordinates(value: Any, shape: Sequence[int]) -> BuiltinDType:
    found = dtype_from_json(value)
    if not isinstance(found, BuiltinDType) or found.kind not in "iu":
        raise WireError(f"coord_data_type must be an integer type, not {value!r}.")
    largest = np.iinfo(found.to_numpy()).max
    if not all(is_size(size) and size - 1 <= largest for size in shape):
        raise WireError(
            f"coord_data_type {found.to_numpy()} is too small for the shape {list(shape)}."
        )
    return found
