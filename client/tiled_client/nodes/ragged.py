"""Client object of ragged arrays."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import nested
from ..arguments import flag, whole_numbers
from ..http.operations import operation
from ..wire.buffers import ragged_body
from ..wire.ragged import RaggedStructure
from ..wire.slices import as_index, format_slice
from ..wire.structure_family import StructureFamily
from .data_node import DataNode
from .display.texts import joined
from .structured import StructuredOperations

_ALL = slice(None)


class RaggedOperations(StructuredOperations[RaggedStructure]):
    """Rows of different lengths, as both clients have them."""

    _structure_class = RaggedStructure
    _full_endpoint = "ragged/full"

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The number of rows, then the size along each dimension; None if it varies."""
        return self.structure.shape

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.structure.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """The numpy dtype of the elements."""
        return self.structure.dtype

    @property
    def chunks(self) -> tuple[tuple[int, ...] | None, ...]:
        """The number of rows of each chunk; other dimensions are not divided."""
        return self.structure.chunks

    @property
    def dims(self) -> tuple[str, ...] | None:
        """The names of the dimensions, if they have any."""
        return self.structure.dims

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @operation
    async def read(self, slice: Any = ...) -> Any:
        """Fetch all rows, or a slice.

        Parameters
        ----------
        slice
            The part to fetch, as in `numpy.s_[1:, 0]`.

        Returns
        -------
        ragged.array or scalar
            A scalar if the slice has an integer for each dimension.
        """
        return await self._read(slice)

    async def _read(self, slice: Any) -> Any:
        result = await self._read_awkward(slice)
        return nested.to_ragged(result) if hasattr(result, "layout") else result

    @operation
    async def __getitem__(self, index: Any) -> Any:
        """Fetch a slice."""
        return await self._read(index)

    @operation
    async def read_awkward(self, slice: Any = ...) -> Any:
        """Fetch all rows, or a slice, as an `awkward.Array`.

        Parameters
        ----------
        slice
            The part to fetch, as in `numpy.s_[1:, 0]`.

        Returns
        -------
        awkward.Array or scalar
            A scalar if the slice has an integer for each dimension.
        """
        return await self._read_awkward(slice)

    async def _read_awkward(self, slice: Any) -> Any:
        items = as_index(slice, self.ndim)
        params = {} if all(item == _ALL for item in items) else {"slice": format_slice(items)}
        is_scalar = all(isinstance(item, int) for item in items)
        accept = nested.JSON if is_scalar else nested.ZIP
        response = await self._requests.get("ragged/full", self._path, params=params, accept=accept)
        if is_scalar:
            return self.dtype.type(json.loads(response.content))
        return nested.decode_ragged(response.content)

    @operation
    async def write(self, array: Any, *, persist: bool = True) -> None:
        """Replace all rows.

        Parameters
        ----------
        array
            As many rows as are stored.
        persist
            If False, the data are streamed to subscribers and not stored.
        """
        rows = self._to_rows(array)
        await self._send_rows("PUT", "ragged/full", rows, {}, persist=persist)

    @operation
    async def write_block(
        self, array: Any, block: int | Sequence[int], *, persist: bool = True
    ) -> None:
        """Replace the rows of one chunk.

        Parameters
        ----------
        array
            As many rows as the chunk has.
        block
            The number of the chunk.
        persist
            If False, the data are streamed to subscribers and not stored.
        """
        await self._write_block(array, block, persist=persist)

    async def _write_block(
        self, array: Any, block: int | Sequence[int], *, persist: bool = True
    ) -> None:
        number = whole_numbers(block, "block", minimum=0)
        rows = self._to_rows(array)
        await self._send_rows("PUT", "ragged/block", rows, {"block": number}, persist=persist)

    @operation
    async def patch(
        self, array: Any, offset: int | Sequence[int], extend: bool = False, persist: bool = True
    ) -> None:
        """Replace rows from `offset` on.

        Parameters
        ----------
        array
            The new rows.
        offset
            The number of the first row to replace.
        extend
            Let the array grow if the rows reach beyond its end; rows between the former end and
            `offset` are empty.
        persist
            If False, the data are streamed to subscribers and not stored.

        Raises
        ------
        Conflict
            If the rows reach beyond the end, and `extend` is False.
        """
        await self._patch(array, offset, extend, persist)

    async def _patch(
        self, array: Any, offset: int | Sequence[int], extend: bool, persist: bool
    ) -> None:
        start = whole_numbers(offset, "offset", minimum=0)
        if len(start) != 1:
            raise ValueError(f"offset must be the number of a row, not {start}")
        extend, rows = flag(extend, "extend"), self._to_rows(array)
        params = {"offset": start, "extend": extend, "shape": len(rows)}
        structure = await self._send_rows(
            "PATCH", "ragged/full", rows, params, persist=persist, repeatable=not extend
        )
        if isinstance(structure, dict):
            self._resource.structure = RaggedStructure.from_json(structure)

    @operation
    async def append(self, array: Any) -> None:
        """Add rows after the last one that this client object knows of.

        Parameters
        ----------
        array
            The new rows, as for `patch`.

        Raises
        ------
        ValueError
            If the rows have another number of dimensions, or a value would change.
        """
        await self._patch(array, self.structure.rows, extend=True, persist=True)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        raise TypeError("rows of different lengths are not a numpy array: use read()")

    def _facts(self) -> str:
        dims = f"dims={self.dims}" if self.dims else ""
        return joined(f"shape={self.shape}", f"size={self.size}", f"dtype={self.dtype}", dims)

    def _to_rows(self, array: Any) -> Any:
        rows = nested.to_rows(array, self.dtype)
        if len(rows) and rows.ndim != self.ndim:
            raise ValueError(
                f"data of {rows.ndim} dimensions do not fit the array of {self.ndim} dimensions: "
                "pass a list of rows, as in [[1, 2]] for one row"
            )
        return rows

    async def _send_rows(
        self, method: str, endpoint: str, rows: Any, params: Mapping[str, Any], **options: Any
    ) -> Any:
        body = ragged_body(rows)
        response = await self._send(method, endpoint, body, nested.ZIP, params, **options)
        return response.value()


class RaggedClient(RaggedOperations, DataNode, family=StructureFamily.ragged):
    """Rows of different lengths on a server; reading gives a `ragged.array`.

    Examples
    --------
    >>> r = client.write_ragged([[1, 2], [3]], key="r")
    >>> r.append([[4, 5, 6]])
    >>> r[1:].tolist()
    [[3], [4, 5, 6]]
    """
