"""Client object of arrays."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..casting import cast_exactly
from ..errors import InvalidResponse
from ..http.request import Body
from ..http.responses import OCTETS
from ..regions import Region, Selection, blocks, narrow, select, split_region
from ..stream.updates import ArrayReference
from ..uris import query_of
from ..wire.data_sources import DataSource
from ..wire.slices import NDSlice, expand_index, format_slice, patch_region, sliced_shape
from ..wire.structure_family import StructureFamily
from ..wire.structures import ArrayStructure
from .structured import ChunkedNode

Array = np.ndarray[Any, np.dtype[Any]]

# Attempts of a read while the array grows between the request for its shape and that for its data.
MAX_READ_ATTEMPTS = 4


class ArrayClient(ChunkedNode[ArrayStructure], family=StructureFamily.array):
    """An array on a server; `x[...]` fetches a slice, as a numpy array.

    Shape and chunks are those last fetched; `refresh()` fetches them again.

    Examples
    --------
    >>> x[1:]
    array([2, 3])
    """

    _structure_class = ArrayStructure

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The size in bytes."""
        return self.structure.nbytes

    def read(self) -> Array:
        """Fetch the whole array, with its current length."""
        return np.asarray(self[...])

    def __getitem__(self, index: Any) -> Any:
        """Fetch a slice; an integer for each dimension gives a scalar. Raises IndexError."""
        for _ in range(MAX_READ_ATTEMPTS):
            selection = select(expand_index(index, self.ndim), self.shape)
            array = self._fetch(selection)
            if array is not None:
                flipped = array[selection.flip]
                is_scalar = index not in (..., (...,)) and not flipped.shape
                return flipped[()] if is_scalar else flipped
            # The array has grown since its shape was fetched.
            self.refresh()
        raise InvalidResponse(f"The data of {self.uri} do not match its shape {self.shape}.")

    def read_block(self, block: Sequence[int], index: Any = ...) -> Array:
        """Fetch one chunk, or a slice of it.

        Parameters
        ----------
        block
            The number of the chunk along each dimension.
        index
            The part of the chunk to fetch, as in `numpy.s_[:, 0]`.
        """
        items = expand_index(index, self.ndim)
        shape = sliced_shape(self._block_shape(block), items)
        if 0 in shape:
            return np.empty(shape, self.dtype)
        params = {"block": tuple(block), "slice": _slice_param(items)}
        content = self._http.get("array/block", self._path, params=params, accept=OCTETS).content
        return self._decode(content, shape)

    def write(self, array: Any, *, persist: bool = True) -> None:
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
        """
        array = cast_exactly(array, self.dtype)
        if array.shape != self.shape:
            self.refresh()
        if array.shape != self.shape:
            raise ValueError(
                f"data of shape {array.shape} do not fit the array of shape {self.shape}: use "
                "patch to write a part"
            )
        self._send("PUT", "array/full", to_bytes(array), OCTETS, persist=persist)

    def write_block(self, array: Any, block: Sequence[int], *, persist: bool = True) -> None:
        """Replace one chunk.

        Parameters
        ----------
        array
            Data of the shape of the chunk.
        block
            The number of the chunk along each dimension.
        persist
            If False, the data are streamed to subscribers and not stored.
        """
        array = cast_exactly(array, self.dtype)
        shape = self._block_shape(block)
        if array.shape != shape:
            raise ValueError(
                f"data of shape {array.shape} do not fit block {tuple(block)} of shape {shape}"
            )
        params = {"block": tuple(block)}
        self._send("PUT", "array/block", to_bytes(array), OCTETS, params, persist=persist)

    def patch(
        self,
        array: Any,
        offset: int | Sequence[int],
        extend: bool = False,
        persist: bool = True,
    ) -> None:
        """Replace the part that starts at `offset`.

        Parameters
        ----------
        array
            The new data, with as many dimensions as the array has.
        offset
            Where the part starts, along each dimension.
        extend
            Let the array grow if the part reaches beyond its end.
        persist
            If False, the data are streamed to subscribers and not stored: the shape stays, even
            with `extend`.

        Raises
        ------
        Conflict
            If the part reaches beyond the end, and `extend` is False.

        Examples
        --------
        >>> x.patch(np.array([4, 5]), offset=3, extend=True)
        >>> x.read()
        array([1, 2, 3, 4, 5])
        """
        array = cast_exactly(array, self.dtype)
        if array.ndim != self.ndim:
            raise ValueError(
                f"data of {array.ndim} dimensions do not fit the array of {self.ndim} dimensions"
            )
        offset = (int(offset),) if isinstance(offset, (int, np.integer)) else tuple(offset)
        params = {"offset": offset, "shape": array.shape, "extend": extend}
        structure = self._send(
            "PATCH",
            "array/full",
            to_bytes(array),
            OCTETS,
            params,
            persist=persist,
            repeatable=not extend,
        ).value()
        if isinstance(structure, dict):
            self._resource.structure = ArrayStructure.from_json(structure)

    def update_data_source(
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
        self._put_data_source(source, params)

    def write_all_blocks(self, array: Array) -> None:
        """Replace the whole array chunk by chunk, a few at a time."""
        self._http.map(
            lambda block: self.write_block(array[block[1]], block[0]), list(blocks(self.chunks))
        )

    def fetch_reference(self, reference: ArrayReference) -> Array:
        """Fetch the data that an update refers to."""
        count = math.prod(reference.shape) * reference.dtype.itemsize
        if 0 in reference.shape:
            return np.empty(reference.shape, reference.dtype)
        if count > self._http.options.bytes_per_request:
            self.refresh()
            return np.asarray(self[patch_region(self.shape, reference.offset, reference.shape)])
        # Only the query of the link is used: keys in its path are not escaped.
        params = query_of(reference.uri)
        content = self._http.get("array/full", self._path, params=params, accept=OCTETS).content
        if len(content) != count:
            raise InvalidResponse(f"{reference.uri} sent {len(content)} bytes instead of {count}.")
        return np.frombuffer(content, reference.dtype).reshape(reference.shape).copy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if copy is False:
            raise ValueError("an array on a server cannot be converted without a copy")
        array = self.read()
        return array if dtype is None else array.astype(dtype, copy=False)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        start = 0
        for size in self.chunks[0] if self.shape else (len(self),):
            yield from self[start : start + size]
            start += size

    def __repr__(self) -> str:
        chunks = ", ".join(map(_chunks_text, self.chunks))
        dims = f" dims={self.dims}" if self.dims else ""
        return f"<ArrayClient shape={self.shape} chunks=({chunks}) dtype={self.dtype}{dims}>"

    def _fetch(self, selection: Selection) -> Array | None:
        """Return the data, or None if they are not of the expected shape: the array has grown."""
        if 0 in selection.shape:
            return np.empty(selection.shape, self.dtype)
        limit = self._http.options.bytes_per_request
        if math.prod(selection.shape) * self.dtype.itemsize <= limit:
            return self._fetch_part(selection.items, selection.shape)
        if selection.whole:
            # All parts have to be of one shape, so it is fetched just before them.
            before = self.shape
            self.refresh()
            if self.shape != before:
                return None
        result = np.empty(selection.shape, self.dtype)

        def fill(region: Region) -> bool:
            part = self._fetch_part(
                narrow(selection.items, self.shape, region), result[region].shape
            )
            if part is None:
                return False
            result[region] = part
            return True

        regions = list(split_region(selection.shape, self.dtype.itemsize, limit))
        return result if all(self._http.map(fill, regions)) else None

    def _fetch_part(self, items: NDSlice, shape: tuple[int, ...]) -> Array | None:
        params = {"slice": _slice_param(items)}
        content = self._http.get("array/full", self._path, params=params, accept=OCTETS).content
        if len(content) != math.prod(shape) * self.dtype.itemsize:
            return None
        return self._decode(content, shape)

    def _decode(self, content: bytes, shape: tuple[int, ...]) -> Array:
        try:
            return np.frombuffer(content, self.dtype).reshape(shape).copy()
        except ValueError as error:
            raise InvalidResponse(
                f"{self.uri} sent {len(content)} bytes for the shape {shape}."
            ) from error


def to_bytes(array: Array) -> Body:
    """Return the bytes of an array in C order, without a copy if they are in that order."""
    if not array.size or not array.itemsize:
        return b""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _slice_param(items: NDSlice) -> str | None:
    return None if all(item == slice(None) for item in items) else format_slice(items)


def _chunks_text(sizes: tuple[int, ...]) -> str:
    if len(sizes) <= 8:
        return str(sizes)
    return f"({', '.join(map(str, sizes[:3]))}, ..., {sizes[-1]})"
