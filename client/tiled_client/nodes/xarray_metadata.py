"""The layout of xarray datasets, as in Tiled: a container of spec `xarray_dataset`.

Each variable is an array with named dimensions, of spec `xarray_data_var` or `xarray_coord`.
`metadata["attrs"]` has the attributes; `metadata["encoding"]`, which Tiled's client ignores, what
xarray keeps of a file's format: dtype, units of times, scale factors, fill values, chunks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..optional import require_package

DATASET = "xarray_dataset"
DATA_VARIABLE = "xarray_data_var"
COORDINATE = "xarray_coord"

# Values that stand for missing data; JSON has no NaN.
FILL_VALUES = ("_FillValue", "missing_value")


def to_dataset(data: Any) -> Any:
    """Return a dataset; that of a DataArray has one variable, of its name or `data`.

    Raises TypeError for other values, and ValueError for names and indexes that cannot be stored.
    """
    xarray = require_package("xarray", "xarray")
    if isinstance(data, xarray.DataArray):
        data = data.to_dataset(name="data" if data.name is None else data.name)
    if not isinstance(data, xarray.Dataset):
        raise TypeError(
            f"write_xarray stores a Dataset or a DataArray of xarray, not a {type(data).__name__}"
        )
    for name in (*data.variables, *data.dims):
        if not isinstance(name, str) or not name or "/" in name:
            raise ValueError(
                f"the name {name!r} cannot be the key of a node: rename it to a text without "
                "slashes, as in dataset.rename({...})"
            )
    for name, index in data.indexes.items():
        if index.nlevels > 1:
            raise ValueError(
                f"the index {name!r} has several levels, which cannot be stored: write "
                f"dataset.reset_index({name!r})"
            )
    return data


def to_values(name: str, variable: Any) -> Any:
    """Return the data of a variable, as a dask or numpy array that can be stored.

    Raises TypeError for objects other than strings.
    """
    if hasattr(variable.data, "__dask_graph__") and not variable.dtype.hasobject:
        return variable.data
    values = np.asarray(variable.values)
    if values.dtype.kind == "T" or (
        values.dtype.kind == "O" and all(isinstance(value, str) for value in values.flat)
    ):
        return values.astype("U")
    if values.dtype.kind == "O":
        kind = next(type(v).__name__ for v in values.flat if not isinstance(v, str))
        raise TypeError(
            f"the variable {name!r} has values of the type {kind}, which cannot be stored: convert "
            "them to numbers, to strings or to datetime64"
        )
    return values


def encoding_to_json(encoding: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the part of an encoding that JSON can represent."""
    converted = {str(key): _plain(value) for key, value in encoding.items() if key != "source"}
    return {key: value for key, value in converted.items() if value is not None}


def encoding_from_json(value: Any) -> dict[str, Any]:
    """Return an encoding as xarray has it; empty if there is none."""
    if not isinstance(value, Mapping):
        return {}
    encoding: dict[str, Any] = {
        key: tuple(item) if isinstance(item, list) else item for key, item in value.items()
    }
    for key in FILL_VALUES:
        if isinstance(encoding.get(key), str) and encoding.get("dtype") != "str":
            encoding[key] = float(encoding[key])
    try:
        if "dtype" in encoding:
            encoding["dtype"] = str if encoding["dtype"] == "str" else np.dtype(encoding["dtype"])
    except TypeError:  # of a newer version of numpy
        del encoding["dtype"]
    return encoding


def _plain(value: Any) -> Any:
    """Return a value of an encoding for JSON, or None for one that is left out."""
    if value is str:
        return "str"
    if isinstance(value, np.dtype):
        return None if value.hasobject else value.str
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (list, tuple)):
        items = [_plain(item) for item in value]
        return None if any(item is None for item in items) else items
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, (str, bool, int, float)) else None
