"""Casts of arrays to a stored dtype that raise where a value would change.

Floating-point numbers may be rounded to the stored precision. Rejected are fractions in integers,
numbers that would become infinite, numbers as strings, and masked values.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .array_values import to_array

Array = np.ndarray[Any, np.dtype[Any]]


def cast_exactly(values: Any, dtype: np.dtype[Any]) -> Array:
    """Return `values` as an array of `dtype`.

    Parameters
    ----------
    values
        An array, or any argument of `numpy.asarray`.
    dtype
        The stored dtype.

    Raises
    ------
    TypeError
        For values of another kind, as strings for numbers.
    ValueError
        If a value would change.
    """
    given = to_array(values)
    if given.dtype == dtype:
        return given
    if not given.size and not isinstance(values, np.ndarray):
        return np.empty(given.shape, dtype)  # numpy gives every empty list float64
    if not _fits(given.dtype, dtype):
        raise TypeError(
            f"values of dtype {given.dtype} do not fit an array of dtype {dtype}: convert them "
            "first, for example with `.astype`"
        )
    with np.errstate(all="ignore"):  # overflow is checked next
        cast = given.astype(dtype)
        preserved = _is_preserved(given, cast)
    if not preserved:
        raise ValueError(
            f"some values of dtype {given.dtype} would change in an array of dtype {dtype}: "
            "convert them first, for example with `.astype`"
        )
    return cast


def _fits(given: np.dtype[Any], dtype: np.dtype[Any]) -> bool:
    # numpy would format numbers as strings.
    is_text = (given.kind in "US", dtype.kind in "US")
    same_kind = np.can_cast(given, dtype, "same_kind") and is_text[0] == is_text[1]
    return same_kind and _same_fields(given, dtype)


def _same_fields(given: np.dtype[Any], dtype: np.dtype[Any]) -> bool:
    """Return whether the field names are equal: numpy casts by position, whatever the names."""
    if given.names != dtype.names:
        return False
    return all(_same_fields(given[name].base, dtype[name].base) for name in dtype.names or ())


def _is_preserved(given: Array, cast: Array) -> bool:
    if given.dtype.names and cast.dtype.names:
        pairs = zip(given.dtype.names, cast.dtype.names, strict=True)
        return all(_is_preserved(given[before], cast[after]) for before, after in pairs)
    if cast.dtype.kind in "fc" and given.dtype.kind in "fc":
        # Checked by part: one may be NaN while the other becomes infinite.
        parts = ("real", "imag") if given.dtype.kind == "c" else ("real",)
        return all(_stay_finite(getattr(given, p), getattr(cast, p)) for p in parts)
    if cast.dtype.kind in "fc":
        return _is_exact(given, cast)
    if given.dtype.kind in "iu" and cast.dtype.kind in "iu":
        return bool(np.all(cast == given))  # numpy compares integers exactly
    back = cast.astype(given.dtype)
    same = back == given
    if given.dtype.kind in "mM":
        same |= np.isnat(back) & np.isnat(given)
    return bool(np.all(same))


def _stay_finite(given: Array, cast: Array) -> bool:
    return bool(np.all(np.isfinite(cast) | ~np.isfinite(given)))


def _is_exact(whole: Array, cast: Array) -> bool:
    """Return whether these floating-point numbers equal the integers exactly."""
    if not whole.size or whole.dtype.kind == "b":
        return True
    largest = 2 ** (np.finfo(cast.dtype).nmant + 1)
    if -largest <= int(whole.min()) and int(whole.max()) <= largest:
        return True
    if not np.isfinite(cast).all():
        return False
    # Python compares int and float exactly; numpy converts the int first.
    return all(a == b for a, b in zip(whole.ravel().tolist(), cast.ravel().tolist(), strict=True))
