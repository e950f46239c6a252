"""HDF5 datasets as arrays."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tiled_client.wire.slices import NDSlice
from tiled_client.wire.structures import ArrayStructure

from ...encoding import Array
from ...errors import NoSuchEntry, Unreadable
from ...regions import Region
from ..datasets import read_datasets
from ..error_translation import to_storage_error, translate_errors
from ..frame_stacks import MAX_FRAME_BYTES, array_structure, regular_chunks
from ..sources import Sources
from .links import OpenHdf5File, open_with_links
from .options import Options
from .values import check_dtype, has_objects, opaque_values, pack_dtype, to_plain_values
from .virtual import VirtualDataset

# Strings are all read to find the longest; this is their limit.
MAX_OBJECTS = 1_000_000
MAX_CHUNKS = 100_000


@dataclass(frozen=True, slots=True)
class OpenDataset:
    """An open dataset; one with a null dataspace has no elements."""

    path: Path
    dataset: h5py.Dataset | VirtualDataset
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, path: Path, dataset: h5py.Dataset | VirtualDataset) -> OpenDataset:
        """Inspect a dataset. Raises Unreadable."""
        dtype = check_dtype(dataset)
        # Array datatypes add their dimensions.
        shape = (*((0,) if dataset.shape is None else dataset.shape), *dtype.shape)
        _check_chunks(dataset, dtype)
        dtype = dtype.base
        if has_objects(dtype):
            if math.prod(shape) > MAX_OBJECTS:
                raise Unreadable(
                    f"{dataset.name} has {math.prod(shape)} strings, lists or references; "
                    f"the limit is {MAX_OBJECTS}."
                )
            found = to_plain_values(dataset[()], dataset) if math.prod(shape) else np.zeros(0, "S1")
            return cls(path, dataset, shape, found.dtype)
        return cls(path, dataset, shape, pack_dtype(dtype))

    def region(self, region: Region) -> Array:
        """Read a region."""
        outer, inner = region[: self.dataset.ndim], region[self.dataset.ndim :]
        opaque = self.dtype.kind == "V" and self.dtype.names is None
        found = opaque_values(self.dataset, outer) if opaque else self.dataset[outer]
        part: Any = (..., *inner)
        return to_plain_values(np.asarray(found)[part], self.dataset)

    @property
    def structure(self) -> ArrayStructure:
        """Return the structure of the array."""
        sizes = self.dataset.chunks
        inner = self.shape[len(sizes or ()) :]
        sizes = (*sizes, *inner) if sizes else None
        chunks = tuple(map(regular_chunks, self.shape, sizes)) if sizes else None
        if chunks and math.prod(map(len, chunks)) > MAX_CHUNKS:
            chunks = None
        return array_structure(self.shape, self.dtype, chunks)


@dataclass(frozen=True, slots=True)
class ClosedDataset:
    """A dataset of one of many files, which is open only while it is read."""

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    sources: Sources
    options: Options

    def region(self, region: Region) -> Array:
        """Read a region."""
        with (
            translate_errors(self.path, self.sources.paths),
            _open(self.path, self.sources) as dataset,
        ):
            return dataset.region(region)


def read_hdf5(sources: Sources, structure: ArrayStructure, items: NDSlice) -> Array:
    """Read what `items` select of the dataset named by the parameters, in one or several files."""
    options = Options.read(sources.parameters)
    if len(sources.paths) == 1:
        with _open(sources.paths[0], sources) as dataset:
            return read_datasets([dataset], structure, items, options.part)
    datasets = [_closed(path, sources, options) for path in sources.paths]
    return read_datasets(datasets, structure, items, options.part)


def _closed(path: Path, sources: Sources, options: Options) -> ClosedDataset:
    with translate_errors(path, sources.paths), _open(path, sources) as found:
        return ClosedDataset(path, found.shape, found.dtype, sources, options)


@contextmanager
def _open(path: Path, sources: Sources) -> Iterator[OpenDataset]:
    options = Options.read(sources.parameters)
    with open_with_links(path, sources, options) as file:
        yield open_dataset(file, options.dataset.split("/"))


def open_dataset(file: OpenHdf5File, keys: list[str]) -> OpenDataset:
    """Open the dataset at `keys`. Raises NotReady, Unreadable, and the errors of links."""
    keys = [key for key in keys if key]
    try:
        found = file.find(keys)
    except NoSuchEntry as error:
        raise to_storage_error(str(error), file.sources.paths) from error
    if not isinstance(found.found, h5py.Dataset):
        raise Unreadable(f"{'/'.join(keys) or 'the root'} is not a dataset of {file.path}.")
    return OpenDataset.of(file.path, file.stored(found))


def _check_chunks(dataset: h5py.Dataset | VirtualDataset, dtype: np.dtype[Any]) -> None:
    size = math.prod(dataset.chunks or ()) * dtype.itemsize
    if size > MAX_FRAME_BYTES:
        raise Unreadable(f"the chunks of {dataset.name} are larger than {MAX_FRAME_BYTES} bytes.")
