"""A catalog with a node of each structure family, for generated requests."""

from __future__ import annotations

import io
from typing import Any

import awkward as ak
import numpy as np
import orjson
import pyarrow as pa

from catalog.models import Node
from tests.in_process_server import answer, content
from tiled_client.wire.buffers import awkward_buffers, ragged_body, zip_members
from tiled_client.wire.structures import ArrayStructure, TableStructure

ARROW = "application/vnd.apache.arrow.file"
OCTETS = "application/octet-stream"
ZIP = "application/zip"
KEY = {"authorization": "Apikey secret"}

NUMBERS = np.arange(12, dtype="<f8").reshape(4, 3)
ROWS = pa.table({"x": [1, 2, 3], "s": ["a", "b", None]})
NESTED = ak.Array([[1.0, 2.0], [], [3.0]])
ELEMENTS = pa.table({"dim0": pa.array([0, 3], pa.uint64()), "data": [1.5, 2.5]})
FLOAT = {"endianness": "little", "kind": "f", "itemsize": 8, "dt_units": None}
METADATA = {"color": "blue", "start": {"time": 1.5, "uid": "ab-cd", "plan": ["count", 3]}}


def ipc(table: pa.Table) -> bytes:
    """Return `table` as an Arrow IPC file."""
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


FORM, LENGTH, BUFFERS = awkward_buffers(NESTED)

# Of each node: family, structure, address of its data, media type, body.
NODES: dict[str, tuple[str, Any, str, str, bytes]] = {
    "a": (
        "array",
        ArrayStructure.from_array(NUMBERS).to_json(),
        "array/full",
        OCTETS,
        NUMBERS.tobytes(),
    ),
    "t": (
        "table",
        TableStructure.from_schema(ROWS.schema).to_json(),
        "table/full",
        ARROW,
        ipc(ROWS),
    ),
    "s": (
        "sparse",
        {"data_type": FLOAT, "shape": [5], "chunks": [[5]], "layout": "COO"},
        "array/full",
        ARROW,
        ipc(ELEMENTS),
    ),
    "w": ("awkward", {"form": FORM, "length": LENGTH}, "awkward/full", ZIP, zip_members(BUFFERS)),
    "r": (
        "ragged",
        {"data_type": FLOAT, "shape": [3, None], "size": 3, "chunks": [[3], None]},
        "ragged/full",
        ZIP,
        ragged_body(NESTED),
    ),
}
BUILT = ["c", "c/inner", *(f"c/{key}" for key in NODES)]
PATHS = ["/", "c", *(f"c/{key}" for key in NODES), "c/t/x", "c//a", "c/no such", "c/inner"]


def build() -> None:
    """Create the nodes that do not exist."""
    if Node.objects.filter(path__in=BUILT).count() == len(BUILT):
        return
    _make("", {"id": "c", "structure_family": "container", "metadata": METADATA})
    _make("c", {"id": "inner", "structure_family": "container"})
    for key, (family, structure, address, media_type, body) in NODES.items():
        source = {"structure_family": family, "structure": structure}
        new = {"id": key, "structure_family": family, "data_sources": [source]}
        if _make("c", {**new, "metadata": METADATA, "specs": [{"name": "s1", "version": "1"}]}):
            _put(f"/api/v1/{address}/c/{key}", body, media_type)


def read() -> list[tuple[int, bytes]]:
    """Return status and body of reading each node."""
    got = [
        answer("GET", f"/api/v1/{address}/c/{key}", headers=KEY)
        for key, (_, _, address, _, _) in NODES.items()
    ]
    return [(one.status, content(one)) for one in got]


def _make(parent: str, node: dict[str, Any]) -> bool:
    headers = {**KEY, "content-type": "application/json"}
    made = answer("POST", f"/api/v1/metadata/{parent}", orjson.dumps(node), headers)
    assert made.status in {200, 409}, made.body
    return made.status == 200


def _put(address: str, body: bytes, media_type: str) -> None:
    done = answer("PUT", address, body, {**KEY, "content-type": media_type})
    assert done.status == 200, done.body
