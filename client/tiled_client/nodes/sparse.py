"""Client object of sparse arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import tables
from ..casting import cast_exactly
from ..http.operations import operation
from ..sparse import decode_elements, to_coo, to_elements
from ..wire.errors import WireError
from ..wire.slices import as_index, format_slice, sliced_shape
from ..wire.sparse import Coo, SparseStructure
from ..wire.structure_family import StructureFamily
from .classes import DASK
from .data_node import DataNode
from .structured import ChunkedOperations


class SparseOperations(ChunkedOperations[SparseStructure]):
    """A sparse array, as both clients have it."""

    _structure_class = SparseStructure

    @operation
    async def read(self, slice: Any = ...) -> Any:
        """Fetch the array, or a slice of it.

        Parameters
        ----------
        slice
            The part to fetch, as in `numpy.s_[:, 0]`.

        Returns
        -------
        sparse.COO

        Examples
        --------
        >>> coordinates = np.array([[0, 2], [1, 3]])
        >>> s = client.write_sparse(coordinates, np.array([1.5, 2.5]), (3, 4), key="s")
        >>> s.read().nnz
        2
        """
        return to_coo(await self._fetch("array/full", {}, self.shape, slice))

    @operation
    async def __getitem__(self, index: Any) -> Any:
        """Fetch a slice; an integer for each dimension gives a scalar. Raises IndexError."""
        elements = await self._fetch("array/full", {}, self.shape, index)
        return to_coo(elements) if elements.shape else elements.data.sum(dtype=elements.data.dtype)

    @operation
    async def read_elements(self, slice: Any = ...) -> Coo:
        """Fetch the array, or a slice of it, as numpy arrays of coordinates and values.

        Parameters
        ----------
        slice
            The part to fetch, as in `numpy.s_[:, 0]`.

        Returns
        -------
        Coo
            `coords`, with a row for each dimension, `data` and `shape`.

        Raises
        ------
        IndexError
            If the slice does not fit the array.

        Examples
        --------
        >>> coordinates = np.array([[0, 2], [1, 3]])
        >>> s = client.write_sparse(coordinates, np.array([1.5, 2.5]), (3, 4), key="s")
        >>> s.read_elements().data
        array([1.5, 2.5])
        """
        return await self._fetch("array/full", {}, self.shape, slice)

    @operation
    async def read_block(self, block: Sequence[int], slice: Any = ...) -> Any:
        """Fetch one chunk, or a slice of it, as a `sparse.COO`.

        Parameters
        ----------
        block
            The number of the chunk along each dimension.
        slice
            The part of the chunk to fetch.

        Returns
        -------
        sparse.COO
            The elements.

        Raises
        ------
        IndexError
            If there is no such chunk, or the slice does not fit it.
        """
        number, shape = self._block(block)
        return to_coo(await self._fetch("array/block", {"block": number}, shape, slice))

    @operation
    async def todense(self) -> np.ndarray[Any, Any]:
        """Fetch the array as a dense numpy array.

        Returns
        -------
        numpy.ndarray
            All elements, those that are not stored included.
        """
        elements = await self._fetch("array/full", {}, self.shape, ...)
        dense: np.ndarray[Any, Any] = to_coo(elements).todense()
        return dense

    @operation
    async def write(self, coords: Any, data: Any = None, *, persist: bool = True) -> None:
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
        await self._write(coords, data, persist=persist)

    async def _write(self, coords: Any, data: Any = None, *, persist: bool = True) -> None:
        await self._send_elements("array/full", {}, self.shape, coords, data, persist)

    @operation
    async def write_block(
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
        number, shape = self._block(block)
        await self._send_elements("array/block", {"block": number}, shape, coords, data, persist)

    async def _fetch(
        self, endpoint: str, params: dict[str, Any], whole: tuple[int, ...], index: Any
    ) -> Coo:
        items = as_index(index, len(whole))
        try:
            shape = sliced_shape(whole, items)
        except WireError as error:
            raise IndexError(str(error)) from error
        if any(item != slice(None) for item in items):
            params = {**params, "slice": format_slice(items)}
        response = await self._requests.get(
            endpoint, self._path, params=params, accept=tables.ARROW
        )
        return decode_elements(response.content, shape)

    async def _send_elements(
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
        await self._send("PUT", endpoint, body, tables.ARROW, params, persist=persist)


class SparseClient(SparseOperations, DataNode, family=StructureFamily.sparse):
    """A sparse array on a server; `x[...]` fetches a slice, as a `sparse.COO`.

    Examples
    --------
    >>> s = client.write_sparse(np.array([[0, 2], [1, 3]]), np.array([1.5, 2.5]), (3, 4), key="s")
    >>> s[:, 1].todense()
    array([1.5, 0. , 0. ])
    """

    @property
    def dask(self) -> Any:
        """The same node with lazy reads: a `DaskSparseClient`, whose `read()` is a dask array."""
        return self._built_for(DASK)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise TypeError(f"{self!r} is sparse: use `todense()` to fetch it as a numpy array")
