"""HDF5 files and groups as containers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import h5py
import pyarrow as pa

from tiled_client.wire.slices import NDSlice
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure

from ...encoding import Array
from ...errors import NoSuchEntry, Unreadable
from ..datasets import read_datasets
from ..formats import Entry, Tree
from ..sources import Sources
from .arrays import OpenDataset
from .links import Location, OpenHdf5File, open_with_links
from .names import names
from .options import Options
from .values import read_attributes
from .virtual import VirtualDataset

MISSING_SOURCES = "missing_sources"
"""Metadata key of a virtual dataset: the missing sources, which read as fill values."""
MAX_REPORTED_MISSING = 100
KINDS = {h5py.Group: "a group", h5py.Dataset: "a dataset"}


@dataclass(frozen=True, slots=True)
class Hdf5Tree:
    """A file, with the group named by the data source as root."""

    file: OpenHdf5File
    top: tuple[str, ...]

    def names(self, keys: Sequence[str]) -> list[str]:
        """Return the names in a group."""
        return names(self._find(keys, h5py.Group).found)

    def entry(self, keys: Sequence[str]) -> Entry:
        """Return a group, or a dataset as an array; named datatypes are neither."""
        place = self._find(keys, h5py.Group | h5py.Dataset)
        metadata = read_attributes(place.found)
        if isinstance(place.found, h5py.Group):
            return Entry(StructureFamily.container, None, metadata)
        self.file.clear_sources()
        stored = self.file.stored(place)
        if isinstance(stored, VirtualDataset):
            stored.look_for_sources()
        dataset = OpenDataset.of(self.file.path, stored)
        if self.file.missing:
            metadata[MISSING_SOURCES] = sorted(self.file.missing)[:MAX_REPORTED_MISSING]
        return Entry(StructureFamily.array, dataset.structure, metadata)

    def read_array(self, keys: Sequence[str], structure: ArrayStructure, items: NDSlice) -> Array:
        """Read a part of a dataset."""
        found = self.file.stored(self._find(keys, h5py.Dataset))
        return read_datasets([OpenDataset.of(self.file.path, found)], structure, items)

    def read_table(
        self, keys: Sequence[str], names: Sequence[str], rows: slice
    ) -> Iterator[pa.Table]:
        """Raise NoSuchEntry."""
        raise NoSuchEntry(f"{'/'.join(keys)} is not a table.")

    def _find(self, keys: Sequence[str], kind: Any) -> Location:
        found = self.file.find([*self.top, *keys])
        if not isinstance(found.found, kind):
            name, found_kind = "/".join(keys) or "The root", type(found.found).__name__.lower()
            wanted = KINDS.get(kind, "a group or a dataset")
            raise Unreadable(f"{name} is a {found_kind}, not {wanted}.")
        return found


@contextmanager
def open_hdf5(sources: Sources) -> Iterator[Tree]:
    """Open the first of the files; attributes become the metadata of groups and datasets."""
    options = Options.read(sources.parameters)
    with open_with_links(sources.paths[0], sources, options) as file:
        yield Hdf5Tree(file, tuple(key for key in options.dataset.split("/") if key))
