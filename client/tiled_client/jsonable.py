"""Conversion of metadata to values that JSON can represent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import numpy as np

_HINTS = {
    "bytes": "decode it, or store it as text",
    "DataFrame": "use its to_dict(), or write_table",
    "Series": "use its tolist()",
    "Decimal": "convert it with float() or str()",
    "complex": "store its real and imaginary parts",
    "timedelta": "use its total_seconds()",
    "Timedelta": "use its total_seconds()",
    "NAType": "use None for a missing value",
}


def jsonable(value: Any, name: str = "metadata") -> Any:
    """Return metadata with numpy values as Python ones, times as ISO 8601, and sets as lists.

    Parameters
    ----------
    value
        The metadata.
    name
        What messages call it.

    Raises
    ------
    TypeError
        For types that JSON cannot represent, and for keys that are not strings.
    ValueError
        For NaN, infinities and missing times, for masked values, for integers beyond 64 bits, and
        for a value that contains itself.
    """
    try:
        return _converted(value, name)
    except RecursionError:
        raise ValueError(f"{name} contains itself, or has too many levels") from None


def _converted(value: Any, place: str) -> Any:
    match value:
        case None | bool():
            return value
        case np.ma.MaskedArray() if np.any(np.ma.getmaskarray(value)):
            raise ValueError(f"{place} has masked values: use `.filled(value)` of it first")
        case np.generic() | np.ndarray() if not isinstance(value, (str, float)):
            return _from_numpy(np.asarray(value), place)
        case Mapping():
            return {
                _key(key, place): _converted(item, f"{place}[{key!r}]")
                for key, item in value.items()
            }
        case list() | tuple() | set() | frozenset() | range():
            return [_converted(item, f"{place}[{n}]") for n, item in enumerate(value)]
    return _scalar(value, place)


def _scalar(value: Any, place: str) -> Any:
    match value:
        case int():
            return _integer(value, place)
        case str():
            return _text(value, place)
        case float():
            return _finite(value, place)
        case datetime() | date():
            return _time(value.isoformat(), place)
    raise TypeError(_unsupported(value, place))


def _from_numpy(array: np.ndarray[Any, Any], place: str) -> Any:
    if array.dtype.kind == "M":
        # tolist() of datetimes with nanoseconds would return integers.
        texts = np.datetime_as_string(array)
        return _converted(texts.tolist(), place) if not np.isnat(array).any() else _time("", place)
    return _converted(array.tolist(), place)


def _key(key: Any, place: str) -> str:
    if not isinstance(key, str):
        raise TypeError(f"keys of {place} must be strings, not {key!r}: JSON has no others")
    return _text(key, place)


def _text(value: str, place: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{place} has a surrogate, which is not text: {value!r}") from None
    return str(value)


def _integer(value: int, place: str) -> int:
    if not -(2**63) <= value < 2**64:
        raise ValueError(f"{place} is {value}, an integer of more than 64 bits: store it as text")
    return int(value)


def _finite(value: float, place: str) -> float:
    if not math.isfinite(value):
        raise ValueError(
            f"{place} is {float(value)}, which JSON cannot represent: use None, or a text such as "
            f"{str(float(value))!r}"
        )
    return float(value)


def _time(text: str, place: str) -> str:
    if text in ("", "NaT"):
        raise ValueError(f"{place} is NaT, which is not a time: use None")
    return text


def _unsupported(value: Any, place: str) -> str:
    kind = type(value).__name__
    hint = _HINTS.get(kind, "convert it first, for example with str()")
    return f"{place} is of type {kind}, which JSON cannot represent: {hint}"
