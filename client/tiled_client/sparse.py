"""Conversion between `sparse.COO`, coordinates with values, and Arrow files of elements.

The package `sparse` is loaded on first use.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import tables
from .casting import unmasked_array
from .errors import InvalidResponse
from .optional import require_package
from .wire.errors import WireError
from .wire.sparse import Coo


def to_elements(coords: Any, data: Any, shape: Sequence[int] | None) -> Coo:
    """Return the elements that the arguments of a write describe.

    Parameters
    ----------
    coords
        Coordinates, one row per dimension; or a `sparse.COO`, with `data` None.
    data
        The value of each element.
    shape
        Shape of the array; required unless `coords` is a `sparse.COO`.

    Raises
    ------
    ValueError
        If coordinates, values and shape do not match, or elements that are not stored are not zero.
    """
    if data is None:
        shape = coords.shape if shape is None else shape
        _check_fill_value(coords)
        coords, data = coords.coords, coords.data
    if shape is None:
        raise ValueError("shape is missing: coordinates and values do not determine it")
    rows, values = np.asarray(coords), unmasked_array(data)
    if rows.shape != (len(shape), len(values)):
        raise ValueError(
            f"coords of shape {rows.shape} do not match {len(values)} values in "
            f"{len(shape)} dimensions: give one row per dimension and one column per value"
        )
    return Coo(rows, values, tuple(int(size) for size in shape))


def _check_fill_value(array: Any) -> None:
    """Raise ValueError unless elements that are not stored are zero, as a server assumes."""
    value = getattr(array, "fill_value", 0)
    if value:
        raise ValueError(
            f"the fill value {value} would be lost, since elements that are not stored read as "
            "zero: subtract it first, or write `array.todense()` as a dense array"
        )


def decode_elements(content: bytes, shape: Sequence[int]) -> Coo:
    """Return the elements in an Arrow file. Raises InvalidResponse."""
    try:
        return Coo.from_arrow(tables.decode(content), shape)
    except WireError as error:
        raise InvalidResponse(f"The server sent an invalid sparse array: {error}") from error


def to_coo(elements: Coo) -> Any:
    """Return these elements as a `sparse.COO`."""
    sparse = require_package("sparse", "sparse")
    dtype = elements.data.dtype
    coo = sparse.COO(elements.coords, elements.data, shape=elements.shape)
    # `sparse` sums duplicates, and the sum of no values is a float whatever the dtype.
    return coo if coo.dtype == dtype or not math.prod(elements.shape) else coo.astype(dtype)
