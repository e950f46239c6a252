"""Casts to the dtype or type that is stored already: none changes a value unnoticed.

Floating-point numbers may be rounded to the precision that is stored, and texts read as what they
say. Everything else comes back as it was given, or is refused: fractions in whole numbers, numbers
that would become infinite, times with a zone among those without, masks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow

Array = np.ndarray[Any, np.dtype[Any]]


def unmasked_array(values: Any) -> Array:
    """Return `values` as an array. Raises TypeError for a masked one, whose mask would be lost."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise TypeError(
            "a masked array cannot be stored, as its mask would be lost: give `.filled(value)` of "
            "it, with a value that says what is missing, such as NaN"
        )
    return np.asarray(values)


def cast_exactly(values: Any, dtype: np.dtype[Any]) -> Array:
    """Return `values` as an array of `dtype`.

    Raises TypeError for values of another kind, and ValueError where one would change.
    """
    given = unmasked_array(values)
    if given.dtype == dtype:
        return given
    if not (_same_fields(given.dtype, dtype) and np.can_cast(given.dtype, dtype, "same_kind")):
        raise TypeError(f"values of dtype {given.dtype} do not fit an array of {dtype}")
    with np.errstate(all="ignore"):  # what overflows is looked for next
        cast = given.astype(dtype)
        kept = _is_kept(given, cast)
    if not kept:
        raise ValueError(
            f"not all values of dtype {given.dtype} fit an array of {dtype} unchanged: convert "
            "them first, as with `.astype`"
        )
    return cast


def _same_fields(given: np.dtype[Any], dtype: np.dtype[Any]) -> bool:
    """Whether the fields bear the same names: numpy casts by place, whatever the names are."""
    if given.names != dtype.names:
        return False
    return all(_same_fields(given[name].base, dtype[name].base) for name in dtype.names or ())


def _is_kept(given: Array, cast: Array) -> bool:
    if given.dtype.names and cast.dtype.names:
        pairs = zip(given.dtype.names, cast.dtype.names, strict=True)
        return all(_is_kept(given[before], cast[after]) for before, after in pairs)
    if cast.dtype.kind in "fc" and given.dtype.kind in "fc":
        # Of complex numbers one part may be NaN, and the other become infinite.
        parts = ("real", "imag") if given.dtype.kind == "c" else ("real",)
        return all(_stay_finite(getattr(given, p), getattr(cast, p)) for p in parts)
    if cast.dtype.kind in "fc":
        return _is_exact(given, cast)
    if given.dtype.kind in "iu" and cast.dtype.kind in "iu":
        return bool(np.all(cast == given))  # which numpy compares exactly
    back = cast.astype(given.dtype)
    same = back == given
    if given.dtype.kind in "mM":
        same |= np.isnat(back) & np.isnat(given)
    return bool(np.all(same))


def _stay_finite(given: Array, cast: Array) -> bool:
    return bool(np.all(np.isfinite(cast) | ~np.isfinite(given)))


def _is_exact(whole: Array, cast: Array) -> bool:
    """Whether these floating-point numbers are the very whole numbers."""
    if not whole.size or whole.dtype.kind == "b":
        return True
    most = 2 ** (np.finfo(cast.dtype).nmant + 1)
    if -most <= int(whole.min()) and int(whole.max()) <= most:
        return True
    if not np.isfinite(cast).all():
        return False
    # Python compares the two exactly.
    return all(a == b for a, b in zip(whole.ravel().tolist(), cast.ravel().tolist(), strict=True))


def check_columns(before: pyarrow.Table, after: pyarrow.Table) -> None:
    """Raise ValueError, which names the column, where a cast from `before` changed a value."""
    for name in after.column_names:
        for given, cast in _leaves(before[name].combine_chunks(), after[name].combine_chunks()):
            reason = _changed(given, cast)
            if reason:
                raise ValueError(
                    f"The values of the column {name!r} do not fit its type {after[name].type}: "
                    f"{reason}."
                )


def _leaves(given: Any, cast: Any) -> Iterator[tuple[Any, Any]]:
    """The arrays of plain values within both, of those whose types differ."""
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
    """What a cast has done to values; an empty text if nothing."""
    import pyarrow
    from pyarrow import compute, types

    before, after = given.type, cast.type
    times = types.is_timestamp(before) and types.is_timestamp(after)
    if times and (before.tz is None) != (after.tz is None):
        here, there = ("no", "one") if before.tz is None else ("one", "none")
        return f"they have {here} time zone, and the column has {there}; use `tz_localize` first"
    if types.is_floating(before) and types.is_floating(after):
        infinite = compute.and_(compute.is_inf(cast), compute.invert(compute.is_inf(given)))
        return "one would become infinite" if compute.any(infinite).as_py() else ""
    if not _is_number(before) or not _is_number(after):
        return ""
    try:
        back = cast.cast(before, safe=False)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError):
        return ""
    return "" if back.equals(given) else f"one of type {before} would change"


def _is_number(kind: pyarrow.DataType) -> bool:
    from pyarrow import types

    kinds = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal)
    return any(bool(is_kind(kind)) for is_kind in (*kinds, types.is_temporal))
