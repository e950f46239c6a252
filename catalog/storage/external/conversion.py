"""From the dtype that a file has to the one that was declared."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..encoding import Array
from ..errors import Unreadable

# What numpy would cut, or let overflow, without a word.
COUNTED = "iuSUmM"


def convertible(found: np.dtype[Any], declared: np.dtype[Any]) -> bool:
    """Whether values of dtype `found` may be read as `declared`: no other kind, and no bytes."""
    if found.kind == "S" and declared.kind == "U":
        return True
    return _same_bytes(found, declared) or np.can_cast(found, declared, "same_kind")


def converted(array: Array, declared: np.dtype[Any]) -> Array:
    """`array` in exactly the dtype `declared`, C-contiguous.

    Floats may lose digits. Raises Unreadable for another kind, and for values that do not fit.
    """
    if array.dtype == declared:
        return np.asarray(array, order="C")
    if not convertible(array.dtype, declared):
        raise Unreadable(f"it holds {array.dtype}, where {declared} is declared.")
    if _same_bytes(array.dtype, declared):
        return np.asarray(array, order="C").view(declared)
    if array.dtype.kind == "S" and declared.kind == "U":
        array = np.char.decode(array, "utf-8")
    result: Array = array.astype(declared, order="C")
    safe = np.can_cast(array.dtype, declared, "safe")
    if not safe and declared.kind in COUNTED and not np.array_equal(result, array):
        raise Unreadable(f"it holds {array.dtype} that are no {declared}, which is declared.")
    return result


def _same_bytes(found: np.dtype[Any], declared: np.dtype[Any]) -> bool:
    """Whether one is a structure, and the other the same bytes without names."""
    both = found.kind == declared.kind == "V" and found.itemsize == declared.itemsize
    return both and (found.names is None or declared.names is None)
