"""Virtual datasets: arrays whose elements are those of other datasets, their sources.

The library would open the sources itself, and follow any link on the way. Mappings are therefore
resolved here: each source is found link by link in files that were opened here, and the library
reads it into the target without opening a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, Protocol

import h5py
import numpy as np
from h5py import h5s, h5t

from ...encoding import Array
from ...errors import Unreadable
from ...regions import Region
from . import selections
from .selections import Shape, Space, UnlimitedSelection

# Maximum depth of virtual datasets that are sources of virtual datasets.
MAX_NESTING = 32
NUMBER = re.compile("%([%b])")


Around = tuple["VirtualDataset", ...]
"""The chain of virtual datasets for which a source is read."""


class Source(Protocol):
    """A dataset to read elements from."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape."""
        ...

    def read_into(
        self, target: Array, wanted: Space, memory: Space, kind: Any, around: Around
    ) -> None:
        """Read the selection `wanted` into the selection `memory` of `target`, as type `kind`."""
        ...


Find = Callable[[str, str], Source | None]
"""Finds a dataset by the names of its file and its own; None if it does not exist.

Raises OutsideReadable, Unreadable.
"""


@dataclass(frozen=True, slots=True)
class StoredSource:
    """A source that is an ordinary dataset."""

    dataset: h5py.Dataset

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape; `(0,)` for a null dataspace."""
        shape: tuple[int, ...] | None = self.dataset.shape
        return (0,) if shape is None else shape

    def read_into(
        self, target: Array, wanted: Space, memory: Space, kind: Any, around: Around
    ) -> None:
        """Read the selection `wanted` into the selection `memory` of `target`."""
        self.dataset.id.read(memory, wanted, target, kind)


@dataclass(frozen=True, slots=True)
class SourceMapping:
    """A mapping of the selection `source_space` of a source to `space` of a virtual dataset."""

    file: str
    name: str
    space: Space
    source_space: Space
    low: tuple[int, ...]
    high: tuple[int, ...]

    @classmethod
    def of(cls, file: str, name: str, space: Space, source_space: Space) -> SourceMapping:
        """Create a mapping with its bounding box."""
        return cls(file, name, space, source_space, *selections.bounds(space))

    def meets(self, low: Shape, high: Shape) -> bool:
        """Return whether the bounding box overlaps these indices."""
        pairs = zip(self.low, self.high, low, high, strict=True)
        return all(first <= upto and start <= last for first, last, start, upto in pairs)


class VirtualDataset:
    """An open virtual dataset."""

    chunks = None

    def __init__(self, dataset: h5py.Dataset, find: Find) -> None:
        self._dataset, self._find = dataset, find
        self.name: str = dataset.name
        self.file: h5py.File = dataset.file
        plist = dataset.id.get_create_plist()
        spaces = [plist.get_virtual_vspace(n) for n in range(plist.get_virtual_count())]
        # Asking the library for the shape would make it open the sources.
        shape = list(spaces[0].shape if spaces else dataset.shape)
        parts: list[SourceMapping] = []
        growing: set[int] = set()
        for number, space in enumerate(spaces):
            names = plist.get_virtual_filename(number), plist.get_virtual_dsetname(number)
            more = UnlimitedSelection.of(space)
            if more is not None:
                growing.add(more.axis)
            parts += self._parts(*names, space, more, plist.get_virtual_srcspace(number))
        for axis in growing:
            shape[axis] = max((part.high[axis] + 1 for part in parts), default=0)
        self.shape = tuple(shape)
        self._mapped: list[SourceMapping] = [
            SourceMapping(
                p.file, p.name, selections.laid_over(p.space, shape), p.source_space, p.low, p.high
            )
            for p in parts
            if p.space.get_select_npoints()
        ]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the elements. Raises the library's error if numpy has none."""
        found: np.dtype[Any] = self._dataset.dtype
        return found

    @property
    def kind(self) -> Any:
        """The HDF5 type of the elements."""
        return self._dataset.id.get_type()

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    def look_for_sources(self, found: set[VirtualDataset] | None = None) -> None:
        """Resolve all sources. Raises OutsideReadable, Unreadable."""
        found = set() if found is None else found
        found.add(self)
        for file, name in {(part.file, part.name) for part in self._mapped}:
            source = self._find(file, name)
            if isinstance(source, VirtualDataset) and source not in found:
                source.look_for_sources(found)

    def __getitem__(self, region: Region) -> Array:
        """Read a region."""
        return self.read(region, h5t.py_create(self.dtype))

    def read(self, region: Region, kind: Any) -> Array:
        """Read a region as the HDF5 type `kind`, which is that of the dtype."""
        region = region or tuple(slice(0, size, 1) for size in self.shape)
        counts = tuple(len(range(part.start, part.stop, part.step)) for part in region)
        target = np.empty(counts, self.dtype)
        target[...] = self._fill_value()
        if target.size:
            wanted = h5s.create_simple(self.shape)
            starts, steps = zip(*((part.start, part.step) for part in region), strict=True)
            wanted.select_hyperslab(starts, counts, steps)
            self._read_parts(target, wanted, h5s.create_simple(counts), kind, ())
        return target

    def read_into(
        self, target: Array, wanted: Space, memory: Space, kind: Any, around: Around
    ) -> None:
        """Read the selection `wanted` into the selection `memory` of `target`."""
        value = np.asarray(self._fill_value())
        if value.dtype.hasobject:
            if value.any():
                raise Unreadable(f"{self.name} has fill values of an unsupported type.")
        else:
            selections.fill(target, value.astype(target.dtype), kind, memory)
        self._read_parts(target, selections.laid_over(wanted, self.shape), memory, kind, around)

    def _read_parts(
        self, target: Array, wanted: Space, memory: Space, kind: Any, around: Around
    ) -> None:
        if self in around or len(around) > MAX_NESTING:
            raise Unreadable(
                f"{self.name} contains itself, or more than {MAX_NESTING} nested virtual datasets."
            )
        low, high = selections.bounds(wanted)
        for part in self._mapped:
            if not part.meets(low, high):
                continue
            common = selections.common(part.space, wanted)
            if not common.get_select_npoints():
                continue
            source = self._find(part.file, part.name)
            if source is None:
                continue  # fill values, until the source exists
            there = selections.of_source(part.source_space, source.shape, part.space)
            there = selections.projected(part.space, there, common)
            if not selections.within(there, source.shape):
                raise Unreadable(
                    f"{self.name} maps more elements of {part.name} in {part.file} than exist."
                )
            there = selections.laid_over(there, source.shape)
            here = selections.projected(wanted, memory, common)
            source.read_into(target, there, here, kind, (*around, self))

    def _parts(
        self,
        file: str,
        name: str,
        space: Space,
        more: UnlimitedSelection | None,
        source_space: Space,
    ) -> Iterator[SourceMapping]:
        """Yield the mapping, cut to the current extent of its source."""
        if more is None:
            yield SourceMapping.of(_format_name(file), _format_name(name), space, source_space)
            return
        from_growing = UnlimitedSelection.of(source_space)
        if from_growing is None:
            yield from self._blocks(file, name, more, source_space)
            return
        file, name = _format_name(file), _format_name(name)
        source = self._find(file, name)
        length = 0 if source is None else from_growing.within(source.shape[from_growing.axis])
        if length:
            yield SourceMapping.of(file, name, more.cut(length), from_growing.cut(length))

    def _blocks(
        self, file: str, name: str, more: UnlimitedSelection, source_space: Space
    ) -> Iterator[SourceMapping]:
        """Yield a mapping per block to a numbered source, up to the first that does not exist."""
        if more.block is None or _format_name(file + name, 0) == _format_name(file + name, 1):
            raise Unreadable(f"{self.name} has an unlimited number of blocks of one source.")
        limit = more.space.get_simple_extent_dims(True)[more.axis]
        for number in count():
            names = _format_name(file, number), _format_name(name, number)
            space = more.nth(number)
            if space.shape[more.axis] > limit or self._find(*names) is None:
                return
            yield SourceMapping.of(*names, space, source_space)

    def _fill_value(self) -> Any:
        defined = self._dataset.id.get_create_plist().fill_value_defined()
        if defined != h5py.h5d.FILL_VALUE_USER_DEFINED:
            return np.zeros((), self.dtype)[()]
        return self._dataset.fillvalue


def _format_name(name: str, number: int | None = None) -> str:
    """Return a name with `%b` replaced by a number, and `%%` by `%`, as the library does."""
    return NUMBER.sub(
        lambda m: "%" if m[1] == "%" else "%b" if number is None else str(number), name
    )
