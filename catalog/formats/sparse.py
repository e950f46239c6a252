"""Sparse arrays as tables of coordinates and values.

Source: docs/reference/tiled-protocol/http.md, Array endpoints.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tiled_client.wire.sparse import Coo

from .exports import Body, Export
from .tables import as_rows


@dataclass(frozen=True, slots=True)
class Elements:
    """Elements of a sparse array, and the dtype of its coordinates."""

    coo: Coo
    coordinates: np.dtype[np.integer]

    def table(self) -> pa.Table:
        """Return a table of the columns `dim0`, `dim1`, ..., `data`, with a row per element."""
        return self.coo.to_arrow(self.coordinates)


def as_table(export: Export[Elements]) -> Body:
    """Write the elements with the table exporter of the same format."""
    return as_rows(export, export.data.table())
