"""Conversion between `sparse.COO`, coordinates with values, and Arrow files of elements.

The package `sparse` is loaded on first use.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import tables
from .arguments import whole_numbers
from .array_values import to_array
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
        If coordinates, values and shape do not match, coordinates lie outside of the shape, or
        elements that are not stored are not zero.
    TypeError
        If an argument is of another type.
    """
    if data is None:
        coords = _to_coo(coords)
        shape = coords.shape if shape is None else shape
        _check_same_shape(coords.shape, whole_numbers(shape, "shape"))
        coords, data = coords.coords, coords.data
    if shape is None:
        raise ValueError("shape is missing: coordinates and values do not determine it")
    sizes = whole_numbers(shape, "shape", minimum=0)
    rows, values = _whole(to_array(coords)), to_array(data)
    if values.ndim != 1 or rows.shape != (len(sizes), len(values)):
        raise ValueError(
            f"coords of shape {rows.shape} do not match {values.size} values in "
            f"{len(sizes)} dimensions: give one row per dimension and one column per value"
        )
    for dimension, (row, size) in enumerate(zip(rows, sizes, strict=True)):
        if len(row) and not (row.min() >= 0 and row.max() < size):
            outside = row.min() if row.min() < 0 else row.max()
            raise ValueError(
                f"The coordinate {outside} of dimension {dimension} is not from 0 to {size - 1}."
            )
    return Coo(rows, values, sizes)


def _whole(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return coordinates as integers. Raises TypeError, ValueError."""
    if rows.dtype.kind in "iu" or not rows.size:
        return rows if rows.dtype.kind in "iu" else rows.astype(np.int64)
    if rows.dtype.kind != "f":
        raise TypeError(f"coords must be integers, not of dtype {rows.dtype}")
    if not np.all(rows == np.trunc(rows)):
        raise ValueError("coords must be integers, but some have a fraction")
    return rows.astype(np.int64)


def _to_coo(array: Any) -> Any:
    """Return a sparse array in the format COO. Raises TypeError, ValueError for its fill value."""
    _check_fill_value(array)
    if not hasattr(array, "coords") and hasattr(array, "tocoo"):
        array = array.tocoo()
    if not hasattr(array, "coords") and hasattr(array, "to_coo"):
        array = array.to_coo()
    if not (hasattr(array, "coords") and hasattr(array, "data") and hasattr(array, "nnz")):
        raise TypeError(
            f"a value of type {type(array).__name__} is not a sparse array: pass coords, data and "
            "shape, or a sparse.COO, such as sparse.COO(array)"
        )
    return array


def _check_same_shape(found: Sequence[int], shape: Sequence[int]) -> None:
    if tuple(found) != tuple(shape):
        raise ValueError(
            f"a sparse array of shape {tuple(found)} does not fit the shape {tuple(shape)}"
        )


def _check_fill_value(array: Any) -> None:
    """Raise ValueError unless elements that are not stored are zero, as a server assumes."""
    value = getattr(array, "fill_value", 0) if hasattr(array, "nnz") else 0
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
