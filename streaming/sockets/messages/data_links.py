"""Build the URLs of the data that a message refers to, as its subscriber reaches the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from tiled_client.wire.awkward import AwkwardStructure
from tiled_client.wire.messages import TableRef
from tiled_client.wire.ragged import RaggedStructure
from tiled_client.wire.slices import NDSlice, format_rows, format_slice
from tiled_client.wire.sparse import SparseStructure
from tiled_client.wire.structures import ArrayStructure, Structure, TableStructure

API = "/api/v1"
FULL_ENDPOINTS: dict[type[Structure], str] = {
    ArrayStructure: "array/full",
    SparseStructure: "array/full",
    TableStructure: "table/full",
    RaggedStructure: "ragged/full",
    AwkwardStructure: "awkward/full",
}


def reference_uri(base_url: str, path: list[str], message: Mapping[str, Any]) -> str:
    """Return the URL of the data that an `array-ref` or `table-ref` message refers to."""
    if message["type"] == TableRef.type:
        return table_ref_uri(base_url, path, message)
    patch = message["patch"]
    offset = patch["offset"] if patch else [None] * len(message["shape"])
    shape = patch["shape"] if patch else message["shape"]
    items = tuple(
        slice(begin, (begin or 0) + size) for begin, size in zip(offset, shape, strict=True)
    )
    return array_uri(base_url, path, items)


def array_uri(base_url: str, path: list[str], items: NDSlice, reduction: str = "") -> str:
    """Return the URL of the elements `items` of an array, or of their reduction."""
    query = f"slice={quote(format_slice(items), safe=':,')}"
    if reduction:
        query += f"&reduce={quote(reduction, safe=':,')}"
    return f"{_uri(base_url, 'array/full', path)}?{query}"


def table_ref_uri(
    base_url: str, path: list[str], message: Mapping[str, Any], columns: Sequence[str] = ()
) -> str:
    """Return the URL of the rows that a `table-ref` message refers to, or of some columns."""
    part, rows = message["partition"], message["rows"]
    query = [] if part is None else [f"partition={part}"]
    if rows is not None:
        query.append(f"rows={format_rows(**rows)}")
    query += [f"column={quote(column, safe='')}" for column in columns]
    endpoint = "table/full" if part is None else "table/partition"
    return f"{_uri(base_url, endpoint, path)}{'?' if query else ''}{'&'.join(query)}"


def whole_uri(base_url: str, path: list[str], structure: Structure | None) -> str:
    """Return the URL of all data of a node, or of the metadata of a container."""
    endpoint = "metadata" if structure is None else FULL_ENDPOINTS[type(structure)]
    return _uri(base_url, endpoint, path)


def _uri(base_url: str, endpoint: str, path: list[str]) -> str:
    segments = "/".join(quote(segment, safe="") for segment in path)
    return f"{base_url}{API}/{endpoint}/{segments}"
