"""Formats of awkward and ragged arrays.

Source: the wire, "Awkward, ragged, bytes".
"""

from __future__ import annotations

import io
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet

from access.errors import Invalid, NotAcceptable
from tiled_client.wire.buffers import ZIP, awkward_buffers, ragged_body, zip_members
from tiled_client.wire.plain import plain_nested

from ..storage.tables import serialize_ipc
from .formats import ARROW_FILE, JSON, PARQUET, Formats, json_of


def nested_json(array: Any) -> bytes:
    """Nested lists and objects, or a single value."""
    return json_of(plain_nested(array))


def nested_arrow(array: Any) -> bytes:
    """An Arrow IPC file."""
    return serialize_ipc(_table(array))


def nested_parquet(array: Any) -> bytes:
    """A Parquet file."""
    sink = io.BytesIO()
    pyarrow.parquet.write_table(_table(array), sink)
    return sink.getvalue()


def awkward_zip(array: Any) -> bytes:
    """The buffers."""
    return zip_members(awkward_buffers(array)[2])


def ragged_zip(array: Any) -> bytes:
    """The buffers, with form and length."""
    return ragged_body(_several(array))


def rows_of(body: bytes) -> Any:
    """The `awkward.Array` of nested lists in JSON; null is NaN. Raises Invalid."""
    import awkward

    try:
        rows = orjson.loads(body)
        array = awkward.from_iter(rows if isinstance(rows, list) else None)
        return awkward.fill_none(array, float("nan"), axis=None)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise Invalid("The body must be a JSON list, with a list for each row.") from error


def _table(array: Any) -> pa.Table:
    import awkward

    return awkward.to_arrow_table(_several(array))


def _several(array: Any) -> Any:
    if not hasattr(array, "layout"):
        raise NotAcceptable("A single value has no form in the requested format: ask for JSON.")
    return array


AWKWARD_FORMATS: Formats[Any] = {
    ZIP: awkward_zip,
    JSON: nested_json,
    ARROW_FILE: nested_arrow,
    PARQUET: nested_parquet,
}
RAGGED_FORMATS: Formats[Any] = {
    JSON: nested_json,
    ZIP: ragged_zip,
    ARROW_FILE: nested_arrow,
    PARQUET: nested_parquet,
}
