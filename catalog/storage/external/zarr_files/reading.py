"""Read Zarr folders chunk by chunk, with the zarr library for its codecs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tiled_client.wire.slices import NDSlice
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure

from ...bucket_files.paths import ObjectPath
from ...encoding import Array
from ...errors import NoSuchEntry, Unreadable
from ...regions import Region
from ..datasets import read_datasets
from ..formats import Entry, Inspected, Tree
from ..frame_stacks import MAX_FRAME_BYTES, array_structure, regular_chunks
from ..sources import Sources
from .documents import ZarrNode, child_names, find_node

# Strings are all read to find the longest; this is their limit.
MAX_STRINGS = 1_000_000
MAX_CHUNKS = 100_000


@dataclass(frozen=True, slots=True)
class ZarrDataset:
    """An array in a folder; variable-length strings are padded to the longest."""

    path: Path
    array: Any
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    dims: tuple[str, ...] | None

    @classmethod
    def of(cls, node: ZarrNode, sources: Sources) -> ZarrDataset:
        """Open an array. Raises Unreadable."""
        import zarr

        if node.array is None:
            raise Unreadable(f"{node.folder} is a group, not an array.")
        store = _store(node, sources)
        array = zarr.open_array(store, mode="r", zarr_format=node.version)  # type: ignore[arg-type]
        shape, dtype = tuple(array.shape), array.dtype
        if math.prod(array.chunks) * dtype.itemsize > MAX_FRAME_BYTES:
            raise Unreadable(f"its chunks are larger than {MAX_FRAME_BYTES} bytes.")
        if dtype.hasobject or dtype.kind == "T":
            if math.prod(shape) > MAX_STRINGS:
                raise Unreadable(f"it has more than {MAX_STRINGS} strings, the limit.")
            dtype = _texts(array[...]).dtype
        return cls(node.folder, array, shape, dtype, node.dims)

    def region(self, region: Region) -> Array:
        """Read a region."""
        found = np.asarray(self._read(region if self.shape else ...))
        return _texts(found) if found.dtype.kind in "OT" else found

    def _read(self, region: Any) -> Any:
        if not isinstance(self.path, ObjectPath):
            return self.array[region]
        import zarr

        from .object_store import CONCURRENCY

        with zarr.config.set({"async.concurrency": CONCURRENCY}):
            return self.array[region]

    @property
    def structure(self) -> ArrayStructure:
        """Return the structure of the array."""
        chunks = tuple(map(regular_chunks, self.shape, self.array.chunks))
        few = math.prod(map(len, chunks)) <= MAX_CHUNKS
        return array_structure(self.shape, self.dtype, chunks if few else None, self.dims)


@dataclass(frozen=True, slots=True)
class ZarrTree:
    """A group folder and the folders below it."""

    top: Path
    sources: Sources

    def names(self, keys: Sequence[str]) -> list[str]:
        """Return the names in a group."""
        return child_names(self._find(keys, array=False).folder, self.sources)

    def entry(self, keys: Sequence[str]) -> Entry:
        """Return a group or an array, with its attributes as metadata."""
        node = self._find(keys)
        if node.array is None:
            return Entry(StructureFamily.container, None, node.attributes)
        structure = ZarrDataset.of(node, self.sources).structure
        return Entry(StructureFamily.array, structure, node.attributes)

    def read_array(self, keys: Sequence[str], structure: ArrayStructure, items: NDSlice) -> Array:
        """Read a part of an array."""
        dataset = ZarrDataset.of(self._find(keys, array=True), self.sources)
        return read_datasets([dataset], structure, items)

    def read_table(
        self, keys: Sequence[str], names: Sequence[str], rows: slice
    ) -> Iterator[pa.Table]:
        """Raise NoSuchEntry."""
        raise NoSuchEntry(f"{'/'.join(keys)} is not a table.")

    def _find(self, keys: Sequence[str], *, array: bool | None = None) -> ZarrNode:
        if any(key in ("", ".", "..") or "/" in key or "\0" in key for key in keys):
            raise NoSuchEntry(f"{self.top} has no {'/'.join(keys)}.")
        node = find_node(self.sources.confined(self.top.joinpath(*keys)), self.sources)
        if node is None and not keys:
            self.top.stat()
            raise Unreadable("it is not a Zarr array or group.")
        if node is None:
            raise NoSuchEntry(f"{self.top} has no {'/'.join(keys)}.")
        if array is not None and array != (node.array is not None):
            raise Unreadable(f"{'/'.join(keys) or 'the root'} has another type.")
        return node


def _store(node: ZarrNode, sources: Sources) -> Any:
    from .object_store import ObjectZarrStore
    from .store import ConfinedStore

    if isinstance(node.folder, ObjectPath):
        return ObjectZarrStore(node.folder, sources, node.chunk_bytes)
    return ConfinedStore(node.folder, sources)


@contextmanager
def open_zarr(sources: Sources) -> Iterator[Tree]:
    """Open a group."""
    yield ZarrTree(sources.paths[0], sources)


def read_zarr(sources: Sources, structure: ArrayStructure, items: NDSlice) -> Array:
    """Read what `items` select; several folders are concatenated along the first dimension."""
    trees = [ZarrTree(path, sources) for path in sources.paths]
    datasets = [ZarrDataset.of(tree._find([], array=True), sources) for tree in trees]
    return read_datasets(datasets, structure, items, _declared(datasets, structure))


def _declared(datasets: Sequence[ZarrDataset], structure: ArrayStructure) -> NDSlice:
    """Return the declared part of an array whose last chunks are stored in full, as by Tiled."""
    if len(datasets) > 1 or len(datasets[0].shape) != len(structure.shape):
        return ()
    pairs = list(zip(datasets[0].shape, structure.shape, strict=True))
    if any(found < declared for found, declared in pairs):
        return ()
    return tuple(slice(0, declared) for _, declared in pairs)


def inspect_zarr(sources: Sources, mimetype: str) -> Inspected:
    """Return an array or a container, with its attributes."""
    entry = ZarrTree(sources.paths[0], sources).entry([])
    return Inspected(entry.family, mimetype, entry.structure, metadata=entry.metadata)


def _texts(array: Any) -> Array:
    """Convert strings or bytes of any length to a fixed width."""
    values = np.asarray(array, object)
    if any(value[-1:] in ("\0", b"\0") for value in values.flat if isinstance(value, str | bytes)):
        raise Unreadable(
            "it has strings that end with NUL, which a fixed-width dtype cannot store."
        )
    if all(isinstance(value, bytes) for value in values.flat):
        return values.astype("S") if values.size else np.zeros(values.shape, "S1")
    if not all(isinstance(value, str) for value in values.flat):
        raise Unreadable("it has objects that are neither strings nor bytes.")
    return values.astype("U") if values.size else np.zeros(values.shape, "U1")
