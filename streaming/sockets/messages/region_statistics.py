"""Replace updates of arrays by the statistics of regions of interest in each frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tiled_client.wire.messages import ArrayRef
from tiled_client.wire.roi import RegionsOfInterest, covered
from tiled_client.wire.slices import NDSlice, format_slice, sliced_shape
from tiled_client.wire.structures import ArrayStructure

from .known_sizes import KnownSizes
from .slicing import ArraySlicer, Message, NodeLocation, intersect, update_begin

TYPE = "array-roi"


@dataclass(frozen=True, slots=True)
class RegionStatistics:
    """Compute the statistics of regions in the part of a dense array that lies in a slice."""

    structure: ArrayStructure
    items: NDSlice
    roi: RegionsOfInterest
    sizes: KnownSizes
    links: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """The canonical text of the request."""
        return f"{format_slice(self.items)}|{self.roi.text}"

    @property
    def schema_keys(self) -> Message:
        """The regions."""
        return {"roi": self.roi.text}

    def __call__(self, message: Message, location: NodeLocation) -> Message | None:
        """Return the statistics of `message`; a reference to data is sent as one."""
        if message["type"] == ArrayRef.type:
            slicer = ArraySlicer(self.structure, self.items, format_slice(self.items))
            return slicer(message, location)
        begin = update_begin(self.structure, message)
        keep = message.get("persisted", True)
        sizes = self.sizes.include(begin, message["shape"], keep=keep)
        parts = intersect(begin, message["shape"], self.items)
        if parts is None:
            return None
        array = np.frombuffer(message["payload"], self.structure.dtype).reshape(message["shape"])
        part = array[(*(part.source for part in parts), ...)]
        offset = [part.offset for part in parts if part.offset is not None]
        lead = part.ndim - self.roi.ndim
        if not any(
            _is_covered(region, offset[lead:], part.shape[lead:]) for region in self.roi.regions
        ):
            return None
        common = ("sequence", "epoch", "timestamp", "persisted")
        sliced = {"slice": format_slice(self.items)} if self.items else {}
        sizes = sliced_shape(sizes, self.items)
        return {
            "type": TYPE,
            **{key: message[key] for key in common if key in message},
            "offset": offset[:lead],
            "shape": list(part.shape[:lead]),
            **sliced,
            "roi": self.roi.text,
            "partial": any(
                _is_partial(region, offset[lead:], part.shape[lead:], sizes[lead:])
                for region in self.roi.regions
            ),
            "values": self.roi.statistics(part, offset[lead:]),
        }


def _is_covered(region: Sequence[slice], offset: Sequence[int], shape: Sequence[int]) -> bool:
    """Return whether an update of `shape` at `offset` has an element of the region."""
    return all(item.stop > item.start for item in covered(region, offset, shape))


def _is_partial(
    region: Sequence[slice], offset: Sequence[int], shape: Sequence[int], sizes: Sequence[int]
) -> bool:
    """Return whether the array has elements of the region that the update does not have."""
    there = covered(region, (0,) * len(sizes), sizes)
    lengths = [len(range(item.start, item.stop)) for item in there]
    have = [len(range(item.start, item.stop)) for item in covered(region, offset, shape)]
    return all(lengths) and have != lengths
