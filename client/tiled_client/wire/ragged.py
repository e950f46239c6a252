"""Structure of ragged arrays: rows of different lengths, of numbers of one dtype."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .chunks import is_size, read_dims, read_object, read_sizes
from .dtypes import DType, dtype_from_json
from .errors import WireError

Shape = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class RaggedStructure:
    """Shape, chunks, dtype and number of elements (`size`) of a ragged array.

    Only rows are divided into chunks. A dimension whose size varies from row to row is None in
    `shape`.
    """

    data_type: DType
    shape: Shape
    size: int
    chunks: tuple[tuple[int, ...] | None, ...]
    dims: tuple[str, ...] | None = None
    resizable: bool = False

    @classmethod
    def from_json(cls, value: Any) -> RaggedStructure:
        """Read JSON. Raises WireError unless shape, chunks and dims agree.

        Parameters
        ----------
        value
            The JSON value, as the server sends it.

        Returns
        -------
        RaggedStructure

        Raises
        ------
        WireError
            If the value is not valid.
        """
        value = read_object(value, "A ragged array's structure")
        shape = _shape(value.get("shape"))
        size = value.get("size")
        if not is_size(size):
            raise WireError(f"size must be the number of elements, not {size!r}.")
        return cls(
            dtype_from_json(value.get("data_type")),
            shape,
            size,
            _chunks(value, shape),
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
            "data_type": self.data_type.to_json(),
            "shape": list(self.shape),
            "size": self.size,
            "chunks": [None if sizes is None else list(sizes) for sizes in self.chunks],
            "dims": list(self.dims) if self.dims is not None else None,
            "resizable": self.resizable,
        }

    @property
    def dtype(self) -> np.dtype[Any]:
        """The numpy dtype of the elements."""
        return self.data_type.to_numpy()

    @property
    def rows(self) -> int:
        """The number of rows."""
        rows = self.shape[0]
        assert rows is not None
        return rows

    @property
    def row_chunks(self) -> tuple[int, ...]:
        """The number of rows of each chunk."""
        sizes = self.chunks[0]
        assert sizes is not None
        return sizes

    def block_rows(self, block: Sequence[int]) -> range:
        """Return the rows of chunk number `block`. Raises WireError if there is none.

        Numbers after the first may be left out, or are 0: only rows are divided into chunks.

        Parameters
        ----------
        block
            The number of the chunk.

        Returns
        -------
        range
            The numbers of its rows.

        Raises
        ------
        WireError
            If there is no such chunk.
        """
        if not 1 <= len(block) <= len(self.shape) or any(block[1:]):
            raise WireError(
                f"Block {','.join(map(str, block))} is not a chunk of rows: use one number, as "
                "block=0."
            )
        sizes = self.row_chunks
        if not 0 <= block[0] < len(sizes):
            raise WireError(
                f"Block index {block[0]} is out of range: there are {len(sizes)} chunks."
            )
        start = sum(sizes[: block[0]])
        return range(start, start + sizes[block[0]])

    def with_rows(self, rows: int, size: int) -> RaggedStructure:
        """Return the structure with `rows` rows and `size` elements; new rows form a chunk.

        Parameters
        ----------
        rows
            The number of rows.
        size
            The number of elements.

        Returns
        -------
        RaggedStructure
        """
        chunks = self.row_chunks
        if rows > self.rows:
            chunks = (*chunks, rows - self.rows)
        return replace(
            self,
            shape=(rows, *self.shape[1:]),
            size=size,
            chunks=(chunks, *self.chunks[1:]),
        )


def _shape(value: Any) -> Shape:
    if (
        not isinstance(value, (list, tuple))
        or not value
        or not is_size(value[0])
        or not all(size is None or is_size(size) for size in value)
    ):
        raise WireError(
            "The shape of a ragged array must be the number of rows, then a size or null for each "
            f"further dimension, not {value!r}."
        )
    return tuple(value)


def _chunks(value: Mapping[str, Any], shape: Shape) -> tuple[tuple[int, ...] | None, ...]:
    chunks = value.get("chunks")
    if not isinstance(chunks, (list, tuple)) or len(chunks) != len(shape):
        raise WireError(f"chunks must be a list with an entry per dimension, not {chunks!r}.")
    rows, *others = (None if part is None else read_sizes(part, "chunks") for part in chunks)
    if rows is None or sum(rows) != shape[0]:
        raise WireError(f"The chunks of the rows, {chunks[0]!r}, do not add up to {shape[0]}.")
    for part, size in zip(others, shape[1:], strict=True):
        if part is not None and part != (size,):
            raise WireError(
                f"Only rows are divided into chunks: {list(part)} does not match the size {size}."
            )
    return (rows, *others)
