"""Arrays as bytes, JSON, and rows of text."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson

from tiled_client.wire.plain import plain_array, plain_value

from .exports import Export, Piece, formless, unfitting

Array = np.ndarray[Any, Any]

# So many values are written as text at a time.
VALUES_AT_ONCE = 50_000


def octets(export: Export[Array]) -> Piece:
    """The elements in C order, in their dtype, without a header."""
    return bytes_of(export.data)


def bytes_of(array: Array) -> Piece:
    """The elements in C order, from where they lie if they lie so."""
    return np.ascontiguousarray(array).reshape(-1).view("u1").data if array.nbytes else b""


def npy(export: Export[Array]) -> bytes:
    """A file that `numpy.load` reads."""
    file = io.BytesIO()
    np.save(file, export.data, allow_pickle=False)
    return file.getvalue()


def json(export: Export[Array]) -> bytes:
    """Nested lists, as `tiled_client.wire.plain` says."""
    return json_of(plain_array(export.data))


def separated(export: Export[Array]) -> Iterator[bytes]:
    """A line for each row, or for each element of one dimension; there is no header."""
    array = export.data
    if array.ndim > 2:
        raise unfitting(array.shape, export.media_type)
    if not has_texts(array.dtype):
        raise formless(f"elements of {array.dtype} are no text", export.media_type)
    return _lines(array.reshape(-1, 1) if array.ndim < 2 else array)


def has_texts(dtype: np.dtype[Any]) -> bool:
    """Whether each element of the dtype can be said in a text."""
    return dtype.kind in "biufcmMSU"


def texts_of(array: Array) -> Any:
    """Each element as a text, in lists nested like the array."""
    if array.dtype.kind == "S":
        decoded = [octets.decode("utf-8", "backslashreplace") for octets in array.ravel().tolist()]
        return np.array(decoded, dtype=object).reshape(array.shape).tolist()
    return array.astype(str).tolist()


def json_of(value: Any) -> bytes:
    """Plain values as JSON; numpy's are known."""
    options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    return orjson.dumps(value, default=plain_value, option=options)


def _lines(rows: Array) -> Iterator[bytes]:
    step = max(VALUES_AT_ONCE // max(math.prod(rows.shape[1:]), 1), 1)
    for start in range(0, len(rows), step):
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows(texts_of(rows[start : start + step]))
        yield text.getvalue().encode()
