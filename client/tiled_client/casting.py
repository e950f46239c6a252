"""Casts to a stored dtype or Arrow type that raise where a value would change.

Floating-point numbers may be rounded to the stored precision, and strings parsed. Rejected are
fractions in integers, numbers that would become infinite, datetimes with a time zone in columns
without one, and masked values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow

Array = np.ndarray[Any, np.dtype[Any]]


def unmasked_array(values: Any) -> Array:
    """Return `values` as an array. Raises TypeError for masked values: the mask would be lost."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise TypeError(
            "a masked array cannot be stored, because its mask would be lost: pass "
            "`.filled(value)` of it, with a value for missing elements, such as NaN"
        )
    return np.asarray(values)


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
    given = unmasked_array(values)
    if given.dtype == dtype:
        return given
    if not (_same_fields(given.dtype, dtype) and np.can_cast(given.dtype, dtype, "same_kind")):
        raise TypeError(f"values of dtype {given.dtype} do not fit an array of dtype {dtype}")
    with np.errstate(all="ignore"):  # overflow is checked next
        cast = given.astype(dtype)
        preserved = _is_preserved(given, cast)
    if not preserved:
        raise ValueError(
            f"some values of dtype {given.dtype} would change in an array of dtype {dtype}: "
            "convert them first, for example with `.astype`"
        )
    return cast


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


def check_columns(before: pyarrow.Table, after: pyarrow.Table) -> None:
    """Raise ValueError, with the name of the column, if a cast from `before` changed a value."""
    for name in after.column_names:
        for given, cast in _leaves(before[name].combine_chunks(), after[name].combine_chunks()):
            reason = _changed(given, cast)
            if reason:
                raise ValueError(
                    f"The values of the column {name!r} do not fit its type {after[name].type}: "
                    f"{reason}."
                )


def _leaves(given: Any, cast: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the pairs of arrays without nesting in both, where the types differ."""
    from pyarrow import types

    if given.type == cast.type:
        return
    lists = (types.is_list, types.is_large_list, types.is_fixed_size_list)
    if all(any(is_list(kind) for is_list in lists) for kind in (given.type, cast.type)):
        yield from _leaves(given.flatten(), cast.flatten())
    elif types.is_struct(given.type) and types.is_struct(cast.type):
        for before, after in zip(given.flatten(), cast.flatten(), strict=True):
            yield from _leaves(before, after)
    elif not (types.is_nested(given.type) or types.is_dictionary(given.type)):
        yield given, cast


def _changed(given: Any, cast: Any) -> str:
    """Return how a cast changed values; an empty string if it did not."""
    import pyarrow
    from pyarrow import compute, types

    before, after = given.type, cast.type
    times = types.is_timestamp(before) and types.is_timestamp(after)
    if times and (before.tz is None) != (after.tz is None):
        here, there = ("no", "one") if before.tz is None else ("a", "none")
        return f"they have {here} time zone, and the column has {there}: use `tz_localize` first"
    if types.is_floating(before) and types.is_floating(after):
        infinite = compute.and_(compute.is_inf(cast), compute.invert(compute.is_inf(given)))
        return "a value would become infinite" if compute.any(infinite).as_py() else ""
    if not _is_number(before) or not _is_number(after):
        return ""
    try:
        back = cast.cast(before, safe=False)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError):
        return ""
    return "" if back.equals(given) else f"a value of type {before} would change"


def _is_number(kind: pyarrow.DataType) -> bool:
    from pyarrow import types

    kinds = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal)
    return any(bool(is_kind(kind)) for is_kind in (*kinds, types.is_temporal))
