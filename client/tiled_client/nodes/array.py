"""Client object of arrays."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..arguments import flag, whole_numbers
from ..encoded_values import EncodedValues, encode_values, shape_of
from ..errors import InvalidResponse
from ..http.operations import operation, run
from ..http.responses import OCTETS, Response
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
    async def write(self, array: Any, *, persist: bool = True, encoding: str | None = None) -> None:
        """Replace the whole array.

        Parameters
        ----------
        array
            Data of the stored shape, and of a dtype that casts to the stored one without loss.
        persist
            If False, the data are streamed to subscribers and not stored.
        encoding
            How to compress the data: "zstd", "blosc", "blosc2" or "lz4"; or how `array`, which is
            bytes then, is compressed already, also "bitshuffle-lz4".

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
        await self._write(array, persist=persist, encoding=encoding)

    async def _write(
        self, array: Any, *, persist: bool = True, encoding: str | None = None
    ) -> None:
        values = encode_values(array, self.dtype, encoding)
        if not values.fits(self.shape, self.dtype):
            await self._refresh()
        if not values.fits(self.shape, self.dtype):
            raise ValueError(
                f"{values} do not fit the array of shape {self.shape}: use patch to write a part"
            )
        await self._send_values("PUT", "array/full", values, persist=persist)

    async def _send_values(
        self, method: str, endpoint: str, values: EncodedValues, *params: Any, **options: Any
    ) -> Response:
        options["encoding"] = values.encoding
        return await self._send(method, endpoint, values.payload, OCTETS, *params, **options)

    @operation
    async def write_block(
        self,
        array: Any,
        block: Sequence[int],
        *,
        persist: bool = True,
        encoding: str | None = None,
    ) -> None:
        """Replace one chunk.

        Parameters
        ----------
        array
            Data of the shape of the chunk.
        block
            The number of the chunk along each dimension.
        persist
            If False, the data are streamed to subscribers and not stored.
        encoding
            How the data are compressed, as for `write`.

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
        await self._write_block(array, block, persist=persist, encoding=encoding)

    async def _write_block(
        self,
        array: Any,
        block: Sequence[int],
        *,
        persist: bool = True,
        encoding: str | None = None,
    ) -> None:
        values = encode_values(array, self.dtype, encoding)
        number, shape = self._block(block)
        if not values.fits(shape, self.dtype):
            raise ValueError(f"{values} do not fit block {number} of shape {shape}")
        params = {"block": number}
        await self._send_values("PUT", "array/block", values, params, persist=persist)

    @operation
    async def patch(
        self,
        array: Any,
        offset: int | Sequence[int],
        extend: bool = False,
        persist: bool = True,
        resize: bool = False,
        *,
        encoding: str | None = None,
        shape: Sequence[int] | None = None,
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
        encoding
            How the data are compressed, as for `write`.
        shape
            The shape of data that are compressed already.

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
        values = encode_values(array, self.dtype, encoding)
        extend, resize = flag(extend, "extend"), flag(resize, "resize")
        start = whole_numbers(offset, "offset", minimum=0)
        part = self._with_first_dimension(shape_of(values, shape), start)
        patch_region(self.shape, start, part)  # checks the number of dimensions
        params: dict[str, Any] = {"offset": start, "shape": part, "extend": extend}
        if extend:
            params["resize"] = resize
            if not resize:
                await self._check_growth(start, part)
        response = await self._send_values(
            "PATCH", "array/full", values, params, persist=persist, repeatable=not extend
        )
        structure = response.value()
        if isinstance(structure, dict):
            self._resource.structure = ArrayStructure.from_json(structure)

    def _with_first_dimension(
        self, shape: tuple[int, ...], offset: tuple[int, ...]
    ) -> tuple[int, ...]:
        if shape == self.shape[1:] and self.ndim and not any(offset[1:]):
            return (1, *shape)
        if len(shape) != self.ndim:
            raise ValueError(
                f"data of {len(shape)} dimensions, of shape {shape}, do not fit the array of "
                f"{self.ndim} dimensions, of shape {self.shape}: add dimensions of size 1, as in "
                "array[numpy.newaxis]"
            )
        return shape

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
