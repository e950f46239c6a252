"""Formats that data can be read in.

Source: the wire, "Formats": `format` (media types or file extensions) wins over `Accept`; the first
that is known counts; parameters and q-values do not.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from rest_framework.request import Request

from access.errors import NotAcceptable
from tiled_client.wire.plain import plain_array, plain_value

from ..storage import tables
from . import durations

Array = np.ndarray[Any, Any]
Value = TypeVar("Value")
Formats = Mapping[str, Callable[[Value], bytes]]

OCTET_STREAM = "application/octet-stream"
ARROW_FILE = "application/vnd.apache.arrow.file"
JSON = "application/json"
CSV = "text/csv"
PARQUET = "application/x-parquet"

EXTENSIONS = {
    "bin": OCTET_STREAM,
    "json": JSON,
    "csv": CSV,
    "arrow": ARROW_FILE,
    "feather": ARROW_FILE,
    "parquet": PARQUET,
    "zip": "application/zip",
}


def array_json(array: Array) -> bytes:
    """Nested lists, as `tiled_client.wire.plain` says."""
    return json_of(plain_array(array))


def array_csv(array: Array) -> bytes:
    """Rows of at most two dimensions, without a header. Raises NotAcceptable for more."""
    if array.ndim > 2 or array.dtype.names:
        raise NotAcceptable(
            f"The shape of this data {array.shape} is incompatible with the requested format "
            f"({CSV}). Slice it or choose a different format."
        )
    text = io.StringIO()
    np.savetxt(text, np.atleast_1d(array), delimiter=",", fmt="%s")
    return text.getvalue().encode()


def table_json(table: pa.Table) -> bytes:
    """An object with a list of values for each column."""
    return json_of({name: table[name].to_pylist() for name in table.column_names})


def table_csv(table: pa.Table) -> bytes:
    """Rows, after a header."""
    sink = io.BytesIO()
    pyarrow.csv.write_csv(table, sink)
    return sink.getvalue()


def table_parquet(table: pa.Table) -> bytes:
    """A Parquet file."""
    sink = io.BytesIO()
    pyarrow.parquet.write_table(table, sink)
    return sink.getvalue()


ARRAY_FORMATS: Formats[Array] = {
    OCTET_STREAM: lambda array: array.tobytes(),
    JSON: array_json,
    CSV: array_csv,
}
TABLE_FORMATS: Formats[pa.Table] = {
    ARROW_FILE: tables.serialize_ipc,
    PARQUET: table_parquet,
    CSV: table_csv,
    JSON: table_json,
}


def serialized(value: Value, media_type: str, formats: Formats[Value]) -> bytes:
    """`value` in one of `formats`. Raises NotAcceptable for values that it has no form for."""
    try:
        with durations.part("pack"):
            return formats[media_type](value)
    except (pa.ArrowException, ValueError, OverflowError, OSError, orjson.JSONEncodeError) as error:
        raise NotAcceptable(
            f"These data have no form in the requested format ({media_type}): {error}. Choose a "
            "different format."
        ) from error


def chosen_format(request: Request, formats: Mapping[str, Any]) -> str:
    """The first of the media types asked for that is in `formats`. Raises NotAcceptable."""
    wanted = request.query_params.get("format") or request.META.get("HTTP_ACCEPT") or "*/*"
    names = [part.partition(";")[0].strip() for part in wanted.split(",")]
    for name in names:
        media_type = EXTENSIONS.get(name, name)
        if media_type in formats:
            return media_type
        if media_type == "*/*":
            return next(iter(formats))
    raise NotAcceptable(
        "None of the media types requested by the client are supported. "
        f"Supported: {', '.join(formats)}. Requested: {', '.join(names)}."
    )


def json_of(value: Any) -> bytes:
    """Plain values as JSON; numpy's are known."""
    options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    return orjson.dumps(value, default=plain_value, option=options)
