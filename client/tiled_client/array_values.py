"""Conversion of the arguments of writes to numpy arrays, without a change of a value.

numpy itself turns numbers beside strings into strings, large integers beside fractions into rounded
floating-point numbers, and forgets masks and missing values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

_HINTS = {
    "NoneType": "use numpy.nan for a missing number",
    "str": 'convert strings with `.astype("U")`',
    "dict": "write_awkward stores records, write_table columns",
    "list": "write_ragged stores rows of different lengths",
    "ndarray": "write_ragged stores rows of different lengths",
    "datetime": 'convert times, in UTC, with `numpy.array(values, "datetime64[us]")`',
    "Timestamp": "convert times to UTC, and remove their time zone with `.tz_localize(None)`",
    "int": "convert integers with `.astype(int)`, or store those beyond 64 bits as strings",
    "float": "convert numbers with `.astype(float)`",
    "bool": "convert it with `.astype(bool)`",
    "Decimal": "convert numbers with `.astype(float)`",
}


def to_array(values: Any) -> Array:
    """Return `values` as an array.

    Parameters
    ----------
    values
        An array, or any other argument of `numpy.asarray` that describes one.

    Raises
    ------
    TypeError
        For values that are not an array, or whose dtype would be object.
    ValueError
        For masked or missing values, rows of different lengths, and values that would change.
    """
    if isinstance(values, np.ndarray):
        _reject_mask(values)
        array = np.asarray(values)
    else:
        _reject_other_structures(values)
        _reject_missing(values)
        array = _converted(values)
    if array.dtype.hasobject or array.dtype.kind not in "biufcmMSUV":
        raise TypeError(_object_text(array))
    return array


def _reject_mask(array: Array) -> None:
    if isinstance(array, np.ma.MaskedArray) and _has_mask(np.ma.getmaskarray(array)):
        raise ValueError(
            "a masked array cannot be stored, because its mask would be lost: pass "
            "`.filled(value)` of it, with a value for missing elements, such as NaN"
        )


def _has_mask(mask: Array) -> bool:
    if mask.dtype.names:
        return any(_has_mask(mask[name]) for name in mask.dtype.names)
    return bool(mask.any())


def _reject_other_structures(values: Any) -> None:
    kind, instead = type(values).__name__, ""
    if hasattr(values, "columns") or hasattr(values, "column_names"):
        instead = "use write_table, or pass its numbers with `.to_numpy()`"
    elif isinstance(values, Mapping):
        instead = "use write_table for columns, or write_awkward for records"
    elif hasattr(values, "todense"):
        instead = "use write_sparse, or pass `.todense()` of it"
    elif isinstance(values, (Set, Iterator)):
        instead = "pass a list of its elements"
    if instead:
        raise TypeError(f"a value of type {kind} is not an array: {instead}")


def _reject_missing(values: Any) -> None:
    """Raise ValueError for missing values of pandas' own dtypes and of Arrow."""
    missing = getattr(values, "null_count", 0)
    if hasattr(values, "isna") and not isinstance(getattr(values, "dtype", None), np.dtype):
        missing = values.isna().any()
    if missing() if callable(missing) else missing:
        raise ValueError(
            "missing values cannot be stored in an array: replace them first, for example with "
            "`.fillna(value)` or `.fill_null(value)`"
        )


def _converted(values: Any) -> Array:
    is_list = isinstance(values, (list, tuple))
    kinds = {type(leaf) for leaf in _leaves(values)} if is_list else set()
    if any(issubclass(kind, np.ma.MaskedArray) for kind in kinds):
        for leaf in _leaves(values):
            _reject_mask(np.ma.asanyarray(leaf))
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:
        if "inhomogeneous" in str(error) or "not regular" in str(error):
            raise ValueError(
                "rows of different lengths are not an array: use write_ragged, or write_awkward"
            ) from error
        raise
    if not _are_kept(kinds, array.dtype):
        _check_same(values, array.dtype)
    return array


def _are_kept(kinds: set[type], dtype: np.dtype[Any]) -> bool:
    """Return whether a list of elements of these types keeps all values in an array of `dtype`."""
    same: dict[str, set[type]] = {
        "f": {float},
        "c": {float, complex},
        "i": {int, bool},
        "u": {int},
        "b": {bool},
        "U": {str},
    }
    return dtype.hasobject or dtype.kind in "mMV" or kinds <= same.get(dtype.kind, set())


def _check_same(values: Any, dtype: np.dtype[Any]) -> None:
    """Raise TypeError or ValueError if numpy has converted elements of a list to other values."""
    for leaf in _leaves(values):
        if not isinstance(leaf, (np.ndarray, np.generic, str, bytes, int, float, complex)):
            continue  # another array type, as a node or a Series, which numpy converts as a whole
        given = np.asarray(leaf)
        if (given.dtype.kind in "US") != (dtype.kind in "US"):
            raise TypeError(
                f"strings and other values are mixed, as {leaf!r} in an array of dtype {dtype}: "
                "convert them to one type first"
            )
        changed = given.astype(dtype).astype(object) != given.astype(object)
        if dtype.kind in "iufcb" and np.any(changed & (given == given)):
            raise ValueError(
                f"{leaf!r} would change in an array of dtype {dtype}, which numpy selects for "
                "these values: pass numpy.array(..., dtype=...)"
            )


def _leaves(values: Any) -> Iterator[Any]:
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _leaves(value)
        else:
            yield value


def _object_text(array: Array) -> str:
    if array.dtype.names:
        return (
            f"fields of Python objects cannot be stored in an array: dtype {array.dtype} has some"
        )
    if array.dtype.kind == "T":
        return 'strings of variable length cannot be stored in an array: use `.astype("U")`'
    kinds = {type(value).__name__: None for value in array.ravel().tolist()}
    kind = next((name for name in _HINTS if name in kinds), next(iter(kinds), "object"))
    hint = _HINTS.get(kind, "convert them with `.astype`, for example to float")
    return f"values of type {kind} cannot be stored in an array (dtype {array.dtype}): {hint}"
