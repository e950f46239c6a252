"""Reading of arrays: slices, chunks and reductions, in requests of bounded size."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import InvalidResponse
from ..http.operations import operation
from ..http.responses import OCTETS, MemorySink
from ..regions import Region, Selection, narrow, select, split_cells, split_region
from ..wire.reductions import Reduction
from ..wire.slices import NDSlice, as_index, expand_index, format_slice, sliced_shape
from ..wire.structures import ArrayStructure
from .structured import ChunkedOperations

Array = np.ndarray[Any, np.dtype[Any]]

# Attempts of a read while the array grows between the request for its shape and that for its data.
MAX_READ_ATTEMPTS = 4
# Responses up to this size are received as a whole, larger ones in parts.
SMALL_BYTES = 1 << 16


class ArrayReading(ChunkedOperations[ArrayStructure]):
    """The operations of an array that fetch data."""

    @operation
    async def read(self, slice: Any = ..., *, reduce: str | None = None) -> Array:
        """Fetch the array, with its current length, or a part or a reduction of it.

        Parameters
        ----------
        slice
            The part to fetch, as `numpy.s_[::4, ::4]` or its text.
        reduce
            How the server makes the part smaller: "mean:4,4" fetches the mean of each cell of 4 x 4
            elements along the last axes; also "sum", "min" and "max".

        Returns
        -------
        numpy.ndarray
            The elements. The dtype of a mean or a sum is wider than that of the array, see the
            reference of the protocol.

        Raises
        ------
        ValueError
            If the array cannot be reduced in this way.
        IndexError
            If the slice does not fit the array.

        Examples
        --------
        >>> x.read(reduce="mean:2")
        array([1.5, 3. ])
        """
        index = as_index(slice, self.ndim) if isinstance(slice, str) else slice
        if reduce is None:
            return np.asarray(await self._read_slice(index))
        return await self._read_reduced(index, reduce)

    async def _read_reduced(self, index: Any, reduce: str) -> Array:
        reduction = Reduction.parse(reduce)
        for _ in range(MAX_READ_ATTEMPTS):
            array = await self._fetch_reduced(expand_index(index, self.ndim), reduction)
            if array is not None:
                return array
            await self._refresh()
        raise InvalidResponse(
            f"The reduction of {self.uri} does not match its shape {self.shape}: the array grows, "
            "or the server does not support reduce."
        )

    @operation
    async def __getitem__(self, index: Any) -> Any:
        """Fetch a slice; an integer for each dimension gives a scalar. Raises IndexError."""
        return await self._read_slice(index)

    @operation
    async def read_block(self, block: Sequence[int], index: Any = ...) -> Array:
        """Fetch one chunk, or a slice of it.

        Parameters
        ----------
        block
            The number of the chunk along each dimension.
        index
            The part of the chunk to fetch, as in `numpy.s_[:, 0]`.

        Returns
        -------
        numpy.ndarray
            The elements.

        Raises
        ------
        IndexError
            If there is no such chunk, or the part does not fit it.

        Examples
        --------
        >>> x.read_block(0)
        array([1, 2, 3])
        """
        items = as_index(index, self.ndim)
        number, block_shape = self._block(block)
        shape = sliced_shape(block_shape, items)
        if 0 in shape:
            return np.empty(shape, self.dtype)
        result = np.empty(shape, self.dtype)
        params = {"block": number, "slice": _slice_param(items)}
        if not await self._fill(result, "array/block", params):
            raise InvalidResponse(
                f"The server sent other than the {result.nbytes} bytes of {shape}."
            )
        return result

    async def _read_slice(self, index: Any) -> Any:
        for _ in range(MAX_READ_ATTEMPTS):
            selection = select(expand_index(index, self.ndim), self.shape)
            array = await self._fetch(selection)
            if array is not None:
                flipped = array[selection.flip]
                is_scalar = index not in (..., (...,)) and not flipped.shape
                return flipped[()] if is_scalar else flipped
            # The array has grown since its shape was fetched.
            await self._refresh()
        raise InvalidResponse(f"The data of {self.uri} do not match its shape {self.shape}.")

    async def _fetch(self, selection: Selection) -> Array | None:
        """Return the data, or None if they are not of the expected shape: the array has grown."""
        if 0 in selection.shape:
            if 0 in (before := self.shape):
                # It was empty when it was last described, as an array is before its first frame.
                await self._refresh()
                if self.shape != before:
                    return None
            return np.empty(selection.shape, self.dtype)
        limit = self._requests.options.bytes_per_request
        if math.prod(selection.shape) * self.dtype.itemsize <= limit:
            return await self._fetch_part(selection.items, selection.shape)
        if selection.whole:
            # All parts have to be of one shape, so it is fetched just before them.
            before = self.shape
            await self._refresh()
            if self.shape != before:
                return None
        result = np.empty(selection.shape, self.dtype)

        async def fill(region: Region) -> bool:
            items = narrow(selection.items, self.shape, region)
            return await self._fill(result[region], "array/full", {"slice": _slice_param(items)})

        regions = list(split_region(selection.shape, self.dtype.itemsize, limit))
        return result if all(await self._requests.map(fill, regions)) else None

    async def _fetch_part(self, items: NDSlice, shape: tuple[int, ...]) -> Array | None:
        result = np.empty(shape, self.dtype)
        complete = await self._fill(result, "array/full", {"slice": _slice_param(items)})
        return result if complete else None

    async def _fill(self, target: Array, endpoint: str, params: Mapping[str, Any]) -> bool:
        """Fetch data into an array; return False if they are of another size: it has grown."""
        cache = self._requests.cache
        limit = SMALL_BYTES if cache is None else cache.max_item_bytes
        if target.nbytes <= limit or not target.flags.c_contiguous:
            content = await self._octets(endpoint, params)
            if len(content) != target.nbytes:
                return False
            target[...] = np.frombuffer(content, self.dtype).reshape(target.shape)
            return True
        # As they arrive: another copy of everything takes longer than all else in the client.
        sink = MemorySink(target.reshape(-1).view(np.uint8).data)
        await self._requests.get(endpoint, self._path, params=params, accept=OCTETS, sink=sink)
        return sink.complete

    async def _fetch_reduced(self, items: NDSlice, reduction: Reduction) -> Array | None:
        """Return the reduced data, or None if they are not of the expected shape."""
        shape = select(items, self.shape).shape
        reduction.check(self.dtype, len(shape))
        result = np.empty(reduction.shape(shape), reduction.dtype(self.dtype))

        async def fill(part: tuple[Region, NDSlice]) -> bool:
            cells, source = part
            params = {"slice": _slice_param(source), "reduce": reduction.text}
            content = await self._octets("array/full", params)
            if len(content) != result[cells].nbytes:
                return False
            result[cells] = np.frombuffer(content, result.dtype).reshape(result[cells].shape)
            return True

        limit = self._requests.options.bytes_per_request
        parts = list(split_cells(items, self.shape, reduction, result.itemsize, limit))
        complete = not result.size or all(await self._requests.map(fill, parts))
        return result if complete else None

    async def _octets(self, endpoint: str, params: Mapping[str, Any]) -> bytes:
        response = await self._requests.get(endpoint, self._path, params=params, accept=OCTETS)
        return response.content


def _slice_param(items: NDSlice) -> str | None:
    return None if all(item == slice(None) for item in items) else format_slice(items)
