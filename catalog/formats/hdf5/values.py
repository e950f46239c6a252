"""Representation of names, attributes and elements in HDF5.

| values | in HDF5 |
| --- | --- |
| numbers, booleans, bytes, records | unchanged |
| strings | variable-length UTF-8 |
| times | integers, with `units` such as "seconds since 1970-01-01" |
| durations | integers, with `units` such as "seconds" |
| metadata other than strings, numbers and regular lists of one of these | JSON |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from ..json_pieces import json_of

Array = np.ndarray[Any, Any]

TEXT: np.dtype[Any] = h5py.string_dtype()
MISSING = np.iinfo(np.int64).min
UNITS = {
    "W": "weeks",
    "D": "days",
    "h": "hours",
    "m": "minutes",
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
}
# Calendar units have no fixed length, and finer units have no CF name.
NEAREST = {"Y": "D", "M": "D", "ps": "ns", "fs": "ns", "as": "ns", "generic": "s"}


def link_name(key: str) -> str:
    """Return a key as a link name: HDF5 reserves `/`, `.` and the empty name."""
    if key in {"", "."}:
        return "%2E" if key else "%"
    return key.replace("/", "%2F")


def write_attributes(item: Any, metadata: Mapping[str, Any]) -> None:
    """Write metadata as attributes of a group or a dataset."""
    for key, value in metadata.items():
        item.attrs[key or "%"] = attribute(value)


def attribute(value: Any) -> Any:
    """Return a value that an attribute can store."""
    if isinstance(value, (str, bool, float)):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else str(value)
    array = _regular(value) if isinstance(value, list) and value else None
    return json_of(value).decode() if array is None else array


def dataset_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of a dataset for elements of this dtype."""
    if dtype.names is not None:
        return np.dtype([(name, dataset_dtype(dtype[name])) for name in dtype.names])
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return np.dtype((dataset_dtype(base), shape))
    if dtype.kind == "U":
        return TEXT
    return np.dtype(np.int64) if dtype.kind in "Mm" else dtype


def dataset_values(array: Array) -> Array:
    """Return the elements in `dataset_dtype`. Raises ValueError for strings not in UTF-8."""
    dtype = array.dtype
    if dtype.names is not None:
        stored = np.empty(array.shape, dataset_dtype(dtype))
        for name in dtype.names:
            stored[name] = dataset_values(array[name])
        return stored
    if dtype.kind == "U":
        return array.astype(object)
    if dtype.kind in "Mm":
        unit, count = np.datetime_data(dtype)
        if unit not in UNITS or count != 1:
            array = array.astype(f"{dtype.kind}8[{NEAREST.get(unit, unit)}]")
        return (
            array.view(np.int64)
            if array.dtype.isnative
            else array.astype(f"{dtype.kind}8").view(np.int64)
        )
    return array


def write_units(dataset: Any, dtype: np.dtype[Any]) -> None:
    """Set the `units` of times, following the CF conventions."""
    if dtype.kind not in "Mm":
        return
    unit = np.datetime_data(dtype)[0]
    name = UNITS[NEAREST.get(unit, unit)]
    dataset.attrs["units"] = f"{name} since 1970-01-01" if dtype.kind == "M" else name
    dataset.attrs["_FillValue"] = MISSING


def _regular(values: list[Any]) -> Array | None:
    """Return an array of regularly nested lists of numbers or of strings; None for others."""
    flat = list(_flatten(values))
    kinds = {type(value) for value in flat}
    if not kinds or not (kinds <= {int, float} or kinds in ({bool}, {str})):
        return None
    try:
        array = np.array(values, dtype=object if kinds == {str} else None)
    except (ValueError, OverflowError):
        return None
    if array.size != len(flat):
        return None
    if kinds == {str}:
        return array.astype(TEXT)
    return array if array.dtype.kind in "biuf" and _exact(array, kinds) else None


def _exact(array: Array, kinds: set[type]) -> bool:
    return array.dtype.kind != "f" or float in kinds


def _flatten(values: Any) -> Any:
    for value in values:
        if isinstance(value, list):
            yield from _flatten(value)
        else:
            yield value
