"""Awkward and ragged arrays: their buffers, or as JSON, Arrow and Parquet.

Source: the wire, "Awkward, ragged, bytes".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tiled_client.wire.buffers import awkward_buffers, ragged_body, zip_members
from tiled_client.wire.expanded_size import expanded_nbytes
from tiled_client.wire.json_values import nested_to_json

from ..services.response_limits import check_response_bytes
from ..storage.parquet_writing import parquet_chunks
from ..storage.tables import serialize_ipc
from .exports import Export, unsupported_data_error
from .json_pieces import json_of
from .tables import check_parquet


@dataclass(frozen=True, slots=True)
class Nested:
    """An awkward or ragged array, or a single value of one.

    `array()` gives the `awkward.Array`; `body`, where it is known, the ZIP file of its buffers.
    """

    array: Callable[[], Any]
    body: Callable[[], bytes] | None = None


def json(export: Export[Nested]) -> bytes:
    """Nested lists and objects, or a single value."""
    array = export.data.array()
    if hasattr(array, "layout"):
        _check_size(array)
    return json_of(nested_to_json(array))


def arrow(export: Export[Nested]) -> bytes:
    """Return an Arrow IPC file."""
    return serialize_ipc(_table(export))


def parquet(export: Export[Nested]) -> bytes:
    """Return a Parquet file."""
    table = _table(export)
    check_parquet(table.schema, export.media_type)
    return b"".join(parquet_chunks(table.schema, [table]))


def awkward_zip(export: Export[Nested]) -> bytes:
    """Return the buffers."""
    if export.data.body is not None:
        return export.data.body()
    return zip_members(awkward_buffers(_several(export))[2])


def ragged_zip(export: Export[Nested]) -> bytes:
    """Return the buffers, with form and length."""
    return ragged_body(_several(export))


def _table(export: Export[Nested]) -> pa.Table:
    import awkward

    array = _several(export)
    _check_size(array)
    return awkward.to_arrow_table(awkward.to_packed(array))


def _check_size(array: Any) -> None:
    """Raise BadRequest for an array that is too large with each item as often as it occurs."""
    size = expanded_nbytes(array)
    check_response_bytes(
        size,
        f"With each repeated item written out, the array has {size} bytes (the limit is "
        "storage.response_bytesize_limit). Request its buffers (application/zip).",
    )


def _several(export: Export[Nested]) -> Any:
    array = export.data.array()
    if not hasattr(array, "layout"):
        raise unsupported_data_error("they are a single value", export.media_type)
    return array
