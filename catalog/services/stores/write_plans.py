"""Plan a write to a dense array: the region it covers, and the structure after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from core.errors import Conflict
from tiled_client.wire.errors import WireError
from tiled_client.wire.slices import check_growth, format_slice, patch_region
from tiled_client.wire.structures import ArrayStructure

from ...storage.regions import shape_of
from ..limits import check_size


class Growth(Enum):
    """Whether a patch may grow an array: not, by whole frames, or along all dimensions."""

    NONE = "none"
    FRAMES = "frames"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class WritePlan:
    """A validated write: its `region`, and the `structure` after it.

    `offset` is set for a patch, `block` for a single chunk; updates carry them.
    """

    region: tuple[slice, ...]
    shape: tuple[int, ...]
    structure: ArrayStructure
    offset: tuple[int, ...] | None = None
    block: tuple[int, ...] | None = None


def plan_full(structure: ArrayStructure) -> WritePlan:
    """Plan to overwrite the whole array."""
    region = tuple(slice(0, size) for size in structure.shape)
    return WritePlan(region, structure.shape, structure)


def plan_block(structure: ArrayStructure, block: Sequence[int]) -> WritePlan:
    """Plan to overwrite one chunk. Raises WireError for a block that is out of range."""
    region = structure.block_region(block)
    return WritePlan(region, shape_of(region), structure, block=tuple(block))


def plan_append(structure: ArrayStructure, count: int) -> WritePlan:
    """Plan to append `count` frames at the end of the first dimension.

    Raises WireError if the array has no dimension, Invalid if it would grow too large.
    """
    if not structure.shape:
        raise WireError("Nothing can be appended to an array without dimensions.")
    rest = structure.shape[1:]
    offset, shape = (structure.shape[0], *(0 for _ in rest)), (count, *rest)
    return plan_patch(structure, offset, shape, Growth.FRAMES)


def plan_patch(
    structure: ArrayStructure, offset: Sequence[int], shape: Sequence[int], growth: Growth
) -> WritePlan:
    """Plan to overwrite a region, growing the array if `growth` allows it.

    Raises Conflict if the region lies outside of the array without growth, WireError for another
    number of dimensions or other frames than `growth` allows, Invalid if the array would grow too
    large.
    """
    region = patch_region(structure.shape, offset, shape)
    plan = WritePlan(region, tuple(shape), structure, offset=tuple(offset))
    grown = tuple(max(part.stop, size) for part, size in zip(region, structure.shape, strict=True))
    if grown == structure.shape:
        return plan
    if growth is Growth.NONE:
        raise Conflict(
            f"Slice {format_slice(region)} does not fit within current array shape "
            f"{structure.shape}. "
            "Use ?extend=true to extend the array dimensions to fit."
        )
    if growth is Growth.FRAMES:
        check_growth(structure.shape, offset, shape)
    check_size(structure, grown)
    return replace(plan, structure=structure.with_shape(grown))
