"""Chunks of arrays as objects: if there is no codec, an object is its chunk in C order.

An object is never changed. The first write of a chunk stores it under the name that Zarr gives it,
`c/0/1`, if that is free; every other write stores it under a new name, `v/0.1-TOKEN`. The
caller keeps which object is current (`Names`), and commits the names that a write returns.
"""

from __future__ import annotations

import itertools
import math
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from tiled_client.wire.blosc_chunks import Buffer
from tiled_client.wire.errors import WireError

from .chunk_codecs import chunk_content, chunk_elements
from .encoding import Array
from .errors import Unreadable
from .layout import Layout
from .objects.cache import ObjectCache
from .objects.client import PARALLEL, ObjectStore
from .regions import (
    Region,
    chunk_region,
    chunks_of,
    overlap,
    relative,
    take_region,
    touched_numbers,
    whole,
)

Index = tuple[int, ...]
# The current object of a chunk, below the folder of its array; None if it was never written.
Names = Callable[[Index], str | None]

PLAIN, VERSIONS = "c", "v"
# Bytes of chunks in memory per operation.
MAX_BYTES_IN_FLIGHT = 64 << 20
# A part of a chunk is read alone if that saves at least so many bytes, and half of the chunk.
MIN_SAVED_BYTES = 256 << 10


def plain_name(index: Index) -> str:
    """Return the name that Zarr gives to a chunk."""
    return "/".join((PLAIN, *map(str, index)))


def parse_plain_name(name: str) -> Index | None:
    """Return the chunk to which Zarr gives this name; None for other names."""
    folder, *numbers = name.split("/")
    if folder != PLAIN or not all(number.isdecimal() for number in numbers):
        return None
    return tuple(map(int, numbers))


def version_name(index: Index) -> str:
    """Return a name for a chunk that was never used before."""
    return f"{VERSIONS}/{index_text(index)}-{secrets.token_hex(6)}"


def index_text(index: Index) -> str:
    """Return the numbers of a chunk in one word."""
    return ".".join(map(str, index)) or "0"


def touched_chunks(region: Region, chunk: Sequence[int]) -> Iterator[Index]:
    """Yield the index of each chunk of which `region`, with any steps, needs an element."""
    return itertools.product(*touched_numbers(region, chunk))


