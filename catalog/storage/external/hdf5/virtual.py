"""Virtual datasets: arrays whose elements are those of other datasets, their sources.

The library would look for the sources itself, and follow any link on the way. So mappings are
resolved here: each source is found link by link in files that were opened here, and read into its
place by the library, which then opens nothing.
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

# So many may be sources of one another.
MAX_NESTING = 32
NUMBER = re.compile("%([%b])")


Around = tuple["VirtualDataset", ...]
"""The virtual datasets, one within another, that a source is read for."""


class Source(Protocol):
    """A dataset that elements are read of."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        ...

    def read_into(
        self, target: Array, wanted: Space, memory: Space, kind: Any, around: Around
    ) -> None:
        """Read the elements `wanted` into those in `memory` of `target`, in HDF5's type `kind`."""
        ...


Find = Callable[[str, str], Source | None]
"""Finds a dataset by the names of its file and of its own; None if it is not there.

Raises OutsideReadable, Unreadable.
"""


@dataclass(frozen=True, slots=True)
class StoredSource:
    """A source that is stored."""

    dataset: h5py.Dataset

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape; of one without any, that of no elements."""
        shape: tuple[int, ...] | None = self.dataset.shape
        return (0,) if shape is None else shape

    def read_into(
        self, target: Array, wanted: Space, memory: Space, kind: Any, around: Around
    ) -> None:
        """Read some elements."""
        self.dataset.id.read(memory, wanted, target, kind)


@dataclass(frozen=True, slots=True)
class SourceMapping:
    """Elements `space` of a virtual dataset are those in `source_space` of a source, in order."""

    file: str
    name: str
    space: Space
    source_space: Space
    low: tuple[int, ...]
    high: tuple[int, ...]

    @classmethod
    def of(cls, file: str, name: str, space: Space, source_space: Space) -> SourceMapping:
        """Look where the elements are."""
        return cls(file, name, space, source_space, *selections.bounds(space))

    def meets(self, low: Shape, high: Shape) -> bool:
        """Return whether some elements may lie between these indices."""
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
        # To tell the shape itself, the library would open the sources.
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
        """The dtype of its elements. Raises what the library raises where numpy has none."""
        found: np.dtype[Any] = self._dataset.dtype
        return found

    @property
    def kind(self) -> Any:
        """HDF5's own type of its elements."""
        return self._dataset.id.get_type()

    @property
    def ndim(self) -> int:
        """How many dimensions it has."""
        return len(self.shape)

    def look_for_sources(self, found: set[VirtualDataset] | None = None) -> None:
        """Have all sources found. Raises OutsideReadable, Unreadable."""
        found = set() if found is None else found
        found.add(self)
        for file, name in {(part.file, part.name) for part in self._mapped}:
            source = self._find(file, name)
            if isinstance(source, VirtualDataset) and source not in found:
                source.look_for_sources(found)

    def __getitem__(self, region: Region) -> Array:
        """Read a part."""
        return self.read(region, h5t.py_create(self.dtype))

    def read(self, region: Region, kind: Any) -> Array:
        """Read a part in HDF5's type `kind`, which is that of the dtype."""
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
        """Read some elements."""
        value = np.asarray(self._fill_value())
        if value.dtype.hasobject:
            if value.any():
                raise Unreadable(f"{self.name} has fill values of a kind that is not read.")
        else:
            selections.fill(target, value.astype(target.dtype), kind, memory)
        self._read_parts(target, selections.laid_over(wanted, self.shape), memory, kind, around)

    def _read_parts(
        self, target: Array, wanted: Space, memory: Space, kind: Any, around: Around
    ) -> None:
        if self in around or len(around) > MAX_NESTING:
            raise Unreadable(
                f"{self.name} is made of itself, or of more than {MAX_NESTING} others in a row."
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
                continue  # where it will be, there are fill values for now
            there = selections.of_source(part.source_space, source.shape, part.space)
            there = selections.projected(part.space, there, common)
            if not selections.within(there, source.shape):
                raise Unreadable(
                    f"{self.name} has more elements of {part.name} in {part.file} than are there."
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
        """Yield the mapping, as far as it goes by now."""
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
        """Yield a source for each block, by its number, up to the first that is not there."""
        if more.block is None or _format_name(file + name, 0) == _format_name(file + name, 1):
            raise Unreadable(f"{self.name} has sources without number.")
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
