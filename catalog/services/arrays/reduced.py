"""Read reductions of dense arrays, in memory that does not depend on the size of the array."""

from __future__ import annotations

import math
from collections.abc import Sequence

from core.errors import BadRequest
from tiled_client.wire.reductions import PartialReduction, Reduction
from tiled_client.wire.slices import NDSlice, sliced_shape
from tiled_client.wire.structures import ArrayStructure

from ...config import storage_settings
from ...lookup.embedded import EmbeddedNode
from ...models import Node
from ..limits import nominal_bytes
from ..response_limits import check_response_bytes
from .dense import Array, array_structure, iter_portions

# Maximum bytes per read, unless one chunk is larger.
MAX_PART_BYTES = 16 << 20
# A response of the maximum size may be a reduction of this many times more data.
MAX_RATIO = 64


def read_reduced(node: Node | EmbeddedNode, items: NDSlice, reduction: Reduction) -> Array:
    """Return the reduction of the part `items` of an array.

    The part has been checked by `check_reduction`.
    """
    structure = array_structure(node)
    shape = sliced_shape(structure.shape, items)
    result = PartialReduction(reduction, shape, structure.dtype)
    for portion, array in iter_portions(node, items, most=MAX_PART_BYTES):
        result.add(array, _offset(structure.shape, items, portion))
    return result.result()


def check_reduction(
    structure: ArrayStructure, shape: tuple[int, ...], reduction: Reduction
) -> None:
    """Check the reduction of a part of `shape`.

    Raises WireError for a reduction that does not fit the array, and BadRequest if the result
    exceeds the response limit, or the part to read many times that limit.
    """
    reduction.check(structure.dtype, len(shape))
    cells = math.prod(max(size, 1) for size in reduction.shape(shape))
    check_response_bytes(
        cells * reduction.dtype(structure.dtype).itemsize,
        "Use larger factors in 'reduce', or slicing ('?slice=...').",
    )
    limit = MAX_RATIO * storage_settings().response_bytesize_limit
    if nominal_bytes(structure, shape) > limit:
        raise BadRequest(
            f"A reduction of {nominal_bytes(structure, shape)} bytes would read more than {limit}. "
            "Use slicing ('?slice=...') to request smaller parts."
        )


def _offset(shape: Sequence[int], items: NDSlice, portion: NDSlice) -> tuple[int, ...]:
    """Return where a portion of the part `items` begins in that part."""
    filled = (*items, *(slice(None),) * (len(shape) - len(items)))
    return tuple(
        range(*item.indices(size)).index(found.start)
        for item, found, size in zip(filled, portion, shape, strict=True)
        if isinstance(item, slice) and isinstance(found, slice)
    )
