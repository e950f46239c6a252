"""The nodes under load: what their writes do, and how numbers of operations are put into them.

Each operation has its own number and writes nothing but that number, so that whatever is
stored or streamed says which operation it comes from.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from enum import Enum
from typing import Any

import numpy as np
import pyarrow as pa

from tiled_client.wire.ragged import RaggedStructure
from tiled_client.wire.structures import ArrayStructure, TableStructure

OCTETS = "application/octet-stream"
ARROW = "application/vnd.apache.arrow.file"
JSON = "application/json"
SCHEMA = pa.schema([("operation", pa.int64())])
WIDTH = 64
BLOCKS = 4

# The numbers that a node holds, in order, and where.
Held = Sequence[tuple[str, int]]

# Value of elements that were never written, or were deleted.
NOTHING = 0
# Value that stands for parts of several writes.
MIXED = -1


class Rule(Enum):
    """What becomes of acknowledged operations in storage. All are streamed once, in order."""

    APPENDED = "each is stored once, in the order of the stream"
    REPLACED = "of those on the same place, the last of the stream is stored"
    PASSED_ON = "none is stored"


# By the key of the node.
RULES = {
    "counts": Rule.REPLACED,  # an array, overwritten
    "blocks": Rule.REPLACED,  # an array, each block overwritten by itself
    "rows": Rule.APPENDED,  # an array that grows
    "table": Rule.APPENDED,
    "lists": Rule.APPENDED,  # a ragged array that grows
    "live": Rule.PASSED_ON,  # an array, overwritten with persist=false
    "children": Rule.REPLACED,  # a container; its places are the keys of its children
    "inside": Rule.REPLACED,  # those children, which are arrays
    "frames": Rule.APPENDED,  # an array that grows, by frames
    "readings": Rule.PASSED_ON,  # a table, rows with persist=False
}
# Those to which only producers over the ingest endpoint write.
OF_PRODUCERS = ("frames", "readings")
NOT_PERSISTED = tuple(name for name, rule in RULES.items() if rule is Rule.PASSED_ON)


def names_of(*, producers: bool) -> tuple[str, ...]:
    """Return the keys of the nodes, with or without those of producers."""
    absent = ("inside", *(() if producers else OF_PRODUCERS))
    return tuple(name for name in RULES if name not in absent)


def structures() -> dict[str, tuple[str, Any]]:
    """Return family and structure of each node."""
    line = line_structure()
    row = ArrayStructure.from_array(np.zeros((1, WIDTH), "i8"))
    blocks = ArrayStructure(line.data_type, (BLOCKS * WIDTH,), ((WIDTH,) * BLOCKS,))
    return {
        "counts": ("array", line),
        "blocks": ("array", blocks),
        "rows": ("array", row),
        "table": ("table", TableStructure.from_schema(SCHEMA)),
        "lists": ("ragged", RaggedStructure(line.data_type, (1, None), 0, ((1,), None))),
        "live": ("array", line),
        "children": ("container", None),
        "frames": ("array", row),
        "readings": ("table", TableStructure.from_schema(SCHEMA)),
    }


def line_structure() -> ArrayStructure:
    """Return the structure of an array of one row."""
    return ArrayStructure.from_array(np.zeros(WIDTH, "i8"))


def array_bytes(number: int) -> bytes:
    """Return a row of an array."""
    return np.full(WIDTH, number, "i8").tobytes()


def table_bytes(number: int) -> bytes:
    """Return a table of one row as an Arrow IPC file."""
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, SCHEMA) as writer:
        writer.write_table(pa.table({"operation": [number]}, schema=SCHEMA))
    return sink.getvalue()


def list_bytes(number: int) -> bytes:
    """Return one row of a ragged array, of a length that differs from number to number."""
    return json.dumps([[number] * (1 + number % 5)]).encode()


def array_number(data: bytes) -> int:
    """Return the number that an array consists of, or MIXED."""
    values = np.unique(np.frombuffer(data, "i8"))
    return int(values[0]) if len(values) == 1 else MIXED


def table_numbers(data: bytes) -> list[int]:
    """Return the numbers of the rows of a table."""
    table = pa.ipc.open_file(data).read_all()
    return [int(number) for number in table["operation"].to_pylist()]


def list_numbers(data: bytes) -> list[int]:
    """Return the numbers of the rows of a ragged array, MIXED for one that is not as written."""
    rows: list[list[int]] = json.loads(data)
    return [row[0] if row and row == [row[0]] * (1 + row[0] % 5) else MIXED for row in rows]


def of_message(message: dict[str, Any]) -> list[tuple[int, str]]:
    """Return the operations that an update carries: the number of each, and its place."""
    match message["type"]:
        case "array-data":
            block = message["block"]
            place = "" if block is None else str(block[0])
            return [(array_number(message["payload"]), place)]
        case "table-data":
            return [(number, "") for number in table_numbers(message["payload"])]
        case "ragged-data":
            return [(number, "") for number in list_numbers(message["payload"])]
        case "container-child-created" | "container-child-metadata-updated":
            return [(message["metadata"]["operation"], message["key"])]
        case "container-child-deleted":
            return [(deletion_of(message["key"]), message["key"])]
    return []


def child_key(number: int) -> str:
    """Return the key of the child that an operation makes."""
    return f"c{number}"


def deletion_of(key: str) -> int:
    """Return the number of the operation that deletes a child, whose update carries none."""
    return -int(key[1:])
