"""Ragged and awkward arrays, to and from the wire. Loads Awkward Array on first use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

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
    """An `awkward.Array` of what stands for one: a `ragged.array`, a numpy array, nested lists."""
    awkward = require_package("awkward", "awkward")
    if isinstance(value, awkward.Array):
        return value
    inner = getattr(value, "_impl", None)  # how a ragged.array holds it
    return inner if isinstance(inner, awkward.Array) else awkward.Array(value)


def to_rows(value: Any, dtype: np.dtype[Any] | None = None) -> Any:
    """An `awkward.Array` of numbers, of `dtype` if one is given. Raises TypeError."""
    awkward = require_package("awkward", "ragged")
    array = to_awkward(value)
    flat = awkward.flatten(array, axis=None)
    found = np.dtype(np.float64) if str(flat.type.content) == "unknown" else _dtype_of(flat)
    wanted = found if dtype is None else dtype.newbyteorder("=")
    if len(flat) and not np.can_cast(found, wanted, "same_kind"):
        raise TypeError(f"values of dtype {found} do not fit a ragged array of {wanted}")
    if wanted == found and len(flat):
        return array
    cast_exactly(flat.to_numpy(), wanted)  # raises where a value would change
    return awkward.values_astype(array, wanted, including_unknown=True)


def ragged_structure(rows: Any, chunks: tuple[int, ...], dims: Any = None) -> RaggedStructure:
    """Describe what `to_rows` gave, with so many rows in each chunk."""
    awkward = require_package("awkward", "ragged")
    flat = awkward.flatten(rows, axis=None)
    shape = (len(rows), *_inner_shape(rows.layout))
    others = (None if size is None else (size,) for size in shape[1:])
    return RaggedStructure(
        dtype_from_numpy(_dtype_of(flat)),
        shape,
        len(flat),
        (chunks, *others),
        tuple(dims) if dims else None,
    )


def to_ragged(array: Any) -> Any:
    """A `ragged.array`, as users of the array API know it."""
    return require_package("ragged", "ragged").array(array)


def decode_ragged(body: bytes, mimetype: str = ZIP) -> Any:
    """The `awkward.Array` in a body. Raises InvalidResponse."""
    awkward = require_package("awkward", "ragged")
    try:
        if mimetype == JSON:
            return awkward.from_json(body.decode())
        return buffers.ragged_array(body)
    except (WireError, ValueError) as error:
        raise InvalidResponse(f"The server sent no readable ragged array: {error}") from error


def decode_awkward(form: Mapping[str, Any], length: int, body: bytes) -> Any:
    """The `awkward.Array` in a body. Raises InvalidResponse."""
    require_package("awkward", "awkward")
    try:
        found = buffers.awkward_form(form)
        return buffers.awkward_array(found, length, buffers.unzip_members(body))
    except WireError as error:
        raise InvalidResponse(f"The server sent no readable awkward array: {error}") from error


def _dtype_of(flat: Any) -> np.dtype[Any]:
    return np.asarray(flat).dtype


def _inner_shape(layout: Any) -> Shape:
    """The size of each dimension below the first; None where it varies."""
    if layout.is_numpy:
        return tuple(layout.inner_shape)
    if layout.is_regular:
        return (layout.size, *_inner_shape(layout.content))
    if layout.is_list:
        return (None, *_inner_shape(layout.content))
    return ()