@dataclass(frozen=True, slots=True)
class ArrayObjects:
    """The objects of one array: those below `folder`, in chunks of `layout`."""

    objects: ObjectStore
    cache: ObjectCache
    folder: str
    layout: Layout

    def read(self, region: Region, names: Names) -> Array:
        """Read the elements of a non-empty stored region, zeros where nothing was written.

        The slices of `region` have a start, a stop, and a step of at least 1. Do not modify the
        result. Raises MissingFile if an object is lost, Unreadable if it has another size.
        """
        indices = list(touched_chunks(region, self.layout.chunk))
        if len(indices) == 1:
            piece = self._read_part(indices[0], region, names)
            if piece is not None:
                return piece
        shape = tuple(len(range(p.start, p.stop, p.step or 1)) for p in region)
        result = np.zeros(shape, self.layout.stored)

        def fill(index: Index) -> None:
            piece = self._read_part(index, region, names)
            if piece is not None:
                result[_target(index, self.layout.chunk, region)] = piece

        for _ in self.objects.parallel(fill, indices, most=self.at_once()):
            pass
        return result

    def write(
        self,
        region: Region,
        values: Array,
        *,
        shape: Sequence[int],
        names: Names,
        each: Callable[[], None] = lambda: None,
        ready: Mapping[Index, Buffer] = MappingProxyType({}),
    ) -> dict[Index, str]:
        """Store the chunks of a region of an array of (stored) `shape`; return their objects.

        `ready` has the contents of chunks for which they are known.

        They are current once the caller has committed the names. `each` is called now and then,
        when memory can be released. Raises MissingFile for a part of a chunk whose other parts
        are lost.
        """

        def put(index: Index) -> tuple[Index, str]:
            content = ready.get(index)
            if content is None:
                content = self._content(index, region, values, shape, names)
            return index, self._put(index, content, names)

        written = {}
        indices = chunks_of(region, self.layout.chunk)
        for count, (index, name) in enumerate(
            self.objects.parallel(put, indices, most=self.at_once())
        ):
            written[index] = name
            if count % PARALLEL == 0:
                each()
        return written

    def at_once(self) -> int:
        """Return how many chunks are read or written at the same time, by their size."""
        return max(1, min(PARALLEL, MAX_BYTES_IN_FLIGHT // max(self.layout.chunk_bytes, 1)))

    def _put(self, index: Index, content: Buffer, names: Names) -> str:
        if names(index) is None:
            name = plain_name(index)
            if self.objects.put_new(f"{self.folder}/{name}", content):
                return name
            # An interrupted write has left it, or this call has stored it and lost the answer.
        name = version_name(index)
        self.objects.put(f"{self.folder}/{name}", content)
        # Of a plain name, another write may still store the content.
        if self.layout.codec is None:
            self.cache.put(f"{self.folder}/{name}", memoryview(content))
        return name

    def _content(
        self, index: Index, region: Region, values: Array, shape: Sequence[int], names: Names
    ) -> memoryview:
        covered = chunk_region(index, self.layout.chunk)
        part = overlap(covered, region)
        piece, place = take_region(values, relative(part, region)), relative(part, covered)
        if piece.shape == self.layout.chunk:
            return chunk_content(self.layout.codec, piece)
        chunk = np.zeros(self.layout.chunk, self.layout.stored)
        name = None if part == overlap(covered, whole(shape)) else names(index)
        if name is not None:
            chunk[...] = self._array(self._get(name))
        chunk[place] = piece
        return chunk_content(self.layout.codec, chunk)

    def _read_part(self, index: Index, region: Region, names: Names) -> Array | None:
        """Return the elements of one chunk that `region` selects; None if it was never written."""
        name = names(index)
        if name is None:
            return None
        source = _source(index, self.layout.chunk, region)
        first, rows = _rows(source, self.layout.chunk)
        size = self.layout.chunk_bytes
        stride = size // math.prod(self.layout.chunk[: first + 1]) if size else 0
        wanted = len(rows) * stride
        few = size - wanted < max(MIN_SAVED_BYTES, size // 2)
        if few or self.layout.codec is not None or self._is_kept(name):
            return take_region(self._array(self._get(name)), source)
        content = self.objects.get_range(
            f"{self.folder}/{name}", rows.start * stride, rows.stop * stride
        )
        if content.nbytes != wanted:
            raise self._damaged(name, rows.start * stride + content.nbytes)
        shape = (*self.layout.chunk[:first], len(rows), *self.layout.chunk[first + 1 :])
        array = np.frombuffer(content, self.layout.stored).reshape(shape)
        moved = slice(
            source[first].start - rows.start, source[first].stop - rows.start, source[first].step
        )
        return array[(*source[:first], moved, *source[first + 1 :])]

    def _is_kept(self, name: str) -> bool:
        return self.cache.get(f"{self.folder}/{name}") is not None

    def _get(self, name: str) -> memoryview:
        """Return the elements of a chunk."""
        path = f"{self.folder}/{name}"
        content = self.cache.get(path)
        if content is None:
            content = self._decompressed(name, self.objects.get(path))
            self.cache.put(path, content)
        if content.nbytes != self.layout.chunk_bytes:
            raise self._damaged(name, content.nbytes)
        return content

    def _decompressed(self, name: str, content: memoryview) -> memoryview:
        layout = self.layout
        if layout.codec is None:
            return content
        try:
            chunk = chunk_elements(layout.codec, content, layout.stored, layout.chunk)
        except WireError as error:
            address = self.objects.address(f"{self.folder}/{name}")
            raise Unreadable(f"{address} is not a chunk of the array: {error}") from error
        return chunk_content(None, chunk)

    def _array(self, content: memoryview) -> Array:
        return np.frombuffer(content, self.layout.stored).reshape(self.layout.chunk)

    def _damaged(self, name: str, size: int) -> Unreadable:
        address = self.objects.address(f"{self.folder}/{name}")
        return Unreadable(f"{address} has {size} bytes, which is not the size of a chunk.")


def _clipped(index: Index, chunk: Sequence[int], region: Region) -> Iterator[tuple[range, slice]]:
    """Yield, per dimension, the places in the result and in the array that lie in a chunk."""
    for number, size, part in zip(index, chunk, region, strict=True):
        step, begin = part.step or 1, number * size
        low = max(-(-(begin - part.start) // step), 0)
        high = max(-(-(min(begin + size, part.stop) - part.start) // step), low)
        start = part.start + low * step
        yield range(low, high), slice(start, start + (high - low - 1) * step + 1, step)


def _target(index: Index, chunk: Sequence[int], region: Region) -> Region:
    """Return where the elements of a chunk are in the result of a read of `region`."""
    return tuple(slice(r.start, r.stop) for r, _ in _clipped(index, chunk, region))


def _source(index: Index, chunk: Sequence[int], region: Region) -> Region:
    """Return which elements of a chunk a read of `region` needs."""
    return tuple(
        slice(part.start - number * size, part.stop - number * size, part.step)
        for number, size, (_, part) in zip(
            index, chunk, _clipped(index, chunk, region), strict=True
        )
    )


def _rows(source: Region, chunk: Sequence[int]) -> tuple[int, range]:
    """Return the first dimension that is longer than 1, and the range of it that is needed.

    The elements of that range lie together. Without such a dimension, the last one is returned.
    """
    for dimension, (part, size) in enumerate(zip(source, chunk, strict=True)):
        if size > 1:
            return dimension, range(part.start, part.stop)
    return len(chunk) - 1, range(1)
