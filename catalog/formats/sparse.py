"""Sparse arrays as tables of coordinates and values.

Source: the wire, "Array endpoints", sparse.
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
    """Elements of a sparse array, and the dtype in which it keeps coordinates."""

    coo: Coo
    coordinates: np.dtype[np.integer]

    def table(self) -> pa.Table:
        """Columns `dim0`, `dim1`, ..., `data`, with a row for each element."""
        return self.coo.to_arrow(self.coordinates)


def as_table(export: Export[Elements]) -> Body:
    """As a table of the columns `dim0`, `dim1`, ..., `data` is written."""
    return as_rows(export, export.data.table())
