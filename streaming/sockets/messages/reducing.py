"""Reduce updates of arrays: `mean:4,4` and the like, after `slice`.

A cell can be computed from an update that holds all its elements. An update that holds only a part
of a cell is replaced by a reference to the cells that it touches, for the subscriber to read. Of
data that are not stored, only whole cells are sent.

A cell at the end of an axis may be complete though it is not full. The size of the first axis of
an array is not relied on there, since arrays grow along it while they are streamed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tiled_client.wire.dtypes import dtype_from_numpy
from tiled_client.wire.messages import ArrayRef
from tiled_client.wire.reductions import Reduction
from tiled_client.wire.slices import Item, NDSlice, format_slice, sliced_shape
from tiled_client.wire.structures import ArrayStructure

from .data_links import array_uri
from .known_sizes import KnownSizes
from .slicing import AxisSlice, Message, NodeLocation, intersect, intersect_reference, update_begin


class CellRange(NamedTuple):
    """An update along one dimension of the sliced array that is reduced by `factor`.

    The update has the elements from `begin` to `end`; `total` is the number of elements in the
    array, None if it may have grown.
    """

    begin: int
    end: int
    factor: int
    total: int | None

    @property
    def touched(self) -> range:
        """The cells of which the update has an element."""
        return range(self.begin // self.factor, -(-self.end // self.factor))

    @property
    def complete(self) -> range:
        """The cells of which the update has all elements."""
        at_end = self.end == self.total
        last = -(-self.end // self.factor) if at_end else self.end // self.factor
        return range(-(-self.begin // self.factor), last)


@dataclass(frozen=True, slots=True)
class ArrayReducer:
    """Reduce the part of a dense array that lies in a slice."""

    structure: ArrayStructure
    items: NDSlice
    reduction: Reduction
    sizes: KnownSizes
    links: bool = True

    @property
    def name(self) -> str:
        """The canonical text of the request."""
        return f"{format_slice(self.items)}|{self.reduction.text}"

    @property
    def schema_keys(self) -> Message:
        """The reduction, and the dtype of its results."""
        return {"reduce": self.reduction.text, "reduced_data_type": self._data_type}

    @property
    def _data_type(self) -> dict[str, Any]:
        return dtype_from_numpy(self.reduction.dtype(self.structure.dtype)).to_json()

    def __call__(self, message: Message, location: NodeLocation) -> Message | None:
        """Return the reduced update, or a reference to the cells that changed."""
        if message["type"] == ArrayRef.type:
            return self._reduce_reference(message, location)
        begin, shape = update_begin(self.structure, message), message["shape"]
        whole = message["offset"] is None and message["block"] is None
        persisted = message.get("persisted", True)
        known = self.sizes.include(begin, shape, keep=persisted)
        # A write of the whole array has its size, as it was then; it may have grown since.
        sizes = tuple(shape) if whole else known
        parts = intersect(begin, shape, self.items)
        if parts is None:
            return None
        ranges = self._ranges(parts, self._totals(sizes, whole or self._is_last_block(message)))
        if not persisted or all(cells.touched == cells.complete for cells in ranges):
            return self._reduce_data(message, parts, ranges, whole)
        return self._link(message, location, parts, ranges, sizes)

    def _is_last_block(self, message: Message) -> bool:
        """Return whether a chunk is the last along the first axis: it is shorter than others."""
        chunks = self.structure.chunks
        return message["block"] is not None and message["shape"][0] < chunks[0][0]

    def _totals(self, sizes: Sequence[int], ends: bool) -> list[int | None]:
        """Return the number of elements that the slice selects along each kept dimension.

        `ends` says that the update, if it reaches the known size of the first axis, ends it.
        """
        totals: list[int | None] = []
        for axis, (size, item) in enumerate(zip(sizes, _filled(self.items, sizes), strict=True)):
            if isinstance(item, slice):
                fixed = ends or axis > 0 or (item.stop is not None and item.stop <= size)
                totals.append(len(range(*item.indices(size))) if fixed else None)
        return totals

    def _ranges(self, parts: Sequence[AxisSlice], totals: Sequence[int | None]) -> list[CellRange]:
        kept = [part for part in parts if part.offset is not None]
        lead = len(kept) - len(self.reduction.factors)
        factors = (*(1,) * lead, *self.reduction.factors)
        return [
            CellRange(part.offset or 0, (part.offset or 0) + _length(part.source), factor, total)
            for part, factor, total in zip(kept, factors, totals, strict=True)
        ]

    def _reduce_data(
        self,
        message: Message,
        parts: Sequence[AxisSlice],
        ranges: Sequence[CellRange],
        whole: bool,
    ) -> Message | None:
        """Return the update with the cells that are complete; None if there is none."""
        complete = [cells.complete for cells in ranges]
        if not all(complete):
            return None
        array = np.frombuffer(message["payload"], self.structure.dtype).reshape(message["shape"])
        sliced = array[(*(part.source for part in parts), ...)]
        inside = tuple(
            slice(found.start * cells.factor - cells.begin, found.stop * cells.factor - cells.begin)
            for found, cells in zip(complete, ranges, strict=True)
        )
        reduced = self.reduction.apply(sliced[inside])
        return {
            **message,
            **self._keys(),
            "shape": list(reduced.shape),
            "offset": None if whole else [found.start for found in complete],
            "block": None,
            "payload": reduced.tobytes(),
        }

    def _link(
        self,
        message: Message,
        location: NodeLocation,
        parts: Sequence[AxisSlice],
        ranges: Sequence[CellRange],
        sizes: Sequence[int],
    ) -> Message:
        """Return a reference to the cells that an update touches."""
        common = {key: message[key] for key in ("sequence", "epoch", "timestamp")}
        return {
            "type": ArrayRef.type,
            **common,
            "data_source": None,
            "patch": _patch(ranges),
            "shape": list(self.reduction.shape(sliced_shape(sizes, self.items))),
            **self._keys(),
            "uri": self._uri(location, parts, ranges),
        }

    def _reduce_reference(self, message: Message, location: NodeLocation) -> Message | None:
        patch, parts = message["patch"], intersect_reference(message, self.items)
        if parts is None:
            return None
        whole = sliced_shape(message["shape"], self.items)
        ranges = self._ranges(parts, whole)
        return {
            **message,
            "patch": patch and _patch(ranges),
            "shape": list(self.reduction.shape(whole)),
            **self._keys(),
            "uri": self._uri(location, parts, ranges),
        }

    def _keys(self) -> Message:
        sliced = {"slice": format_slice(self.items)} if self.items else {}
        return {**sliced, "reduce": self.reduction.text, "data_type": self._data_type}

    def _uri(
        self, location: NodeLocation, parts: Sequence[AxisSlice], ranges: Sequence[CellRange]
    ) -> str:
        """Return the URL of the cells that an update touches."""
        region: list[Item] = []
        kept = iter(ranges)
        for part, item in zip(parts, _filled(self.items, parts), strict=True):
            region.append(part.region if isinstance(item, int) else _elements(item, next(kept)))
        return array_uri(*location, tuple(region), self.reduction.text)


def _patch(ranges: Sequence[CellRange]) -> dict[str, list[int]]:
    touched = [cells.touched for cells in ranges]
    return {
        "offset": [found.start for found in touched],
        "shape": [len(found) for found in touched],
    }


def _elements(item: slice, cells: CellRange) -> slice:
    """Return the elements of the whole array that make the cells which an update touches."""
    start, step = item.start or 0, item.step or 1
    first = start + cells.touched.start * cells.factor * step
    # One step behind the last element, or the end of the array if that comes first.
    stop = start + (cells.touched.stop * cells.factor - 1) * step + 1
    return slice(first, stop if item.stop is None else min(stop, item.stop), step)


def _filled(items: NDSlice, like: Sequence[object]) -> NDSlice:
    return (*items, *(slice(None),) * (len(like) - len(items)))


def _length(item: Item) -> int:
    assert isinstance(item, slice)
    return len(range(item.start, item.stop, item.step))
