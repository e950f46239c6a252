"""Read arrays from external files."""

from __future__ import annotations

from typing import Any

import numpy as np

from tiled_client.wire.slices import NDSlice
from tiled_client.wire.structures import ArrayStructure

from ...config import storage_settings
from ...models import DataSource
from ...storage import external


def read_external(
    source: DataSource, structure: ArrayStructure, items: NDSlice
) -> np.ndarray[Any, Any]:
    """Return the part `items` of an array in external files."""
    return external.read_array(
        source.mimetype,
        source.wire_assets(),
        source.parameters,
        structure,
        items,
        readable=storage_settings().readable,
    )
