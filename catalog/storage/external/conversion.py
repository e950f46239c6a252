"""From the dtype that a file has to the one that was declared."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..encoding import Array
from ..errors import Unreadable


def is_convertible(found: np.dtype[Any], declared: np.dtype[Any]) -> bool:
    """Return whether dtype `found` may be read as `declared`: the same kind, and no raw bytes."""
    if found.kind == "S" and declared.kind == "U":
        return True
    return _same_bytes(found, declared) or np.can_cast(found, declared, "same_kind")


def convert(array: Array, declared: np.dtype[Any]) -> Array:
    """Return `array` in exactly the dtype `declared`, C-contiguous.

    Floats may lose digits. Raises Unreadable for another kind, and for values that do not fit.
    """
    if array.dtype == declared:
        return np.asarray(array, order="C")
    if not is_convertible(array.dtype, declared):
        raise Unreadable(f"it holds {array.dtype}, where {declared} is declared.")
    if _same_bytes(array.dtype, declared):
        return np.asarray(array, order="C").view(declared)
    if array.dtype.kind == "S" and declared.kind == "U":
        array = np.char.decode(array, "utf-8")
    with np.errstate(over="ignore", invalid="ignore"):
        result: Array = array.astype(declared, order="C")
        kept = _kept(array, result)
    if not kept:
        raise Unreadable(
            f"it holds values of {array.dtype} that do not fit into {declared}, which is declared. "
            f"Register it as {array.dtype}."
        )
    return result


def _kept(array: Array, result: Array) -> bool:
    """Return whether a cast has kept the values; floats may have lost digits, not their size."""
    before, after = array.dtype, result.dtype
    if before.names is not None and after.names is not None:
        pairs = zip(before.names, after.names, strict=True)
        return all(_kept(array[one], result[other]) for one, other in pairs)
    if after.kind in "mM":
        # Numpy counts this as safe, and lets a finer unit overflow.
        same: Array = (result.astype(before) == array) | np.isnat(array)
        return bool(np.all(same & (np.isnat(result) == np.isnat(array))))
    if np.can_cast(before, after, "safe"):
        # A whole number of 64 bits is said to be safe as a double, which has 53.
        exact = before.kind not in "iu" or after.kind not in "fc"
        return exact or _same_numbers(array, result)
    if before.kind in "fc" and after.kind in "fc":
        # Of complex numbers one part may be NaN, and the other become infinite.
        parts = ("real", "imag") if before.kind == "c" else ("real",)
        return all(_stay_finite(getattr(array, p), getattr(result, p)) for p in parts)
    if before.kind in "iu" and after.kind in "fc":
        return _same_numbers(array, result)
    return bool(np.array_equal(result, array))


def _stay_finite(array: Array, result: Array) -> bool:
    return bool(np.all(np.isfinite(result) | ~np.isfinite(array)))


def _same_numbers(array: Array, result: Array) -> bool:
    """Return whether floats are the whole numbers that they were made of."""
    if array.dtype.itemsize < 4 and result.dtype.itemsize > 2:
        return True
    real = result.real
    # A double just beyond the integers is no number of them any more.
    maximum = float(np.iinfo(array.dtype).max)
    inside = np.isfinite(real) & ((real < maximum) | (array.dtype.itemsize < 8))
    return bool(np.all(inside)) and bool(np.array_equal(real.astype(array.dtype), array))


def _same_bytes(found: np.dtype[Any], declared: np.dtype[Any]) -> bool:
    """Return whether one is a structure, and the other the same bytes without names."""
    both = found.kind == declared.kind == "V" and found.itemsize == declared.itemsize
    return both and (found.names is None or declared.names is None)
