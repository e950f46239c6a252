"""Read arrays from external files, in exactly the declared structure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tiled_client.wire.data_sources import Asset
from tiled_client.wire.slices import NDSlice, sliced_shape
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure

from ..encoding import Array
from ..errors import NotReady
from .reader_results import as_array, items_to_json
from .readers import call
from .registry import format_of
from .sources import Sources


def read_array(
    mimetype: str,
    assets: Iterable[Asset],
    parameters: Mapping[str, Any],
    structure: ArrayStructure,
    items: NDSlice = (),
    *,
    readable: Sequence[Path],
) -> Array:
    """Read what `items` select, in exactly the declared dtype, C-contiguous.

    Raises WireError for items out of bounds, Unsupported, OutsideReadable, MissingFile, NotReady
    (still being written), Unreadable (not as declared).
    """
    format_of(mimetype, StructureFamily.array)
    shape = sliced_shape(structure.shape, items)
    if not math.prod(shape):
        return np.zeros(shape, structure.dtype)
    sources = Sources.of(assets, parameters, readable)
    if not sources.paths:
        raise NotReady(
            "No file is registered for this array yet: register its assets, or retry later."
        )
    wanted = {
        "mimetype": mimetype,
        "structure": structure.to_json(),
        "items": items_to_json(items),
    }
    return as_array(call("array", sources, wanted), structure.dtype)
