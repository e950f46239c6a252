"""Client object of arrays."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..arguments import flag, whole_numbers
from ..casting import cast_exactly
from ..errors import InvalidResponse
from ..http.operations import operation, run
from ..http.request import Body
from ..http.responses import OCTETS
from ..regions import blocks
from ..stream.updates import ArrayReference
from ..uris import query_of
from ..wire.data_sources import DataSource
from ..wire.errors import WireError
from ..wire.slices import check_growth, patch_region
from ..wire.structure_family import StructureFamily
from ..wire.structures import ArrayStructure
from .array_reading import Array, ArrayReading
from .classes import DASK
from .data_node import DataNode


class ArrayOperations(ArrayReading):
    """A dense array, as both clients have it."""

    _structure_class = ArrayStructure
    _is_dense = True

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The size in bytes."""
        return self.structure.nbytes

    @operation
    async def write(self, array: Any, *, persist: bool = True) -> None:
        """Replace the whole array.

        Parameters
        ----------
        array
            Data of the stored shape, and of a dtype that casts to the stored one without loss.
        persist
            If False, the data are streamed to subscribers and not stored.

        Raises
        ------
        ValueError
            If the shape differs, or a value would change.
        TypeError
            If the dtype does not fit.

        Examples
        --------
        >>> x.write([7, 8, 9])
        >>> x.read()
        array([7, 8, 9])
        """
        await self._write(array, persist=persist)

    async def _write(self, array: Any, *, persist: bool = True) -> None:
        array = cast_exactly(array, self.dtype)
        if array.shape != self.shape:
            await self._refresh()
        if array.shape != self.shape:
            raise ValueError(
                f"data of shape {array.shape} do not fit the array of shape {self.shape}: use "
                "patch to write a part"
            )
        await self._send("PUT", "array/full", to_bytes(array), OCTETS, persist=persist)

    @operation
    async def write_block(self, array: Any, block: Sequence[int], *, persist: bool = True) -> None:
        """Replace one chunk.

        Parameters
        ----------
        array
            Data of the shape of the chunk.
        block
            The number of the chunk along each dimension.
        persist
            If False, the data are streamed to subscribers and not stored.

        Raises
        ------
        IndexError
            If there is no such chunk.
        ValueError
            If the shape differs, or a value would change.

        Examples
        --------
        >>> y = client.write_array(np.zeros(4), key="y", chunks=2)
        >>> y.write_block([5, 6], 1)
        >>> y.read()
        array([0., 0., 5., 6.])
        """
        await self._write_block(array, block, persist=persist)

    async def _write_block(self, array: Any, block: Sequence[int], *, persist: bool = True) -> None:
        array = cast_exactly(array, self.dtype)
        number, shape = self._block(block)
        if array.shape != shape:
            raise ValueError(
                f"data of shape {array.shape} do not fit block {number} of shape {shape}"
            )
        params = {"block": number}
        await self._send("PUT", "array/block", to_bytes(array), OCTETS, params, persist=persist)

    @operation
    async def patch(
        self,
        array: Any,
        offset: int | Sequence[int],
        extend: bool = False,
        persist: bool = True,
        resize: bool = False,
    ) -> None:
        """Replace the part that starts at `offset`.

        Parameters
        ----------
        array
            The new data, with as many dimensions as the array has; or one frame, without the first
            dimension.
        offset
            Where the part starts, along each dimension; 0 along those that are left out.
        extend
            Let the array grow along its first dimension if the part reaches beyond its end.
            Elements between the former end and the part are zero.
        persist
            If False, the data are streamed to subscribers and not stored: the shape stays, even
            with `extend`.

        resize
            With `extend`, let all dimensions grow, and new frames be written in part. Elements that
            are not written are zero, in frames that exist as well.

        Raises
        ------
        Conflict
            If the part reaches beyond the end, and `extend` is False.
        ValueError
            If a value would change, or frames would have another size than those that exist, and
            `resize` is False.

        Examples
        --------
        >>> x.patch(np.array([4, 5]), offset=3, extend=True)
        >>> x.read()
        array([1, 2, 3, 4, 5])
        """
        array = cast_exactly(array, self.dtype)
        extend, resize = flag(extend, "extend"), flag(resize, "resize")
        start = whole_numbers(offset, "offset", minimum=0)
        array = self._with_first_dimension(array, start)
        patch_region(self.shape, start, array.shape)  # checks the number of dimensions
        params: dict[str, Any] = {"offset": start, "shape": array.shape, "extend": extend}
        if extend:
            params["resize"] = resize
            if not resize:
                await self._check_growth(start, array.shape)
        response = await self._send(
            "PATCH",
            "array/full",
            to_bytes(array),
            OCTETS,
            params,
            persist=persist,
            repeatable=not extend,
        )
        structure = response.value()
        if isinstance(structure, dict):
            self._resource.structure = ArrayStructure.from_json(structure)

    def _with_first_dimension(self, array: Array, offset: tuple[int, ...]) -> Array:
        if array.ndim == self.ndim - 1 and array.shape == self.shape[1:] and not any(offset[1:]):
            return array[np.newaxis]
        if array.ndim != self.ndim:
            raise ValueError(
                f"data of {array.ndim} dimensions, of shape {array.shape}, do not fit the array of "
                f"{self.ndim} dimensions, of shape {self.shape}: add dimensions of size 1, as in "
                "array[numpy.newaxis]"
            )
        return array

    async def _check_growth(self, offset: tuple[int, ...], shape: tuple[int, ...]) -> None:
        try:
            check_growth(self.shape, offset, shape)
        except WireError:
            await self._refresh()  # other clients may have changed the shape
            check_growth(self.shape, offset, shape)

    @operation
    async def update_data_source(
        self,
        source: DataSource,
        *,
        offset: Sequence[int] | None = None,
        shape: Sequence[int] | None = None,
    ) -> None:
        """Update the data source of an external array, and announce new data to subscribers.

        Parameters
        ----------
        source
            One of `data_sources()`, with its new structure. Its assets are added to the known ones.
        offset, shape
            The region that is new; without them, subscribers assume that any part may be.
        """
        params = {"patch_offset": offset, "patch_shape": shape}
        await self._put_data_source(source, params)

    async def write_all_blocks(self, array: Array) -> None:
        """Replace the whole array chunk by chunk, a few at a time."""
        await self._requests.map(
            lambda block: self._write_block(array[block[1]], block[0]), list(blocks(self.chunks))
        )

    @operation
    async def fetch_reference(self, reference: ArrayReference) -> Array:
        """Fetch the data that an update refers to."""
        count = math.prod(reference.shape) * reference.dtype.itemsize
        if 0 in reference.shape:
            return np.empty(reference.shape, reference.dtype)
        filtered = reference.slice is not None or reference.reduce is not None
        if count > self._requests.options.bytes_per_request and not filtered:
            await self._refresh()
            region = patch_region(self.shape, reference.offset, reference.shape)
            return np.asarray(await self._read_slice(region))
        # Only the query of the link is used: keys in its path are not escaped.
        params = dict(query_of(reference.uri))
        content = await self._octets("array/full", params)
        if len(content) != count:
            raise InvalidResponse(f"{reference.uri} sent {len(content)} bytes instead of {count}.")
        return np.frombuffer(content, reference.dtype).reshape(reference.shape).copy()


