"""Awkward and ragged arrays as buffers, JSON, Arrow and Parquet.

Source: docs/reference/tiled-protocol/http.md, Awkward, ragged, bytes.
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
from ..storage.parquet_export import parquet_chunks
from ..storage.tables import serialize_ipc
from .exports import Export, unsupported_data_error
from .json_pieces import json_of
from .tables import check_parquet


@dataclass(frozen=True, slots=True)
class Nested:
    """An awkward or ragged array, or a single value of one.

    `array()` returns the `awkward.Array`; `body`, if known, is the ZIP file of its buffers. A slice
    of an awkward array has no such file, since its form differs from that of the node.
    """

    array: Callable[[], Any]
    body: Callable[[], bytes] | None = None
    is_slice: bool = False


def json(export: Export[Nested]) -> bytes:
    """Return nested lists and objects, or a single value, as JSON."""
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
    """Return the ZIP file of the buffers."""
    if export.data.body is not None:
        return export.data.body()
    if export.data.is_slice:
        raise unsupported_data_error("buffers are sent of the whole array only", export.media_type)
    return zip_members(awkward_buffers(_several(export))[2])


def ragged_zip(export: Export[Nested]) -> bytes:
    """Return the ZIP file of the buffers, with form and length."""
    return ragged_body(_several(export))


def _table(export: Export[Nested]) -> pa.Table:
    import awkward

    array = _several(export)
    _check_size(array)
    return awkward.to_arrow_table(awkward.to_packed(array))


def _check_size(array: Any) -> None:
    """Raise BadRequest if the array is too large with all shared items expanded."""
    size = expanded_nbytes(array)
    check_response_bytes(
        size,
        f"With shared items expanded, the array has {size} bytes (the limit is "
        "storage.response_bytesize_limit). Request its buffers (application/zip).",
    )


def _several(export: Export[Nested]) -> Any:
    array = export.data.array()
    if not hasattr(array, "layout"):
        raise unsupported_data_error("this is a single value, not an array", export.media_type)
    return array
