"""Sparse arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import tables as frames
from ..casting import cast_exactly
from ..sparse import decode_elements, to_coo, to_elements
from ..wire.errors import WireError
from ..wire.slices import expand_index, format_slice, sliced_shape
from ..wire.sparse import Coo, SparseStructure
from ..wire.structure_family import StructureFamily
from .structured import ChunkedNode


class SparseClient(ChunkedNode[SparseStructure], family=StructureFamily.sparse):
    """A sparse array on a server; reading gives a `sparse.COO`. `x[...]` fetches just that slice.

    >>> s = client.write_sparse(np.array([[0, 2], [1, 3]]), np.array([1.5, 2.5]), (3, 4), key="s")
    >>> s[:, 1].todense()
    array([1.5, 0. , 0. ])
    """

    _structure_class = SparseStructure

    def read(self, slice: Any = ...) -> Any:
        """Fetch the array, or a slice of it, as a `sparse.COO`."""
        return to_coo(self.read_elements(slice))

    def __getitem__(self, index: Any) -> Any:
        """Fetch a slice; all integers give a scalar, as with numpy. Raises IndexError."""
        elements = self.read_elements(index)
        return to_coo(elements) if elements.shape else elements.data.sum(dtype=elements.data.dtype)

    def read_elements(self, slice: Any = ...) -> Coo:
        """As `read`, as coordinates and values in numpy arrays."""
        return self._fetch("array/full", {}, self.shape, slice)

    def read_block(self, block: Sequence[int], slice: Any = ...) -> Any:
        """Fetch one chunk by its number along each dimension, or a slice of it."""
        params = {"block": tuple(block)}
        return to_coo(self._fetch("array/block", params, self._block_shape(block), slice))

    def todense(self) -> np.ndarray[Any, Any]:
        """Fetch the array in full: every element, zeros too."""
        dense: np.ndarray[Any, Any] = self.read().todense()
        return dense

    def write(self, coords: Any, data: Any = None, *, persist: bool = True) -> None:
        """Replace all elements by `data` at `coords`, a row per dimension; or by a `sparse.COO`.

        With `persist=False` only subscribers get to see it.
        """
        self._send("array/full", {}, self.shape, coords, data, persist)

    def write_block(
        self, coords: Any, data: Any = None, block: Sequence[int] = (), *, persist: bool = True
    ) -> None:
        """Replace the elements of one chunk; coordinates count from where the chunk begins."""
        params = {"block": tuple(block)}
        self._send("array/block", params, self._block_shape(block), coords, data, persist)

    def __repr__(self) -> str:
        dims = f" dims={self.dims}" if self.dims else ""
        return f"<SparseClient shape={self.shape} chunks={self.chunks} dtype={self.dtype}{dims}>"

    def _block_shape(self, block: Sequence[int]) -> tuple[int, ...]:
        return tuple(part.stop - part.start for part in self.structure.block_region(block))

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
        answer = self._http.get(endpoint, self._path, params=params, accept=frames.ARROW)
        return decode_elements(answer.content, shape)

    def _send(
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
        if not persist:
            params = {**params, "persist": False}
        body = frames.encode(Coo(elements.coords, values, shape).to_arrow())
        self._http.send("PUT", endpoint, self._path, body, frames.ARROW, params=params)
