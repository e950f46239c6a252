"""Conversion from the dtype of a file to the declared one."""

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

    Floats may lose precision. Raises Unreadable for another kind, and for values that do not fit.
    """
    if array.dtype == declared:
        return np.asarray(array, order="C")
    if not is_convertible(array.dtype, declared):
        raise Unreadable(f"it has dtype {array.dtype}, but {declared} is declared.")
    if _same_bytes(array.dtype, declared):
        return np.asarray(array, order="C").view(declared)
    if array.dtype.kind == "S" and declared.kind == "U":
        array = np.char.decode(array, "utf-8")
    with np.errstate(over="ignore", invalid="ignore"):
        result: Array = array.astype(declared, order="C")
        kept = _kept(array, result)
    if not kept:
        raise Unreadable(
            f"it has values of {array.dtype} that do not fit into the declared {declared}. "
            f"Register it as {array.dtype}."
        )
    return result


def _kept(array: Array, result: Array) -> bool:
    """Return whether a cast has kept the values; floats may have lost precision, not magnitude."""
    before, after = array.dtype, result.dtype
    if before.names is not None and after.names is not None:
        pairs = zip(before.names, after.names, strict=True)
        return all(_kept(array[one], result[other]) for one, other in pairs)
    if after.kind in "mM":
        # Numpy considers this cast safe, but lets a finer unit overflow.
        same: Array = (result.astype(before) == array) | np.isnat(array)
        return bool(np.all(same & (np.isnat(result) == np.isnat(array))))
    if np.can_cast(before, after, "safe"):
        # Numpy considers int64 to float64 safe, although a double has only 53 bits.
        exact = before.kind not in "iu" or after.kind not in "fc"
        return exact or _same_numbers(array, result)
    if before.kind in "fc" and after.kind in "fc":
        # One part of a complex number may be NaN while the other becomes infinite.
        parts = ("real", "imag") if before.kind == "c" else ("real",)
        return all(_stay_finite(getattr(array, p), getattr(result, p)) for p in parts)
    if before.kind in "iu" and after.kind in "fc":
        return _same_numbers(array, result)
    return bool(np.array_equal(result, array))


def _stay_finite(array: Array, result: Array) -> bool:
    return bool(np.all(np.isfinite(result) | ~np.isfinite(array)))


def _same_numbers(array: Array, result: Array) -> bool:
    """Return whether floats equal the integers that they were cast from."""
    if array.dtype.itemsize < 4 and result.dtype.itemsize > 2:
        return True
    real = result.real
    # The double above the largest integer cannot be cast back.
    maximum = float(np.iinfo(array.dtype).max)
    inside = np.isfinite(real) & ((real < maximum) | (array.dtype.itemsize < 8))
    return bool(np.all(inside)) and bool(np.array_equal(real.astype(array.dtype), array))


def _same_bytes(found: np.dtype[Any], declared: np.dtype[Any]) -> bool:
    """Return whether one dtype is structured, and the other its raw bytes."""
    both = found.kind == declared.kind == "V" and found.itemsize == declared.itemsize
    return both and (found.names is None or declared.names is None)
