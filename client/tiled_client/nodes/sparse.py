"""Client object of sparse arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import tables
from ..casting import cast_exactly
from ..sparse import decode_elements, to_coo, to_elements
from ..wire.errors import WireError
from ..wire.slices import expand_index, format_slice, sliced_shape
from ..wire.sparse import Coo, SparseStructure
from ..wire.structure_family import StructureFamily
from .structured import ChunkedNode


class SparseClient(ChunkedNode[SparseStructure], family=StructureFamily.sparse):
    """A sparse array on a server; `x[...]` fetches a slice, as a `sparse.COO`.

    Examples
    --------
    >>> s = client.write_sparse(np.array([[0, 2], [1, 3]]), np.array([1.5, 2.5]), (3, 4), key="s")
    >>> s[:, 1].todense()
    array([1.5, 0. , 0. ])
    """

    _structure_class = SparseStructure

    def read(self, slice: Any = ...) -> Any:
        """Fetch the array, or a slice of it.

        Parameters
        ----------
        slice
            The part to fetch, as in `numpy.s_[:, 0]`.

        Returns
        -------
        sparse.COO
        """
        return to_coo(self.read_elements(slice))

    def __getitem__(self, index: Any) -> Any:
        """Fetch a slice; an integer for each dimension gives a scalar. Raises IndexError."""
        elements = self.read_elements(index)
        return to_coo(elements) if elements.shape else elements.data.sum(dtype=elements.data.dtype)

    def read_elements(self, slice: Any = ...) -> Coo:
        """Fetch the array, or a slice of it, as numpy arrays of coordinates and values."""
        return self._fetch("array/full", {}, self.shape, slice)

    def read_block(self, block: Sequence[int], slice: Any = ...) -> Any:
        """Fetch one chunk, or a slice of it, as a `sparse.COO`.

        Parameters
        ----------
        block
            The number of the chunk along each dimension.
        slice
            The part of the chunk to fetch.
        """
        params = {"block": tuple(block)}
        return to_coo(self._fetch("array/block", params, self._block_shape(block), slice))

    def todense(self) -> np.ndarray[Any, Any]:
        """Fetch the array as a dense numpy array."""
        dense: np.ndarray[Any, Any] = self.read().todense()
        return dense

    def write(self, coords: Any, data: Any = None, *, persist: bool = True) -> None:
        """Replace all elements.

        Parameters
        ----------
        coords
            Coordinates, one row per dimension; or a `sparse.COO`, given alone.
        data
            The value of each element.
        persist
            If False, the data are streamed to subscribers and not stored.
        """
        self._send_elements("array/full", {}, self.shape, coords, data, persist)

    def write_block(
        self, coords: Any, data: Any = None, block: Sequence[int] = (), *, persist: bool = True
    ) -> None:
        """Replace the elements of one chunk.

        Parameters
        ----------
        coords
            Coordinates, relative to the start of the chunk; or a `sparse.COO`.
        data
            The value of each element.
        block
            The number of the chunk along each dimension.
        persist
            If False, the data are streamed to subscribers and not stored.
        """
        params = {"block": tuple(block)}
        self._send_elements("array/block", params, self._block_shape(block), coords, data, persist)

    def __repr__(self) -> str:
        dims = f" dims={self.dims}" if self.dims else ""
        return f"<SparseClient shape={self.shape} chunks={self.chunks} dtype={self.dtype}{dims}>"

    def _fetch(
        self, endpoint: str, params: dict[str, Any], whole: tuple[int, ...], index: Any
    ) -> Coo:
        items = expand_index(index, len(whole))
        try:
            shape = sliced_shape(whole, items)
        except WireError as error:
            raise IndexError(str(error)) from error
        if any(item != slice(None) for item in items):
            params = {**params, "slice": format_slice(items)}
        response = self._http.get(endpoint, self._path, params=params, accept=tables.ARROW)
        return decode_elements(response.content, shape)

    def _send_elements(
        self,
        endpoint: str,
        params: dict[str, Any],
        shape: tuple[int, ...],
        coords: Any,
        data: Any,
        persist: bool,
    ) -> None:
        elements = to_elements(coords, data, shape)
        values = cast_exactly(elements.data, self.dtype)
        body = tables.encode(Coo(elements.coords, values, shape).to_arrow())
        self._send("PUT", endpoint, body, tables.ARROW, params, persist=persist)