class ArrayClient(ArrayOperations, DataNode, family=StructureFamily.array):
    """An array on a server; `x[...]` fetches a slice, as a numpy array.

    Shape and chunks are those last fetched; `refresh()` fetches them again.

    Examples
    --------
    >>> x[1:]
    array([2, 3])
    """

    @property
    def dask(self) -> Any:
        """The same node with lazy reads: a `DaskArrayClient`, whose `read()` is a dask array."""
        return self._built_for(DASK)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        # numpy calls this once for each function, as `numpy.mean(x)`, and once for each argument:
        # `__array_function__` and `__array_ufunc__` could not save a request.
        if copy is False:
            raise ValueError("an array on a server cannot be converted without a copy")
        array = np.asarray(run(self._read_slice(...)))
        return array if dtype is None else array.astype(dtype, copy=False)

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError(
            "an array on a server cannot be changed by assignment: use x.patch(values, offset), or "
            "x.write(values) for the whole array"
        )

    def __delitem__(self, index: Any) -> None:
        raise TypeError("elements of an array on a server cannot be deleted")

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        start = 0
        for size in self.chunks[0] if self.shape else (len(self),):
            yield from self[start : start + size]
            start += size


def to_bytes(array: Array) -> Body:
    """Return the bytes of an array in C order, without a copy if they are in that order."""
    if not array.size or not array.itemsize:
        return b""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
