"""The kinds of node, and who looks after the data behind one."""

from enum import StrEnum


class StructureFamily(StrEnum):
    """The kind of a node: what its data look like."""

    container = "container"
    array = "array"
    table = "table"
    sparse = "sparse"
    awkward = "awkward"
    ragged = "ragged"
    bytes = "bytes"


class Management(StrEnum):
    """Who may change the data behind a node; `external` data is never deleted by the server."""

    external = "external"
    immutable = "immutable"
    locked = "locked"
    writable = "writable"
