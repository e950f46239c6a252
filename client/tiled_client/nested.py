"""Conversion of ragged and awkward arrays to request bodies and back.

Awkward Array is loaded on first use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .arguments import dimension_names
from .casting import cast_exactly
from .errors import InvalidResponse
from .optional import require_package
from .wire import buffers
from .wire.dtypes import dtype_from_numpy
from .wire.errors import WireError
from .wire.ragged import RaggedStructure, Shape

ZIP = buffers.ZIP
JSON = "application/json"


def to_awkward(value: Any) -> Any:
    """Return a `ragged.array`, a numpy array or nested lists as an `awkward.Array`."""
    awkward = require_package("awkward", "awkward")
    if isinstance(value, awkward.Array):
        return value
    inner = getattr(value, "_impl", None)  # the awkward.Array inside a ragged.array
    if isinstance(inner, awkward.Array):
        return inner
    if value is None or np.isscalar(value) or hasattr(value, "iloc"):
        raise TypeError(
            f"a value of type {type(value).__name__} is not an array: pass nested lists, a "
            "ragged.array or an awkward.Array"
        )
    try:
        return awkward.Array(value)
    except (TypeError, ValueError, RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"these values are not an awkward array: {reason}") from error


def to_rows(value: Any, dtype: np.dtype[Any] | None = None) -> Any:
    """Return an `awkward.Array` of numbers, of `dtype` if it is given.

    Raises TypeError for other values, and ValueError if a value would change or is missing.
    """
    awkward = require_package("awkward", "ragged")
    array = to_awkward(value)
    _check_rows(array.layout)
    flat = awkward.flatten(array, axis=None)
    found = np.dtype(np.float64) if str(flat.type.content) == "unknown" else _dtype_of(flat)
    target = found if dtype is None else dtype.newbyteorder("=")
    if len(flat) and not np.can_cast(found, target, "same_kind"):
        raise TypeError(f"values of dtype {found} do not fit a ragged array of dtype {target}")
    if target == found and len(flat):
        return array
    if len(flat):
        cast_exactly(flat.to_numpy(), target)  # raises if a value would change
    return awkward.values_astype(array, target, including_unknown=True)


def ragged_structure(rows: Any, chunks: tuple[int, ...], dims: Any = None) -> RaggedStructure:
    """Return the structure of the result of `to_rows`, with these numbers of rows per chunk."""
    awkward = require_package("awkward", "ragged")
    flat = awkward.flatten(rows, axis=None)
    shape = (len(rows), *_inner_shape(rows.layout))
    others = (None if size is None else (size,) for size in shape[1:])
    return RaggedStructure(
        dtype_from_numpy(_dtype_of(flat)),
        shape,
        len(flat),
        (chunks, *others),
        dimension_names(dims, len(shape)),
    )


def to_ragged(array: Any) -> Any:
    """Return an `awkward.Array` as a `ragged.array`, which supports the array API."""
    return require_package("ragged", "ragged").array(array)


def decode_ragged(body: bytes, mimetype: str = ZIP) -> Any:
    """Return the ragged array in a body, as an `awkward.Array`. Raises InvalidResponse."""
    awkward = require_package("awkward", "ragged")
    try:
        if mimetype == JSON:
            return awkward.from_json(body.decode())
        return buffers.ragged_array(body)
    except (WireError, ValueError) as error:
        raise InvalidResponse(f"The server sent an invalid ragged array: {error}") from error


def decode_awkward(form: Mapping[str, Any], length: int, body: bytes) -> Any:
    """Return the awkward array in a body. Raises InvalidResponse."""
    require_package("awkward", "awkward")
    try:
        found = buffers.awkward_form(form)
        return buffers.awkward_array(found, length, buffers.unzip_members(body))
    except WireError as error:
        raise InvalidResponse(f"The server sent an invalid awkward array: {error}") from error


def _check_rows(layout: Any) -> None:
    """Raise TypeError or ValueError unless the array is lists of numbers, to any depth."""
    if layout.is_option:
        raise ValueError(
            "a ragged array has no missing values: replace None and masked elements, for example "
            "by NaN"
        )
    if layout.is_record:
        raise TypeError("a ragged array holds numbers, not records: use write_awkward")
    if layout.is_union:
        raise TypeError("rows of a ragged array must have the same depth: put numbers in lists")
    if layout.parameter("__array__") in ("string", "bytestring"):
        raise TypeError("a ragged array holds numbers, not strings: use write_awkward")
    if layout.is_list:
        _check_rows(layout.content)
    elif layout.is_numpy and layout.dtype.kind not in "biuf":
        raise TypeError(f"a ragged array holds numbers or booleans, not {layout.dtype}")


def _dtype_of(flat: Any) -> np.dtype[Any]:
    return np.asarray(flat).dtype


def _inner_shape(layout: Any) -> Shape:
    """Return the size of each dimension after the first; None if it varies."""
    if layout.is_numpy:
        return tuple(layout.inner_shape)
    if layout.is_regular:
        return (layout.size, *_inner_shape(layout.content))
    if layout.is_list:
        return (None, *_inner_shape(layout.content))
    return ()
