"""Arrays as raw bytes, npy, JSON and CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import numpy as np

from ..services.response_limits import check_response_bytes
from .exports import Body, Export, Piece, unsupported_data_error, unsupported_shape_error
from .formulas import escape_formula, is_spreadsheet_csv
from .json_pieces import array_json

Array = np.ndarray[Any, Any]

Texts = Callable[[Array], Any]

# Maximum number of values that are formatted at a time.
MAX_VALUES_PER_CHUNK = 50_000


def raw_bytes(export: Export[Array]) -> Piece:
    """Return the elements in C order, in their dtype, without a header."""
    return bytes_of(export.data)


def bytes_of(array: Array) -> Piece:
    """Return the elements in C order, without a copy if they are contiguous."""
    return np.ascontiguousarray(array).reshape(-1).view("u1").data if array.nbytes else b""


def npy(export: Export[Array]) -> bytes:
    """Return a file that `numpy.load` reads."""
    file = io.BytesIO()
    np.save(file, export.data, allow_pickle=False)
    return file.getvalue()


def json(export: Export[Array]) -> Body:
    """Return nested lists (see `tiled_client.wire.json_values`); large ones are streamed."""
    return array_json(export.data)


def separated(export: Export[Array]) -> Iterator[bytes]:
    """Yield a line for each row, or each element of a 1D array, without a header."""
    array = export.data
    if array.ndim > 2:
        raise unsupported_shape_error(array.shape, export.media_type)
    if not has_texts(array.dtype):
        raise unsupported_data_error(
            f"elements of {array.dtype} have no text form", export.media_type
        )
    texts = quoted_texts if is_spreadsheet_csv(export.media_type) else texts_of
    return _bounded(array.reshape(-1, 1) if array.ndim < 2 else array, texts)


def has_texts(dtype: np.dtype[Any]) -> bool:
    """Return whether elements of the dtype can be formatted as text."""
    return dtype.kind in "biufcmMSU"


def texts_of(array: Array) -> Any:
    """Return the elements as strings, in lists nested like the array."""
    if array.dtype.kind == "S":
        decoded = [octets.decode("utf-8", "backslashreplace") for octets in array.ravel().tolist()]
        return np.array(decoded, dtype=object).reshape(array.shape).tolist()
    return array.astype(str).tolist()


def quoted_texts(array: Array) -> Any:
    """Return the elements as `texts_of` does, with formulas escaped for spreadsheets."""
    if array.dtype.kind not in "SU":
        return texts_of(array)
    return [[escape_formula(text) for text in row] for row in texts_of(array)]


def _bounded(rows: Array, texts: Texts) -> Iterator[bytes]:
    """Yield lines of the rows. Raise BadRequest if the first ones predict a too large body."""
    step = max(MAX_VALUES_PER_CHUNK // max(math.prod(rows.shape[1:]), 1), 1)
    pieces = _lines(rows, step, texts)
    first = next(pieces, b"")
    check_response_bytes(
        len(first) * max(len(rows) / step, 1),
        "Use slicing ('?slice=...') to request smaller parts, or a binary format "
        "(the limit is storage.response_bytesize_limit).",
    )
    return chain([first], pieces)


def _lines(rows: Array, step: int, texts: Texts) -> Iterator[bytes]:
    for start in range(0, len(rows), step):
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows(texts(rows[start : start + step]))
        yield text.getvalue().encode()
