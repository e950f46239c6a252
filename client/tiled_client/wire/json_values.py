"""JSON values of arrays, in responses and in streams.

| data | in JSON |
| --- | --- |
| numbers, booleans | nested lists by shape, a scalar for a 0-d array; not finite: null |
| complex numbers | `[real, imaginary]` |
| strings | string |
| bytes, void | `data:application/octet-stream;base64,...` |
| datetimes | ISO 8601, without a time zone; NaT is null |
| timedeltas | integers, in the unit of the dtype; NaT is null |
| records | a list of the values of the fields |
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from .errors import WireError
from .expanded_size import expanded_nbytes

OCTETS = "application/octet-stream"
MAX_NESTED_BYTES = 64_000_000


def array_to_json(array: np.ndarray[Any, Any]) -> Any:
    """Return an array of any dtype as a value that orjson can encode."""
    if array.dtype.names is not None:
        columns = [_flat(array[name], array.ndim) for name in array.dtype.names]
        return _nested([list(record) for record in zip(*columns, strict=True)], array.shape)
    array = array.astype(array.dtype.newbyteorder("="), order="C", copy=False)
    convert = _CONVERSIONS.get(array.dtype.kind)
    if convert is not None:
        return convert(array)
    if array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
        with np.errstate(over="ignore", invalid="ignore"):  # infinities become null
            array = array.astype(np.float64)
    return array if array.ndim else array.item()


def json_default(value: Any) -> Any:
    """Return a JSON value for types that JSON encoders do not support. Raises TypeError.

    The `default` function of the encoder.
    """
    if isinstance(value, bytes):
        return data_uri(value)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, complex):
        return [value.real, value.imag]
    if isinstance(value, np.timedelta64):
        return None if np.isnat(value) else int(value.astype(np.int64))
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "total_seconds"):
        return value.total_seconds()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def nested_to_json(array: Any) -> Any:
    """Return an `awkward.Array` as lists and dicts; a scalar is returned unchanged.

    Raises WireError for large arrays, whose lists would take many times their size in memory.
    """
    if not hasattr(array, "layout"):
        return array
    size = max(array.nbytes, expanded_nbytes(array))
    if size > MAX_NESTED_BYTES:
        raise WireError(
            f"{size} bytes are too many for JSON (at most {MAX_NESTED_BYTES}): use another format"
        )
    import awkward

    # Packed first: items that no list or index refers to would be converted, too.
    return awkward.to_packed(array).to_list()


def data_uri(octets: bytes, mimetype: str = OCTETS) -> str:
    """Return the bytes as a data URI."""
    return f"data:{mimetype};base64,{base64.b64encode(octets).decode()}"


def _complex(array: np.ndarray[Any, Any]) -> Any:
    return array_to_json(np.stack([array.real, array.imag], axis=-1))


def _datetimes(array: np.ndarray[Any, Any]) -> Any:
    flat = array.ravel()
    if np.datetime_data(array.dtype)[0] == "generic":
        texts = flat.astype(str).tolist()
    else:
        texts = np.datetime_as_string(flat).tolist()
    return _nested([None if text == "NaT" else text for text in texts], array.shape)


def _timedeltas(array: np.ndarray[Any, Any]) -> Any:
    flat = array.ravel()
    counts = flat.astype(np.int64).tolist()
    missing = np.isnat(flat)
    return _nested(
        [None if nat else n for n, nat in zip(counts, missing, strict=True)], array.shape
    )


def _octets(array: np.ndarray[Any, Any]) -> Any:
    return _nested([data_uri(bytes(item)) for item in array.ravel().tolist()], array.shape)


def _texts(array: np.ndarray[Any, Any]) -> Any:
    return array.tolist()


_CONVERSIONS: dict[str, Callable[[np.ndarray[Any, Any]], Any]] = {
    "c": _complex,
    "M": _datetimes,
    "m": _timedeltas,
    "S": _octets,
    "V": _octets,
    "U": _texts,
}


def _flat(column: np.ndarray[Any, Any], ndim: int) -> list[Any]:
    """Return one JSON value for each record; the field may be an array itself."""
    shape = (math.prod(column.shape[:ndim]), *column.shape[ndim:])
    value = array_to_json(column.reshape(shape))
    return value.tolist() if isinstance(value, np.ndarray) else list(value)


def _nested(flat: list[Any], shape: Sequence[int]) -> Any:
    """Return a flat list as nested lists of `shape`."""
    if not shape:
        return flat[0]
    for dimension in range(len(shape) - 1, 0, -1):
        size, count = shape[dimension], math.prod(shape[:dimension])
        flat = [flat[n * size : (n + 1) * size] for n in range(count)]
    return flat
