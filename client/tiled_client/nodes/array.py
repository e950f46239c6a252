"""Arrays."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..casting import cast_exactly
from ..errors import InvalidResponse
from ..http.request import Body
from ..http.responses import OCTETS
from ..regions import Region, Selection, blocks, narrow, pieces, select
from ..stream.updates import ArrayReference
from ..uris import query_of
from ..wire.data_sources import DataSource
from ..wire.slices import NDSlice, expand_index, format_slice, patch_region, sliced_shape
from ..wire.structure_family import StructureFamily
from ..wire.structures import ArrayStructure
from .structured import ChunkedNode

Array = np.ndarray[Any, np.dtype[Any]]

# An array that grows faster than it can be asked for is given up on after so many attempts.
READ_ATTEMPTS = 4


class ArrayClient(ChunkedNode[ArrayStructure], family=StructureFamily.array):
    """An array on a server. `x[...]` fetches just that slice, as a numpy array.

    Shape and chunks are those last heard of; `refresh()` asks again.
    """

    _structure_class = ArrayStructure

    @property
    def size(self) -> int:
        """The number of items."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The size in bytes."""
        return self.structure.nbytes

    def read(self) -> Array:
        """Fetch the whole array, at the length it has by now."""
        return np.asarray(self[...])

    def __getitem__(self, index: Any) -> Any:
        """Fetch a slice; all integers give a scalar, as with numpy. Raises IndexError."""
        for _ in range(READ_ATTEMPTS):
            selection = select(expand_index(index, self.ndim), self.shape)
            array = self._fetch(selection)
            if array is not None:
                flipped = array[selection.flip]
                scalar = index not in (..., (...,)) and not flipped.shape
                return flipped[()] if scalar else flipped
            # The array has grown since its shape was asked for.
            self.refresh()
        raise InvalidResponse(f"{self.uri} sends other data than its structure {self.shape} says.")

    def read_block(self, block: Sequence[int], index: Any = ...) -> Array:
        """Fetch one chunk by its number along each dimension, or the slice `index` of it."""
        shape = tuple(part.stop - part.start for part in self.structure.block_region(block))
        items = expand_index(index, self.ndim)
        result = sliced_shape(shape, items)
        if 0 in result:
            return np.empty(result, self.dtype)
        params = {"block": tuple(block), "slice": _slice_text(items)}
        content = self._http.get("array/block", self._path, params=params, accept=OCTETS).content
        return self._decode(content, result)

    def write(self, array: Any, *, persist: bool = True) -> None:
        """Replace the whole array. With `persist=False` only subscribers get to see it."""
        array = self._fitting(array)
        if array.shape != self.shape:
            self.refresh()
        if array.shape != self.shape:
            raise ValueError(f"{array.shape} does not fit {self.shape}; use patch to write a part")
        self._send("PUT", "array/full", array, {}, persist)

    def write_block(self, array: Any, block: Sequence[int], *, persist: bool = True) -> None:
        """Replace one chunk, given by its number along each dimension."""
        array = self._fitting(array)
        shape = tuple(part.stop - part.start for part in self.structure.block_region(block))
        if array.shape != shape:
            raise ValueError(f"{array.shape} does not fit block {tuple(block)} of shape {shape}")
        self._send("PUT", "array/block", array, {"block": tuple(block)}, persist)

    def patch(
        self,
        array: Any,
        offset: int | Sequence[int],
        extend: bool = False,
        persist: bool = True,
    ) -> None:
        """Replace the part that begins at `offset`, and let the array grow if `extend`.

        With `persist=False` only subscribers get to see it, growth included: the stored array and
        its shape stay as they are, and so does the shape here. Raises Conflict where the part does
        not fit the stored shape and `extend` was not given.
        """
        array = self._fitting(array)
        if array.ndim != self.ndim:
            raise ValueError(f"a patch of {array.ndim} dimensions does not fit {self.ndim}")
        offset = (int(offset),) if isinstance(offset, (int, np.integer)) else tuple(offset)
        params = {"offset": offset, "shape": array.shape, "extend": extend}
        answer = self._send("PATCH", "array/full", array, params, persist, repeatable=not extend)
        if isinstance(answer, dict):
            self._resource.structure = ArrayStructure.from_json(answer)

    def update_data_source(
        self,
        source: DataSource,
        *,
        offset: Sequence[int] | None = None,
        shape: Sequence[int] | None = None,
    ) -> None:
        """Say that there is more in the files of an external array, or that there are more files.

        `source` is one of `data_sources()`, changed to what it is now; its files are added to those
        that are known. `offset` and `shape` tell subscribers which region is new; without them,
        anything may be.
        """
        params = {"patch_offset": offset, "patch_shape": shape}
        self._put_data_source(source, params)

    def write_all_blocks(self, array: Array) -> None:
        """Replace the whole array chunk by chunk, a few at a time."""
        self._http.map(
            lambda block: self.write_block(array[block[1]], block[0]), list(blocks(self.chunks))
        )

    def fetch_reference(self, reference: ArrayReference) -> Array:
        """Fetch what an update told of without bringing it along."""
        count = math.prod(reference.shape) * reference.dtype.itemsize
        if 0 in reference.shape:
            return np.empty(reference.shape, reference.dtype)
        if count > self._http.options.bytes_per_request:
            self.refresh()
            return np.asarray(self[patch_region(self.shape, reference.offset, reference.shape)])
        # Of the link only the query is of use: the path in it is not escaped.
        params = query_of(reference.uri)
        content = self._http.get("array/full", self._path, params=params, accept=OCTETS).content
        if len(content) != count:
            raise InvalidResponse(f"{reference.uri} sent {len(content)} bytes instead of {count}.")
        return np.frombuffer(content, reference.dtype).reshape(reference.shape).copy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if copy is False:
            raise ValueError("an array on a server cannot be had without a copy")
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
        """The data, or None if they are not of the shape that was expected."""
        if 0 in selection.shape:
            return np.empty(selection.shape, self.dtype)
        limit = self._http.options.bytes_per_request
        if math.prod(selection.shape) * self.dtype.itemsize <= limit:
            return self._fetch_at_once(selection.items, selection.shape)
        if selection.whole:
            before = self.shape
            self.refresh()
            if self.shape != before:
                return None
        result = np.empty(selection.shape, self.dtype)

        def fill(region: Region) -> bool:
            part = self._fetch_at_once(
                narrow(selection.items, self.shape, region), result[region].shape
            )
            if part is None:
                return False
            result[region] = part
            return True

        regions = list(pieces(selection.shape, self.dtype.itemsize, limit))
        return result if all(self._http.map(fill, regions)) else None

    def _fetch_at_once(self, items: NDSlice, shape: tuple[int, ...]) -> Array | None:
        params = {"slice": _slice_text(items)}
        content = self._http.get("array/full", self._path, params=params, accept=OCTETS).content
        if len(content) != math.prod(shape) * self.dtype.itemsize:
            return None
        return self._decode(content, shape)

    def _decode(self, content: bytes, shape: tuple[int, ...]) -> Array:
        try:
            return np.frombuffer(content, self.dtype).reshape(shape).copy()
        except ValueError as error:
            raise InvalidResponse(f"{self.uri} sent {len(content)} bytes for {shape}.") from error

    def _fitting(self, array: Any) -> Array:
        return cast_exactly(array, self.dtype)

    def _send(
        self,
        method: str,
        endpoint: str,
        array: Array,
        params: dict[str, Any],
        persist: bool,
        repeatable: bool = True,
    ) -> Any:
        if not persist:
            params = {**params, "persist": False}
        answer = self._http.send(
            method,
            endpoint,
            self._path,
            array_body(array),
            OCTETS,
            params=params,
            repeatable=repeatable,
        )
        return answer.value()


def array_body(array: Array) -> Body:
    """The bytes of an array in C order, without a copy where it is so already."""
    if not array.size or not array.itemsize:
        return b""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _slice_text(items: NDSlice) -> str | None:
    return None if all(item == slice(None) for item in items) else format_slice(items)


def _chunks_text(sizes: tuple[int, ...]) -> str:
    if len(sizes) <= 8:
        return str(sizes)
    return f"({', '.join(map(str, sizes[:3]))}, ..., {sizes[-1]})"
