"""Streamed JSON of arrays and tables, in chunks that are encoded when the previous one was sent.

JSON may be many times as large as the data: 137 bytes of memory per byte. Chunks are therefore
small, and a body above `storage.response_bytesize_limit` is rejected before the response starts.
Joined, the chunks equal the encoding of the whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from pyarrow import types

from tiled_client.wire.json_columns import column_to_json
from tiled_client.wire.json_values import array_to_json, json_default

from ..config import storage_settings
from ..services.response_limits import check_response_bytes
from .exports import Body
from .shared_values import bounded_slices, shares_values

Array = np.ndarray[Any, Any]

# Bodies up to this size are sent as a whole, with Content-Length and ETag.
MAX_WHOLE_BYTES = 8 << 20
# Maximum values and bytes per chunk.
VALUES, BYTES = 50_000, 1 << 20
# Maximum characters of a value with its comma, by dtype kind; DIGITS by size of integers.
TEXTS = {"b": 6, "f": 26, "c": 56, "m": 21, "M": 48}
DIGITS = {1: 5, 2: 7, 4: 12, 8: 21}


def array_json(array: Array) -> Body:
    """Return nested lists as JSON. Raise BadRequest if they would be too large."""
    return _body(lambda: _array(array), _longest_text(array))


def table_json(table: pa.Table) -> Body:
    """Return a JSON object with a list per column. Raise BadRequest like `array_json`."""
    longest = sum(_column_text(table[name]) for name in table.column_names)
    return _body(lambda: _table(table), longest)


def json_of(value: Any) -> bytes:
    """Encode plain and numpy values as JSON."""
    options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    return orjson.dumps(value, default=json_default, option=options)


def _body(make: Callable[[], Iterator[bytes]], longest: float) -> Body:
    """Return the chunks, joined if they are small; `longest` is an upper bound of their size."""
    pieces, first, size = make(), [], 0
    for piece in pieces:
        first.append(piece)
        size += len(piece)
        if size > MAX_WHOLE_BYTES:
            break
    else:
        _check(size)
        return b"".join(first)
    if longest <= storage_settings().response_bytesize_limit:
        return chain(first, pieces)
    # The estimate is too large: encode once to measure, without keeping the chunks.
    first.clear()
    for piece in pieces:
        size += len(piece)
        _check(size)
    return make()


def _check(size: int) -> None:
    check_response_bytes(
        size,
        "Request a part of it, or a format that takes fewer bytes than JSON "
        "(the limit is storage.response_bytesize_limit).",
    )


def _array(array: Array) -> Iterator[bytes]:
    if not array.ndim:
        yield json_of(array_to_json(array))
        return
    weight = math.prod(max(size, 1) for size in array.shape[1:])
    max_values = max(min(VALUES, BYTES // max(array.itemsize, 1)), 1)
    yield b"["
    if array.ndim == 1 or weight <= max_values:
        step = max(max_values // weight, 1)
        for start in range(0, len(array), step):
            yield _without_brackets(json_of(array_to_json(array[start : start + step])), start)
    else:
        for number in range(len(array)):
            if number:
                yield b","
            yield from _array(array[number])
    yield b"]"


def _table(table: pa.Table) -> Iterator[bytes]:
    yield b"{"
    for number, name in enumerate(table.column_names):
        yield (b"," if number else b"") + json_of(name) + b":["
        begun = 0
        for part in _parts(table[name]):
            yield _without_brackets(json_of(column_to_json(part)), begun)
            begun += len(part)
        yield b"]"
    yield b"}"


def _parts(column: pa.ChunkedArray) -> Iterator[pa.ChunkedArray]:
    """Split a column into slices that make one chunk each."""
    shared = shares_values(column.type)
    for slice_ in bounded_slices([pa.table({"values": column})]):
        values, start = slice_["values"], 0
        while start < len(values):
            part = values.slice(start, VALUES)
            # `nbytes` of shared values is meaningless; their slices are already small.
            while not shared and len(part) > 1 and part.nbytes > BYTES:
                part = part.slice(0, len(part) // 2)
            yield part
            start += len(part)


def _without_brackets(text: bytes, start: int) -> bytes:
    """Return the items of a JSON list, with a comma before them unless `start` is 0."""
    return (b"," if start else b"") + text[1:-1]


def _longest_text(array: Array) -> float:
    lists = sum(math.prod(max(n, 1) for n in array.shape[:k]) for k in range(1, array.ndim))
    return float(2 + 3 * lists + array.size * _longest_value(array.dtype))


def _longest_value(dtype: np.dtype[Any]) -> float:
    if dtype.names is not None:
        return 3 + sum(_longest_value(dtype[name]) for name in dtype.names)
    if dtype.subdtype is not None:
        inner, shape = dtype.subdtype
        return 3 * math.prod(shape) * _longest_value(inner) + 1
    if dtype.kind in "iu":
        return float(DIGITS[dtype.itemsize])
    # Each byte of a string becomes at most a six-byte escape.
    return TEXTS.get(dtype.kind) or 64 + 6 * dtype.itemsize


def _column_text(column: pa.ChunkedArray) -> float:
    kind = column.type
    if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind):
        return len(column) * TEXTS["f"]
    if types.is_string(kind) or types.is_large_string(kind):
        return float(len(column) * 8 + 6 * column.nbytes)
    return math.inf
