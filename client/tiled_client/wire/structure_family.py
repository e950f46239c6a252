"""Structure families of nodes, and management of their data."""

from enum import StrEnum


class StructureFamily(StrEnum):
    """The kind of a node, which determines the structure of its data."""

    container = "container"
    array = "array"
    table = "table"
    sparse = "sparse"
    awkward = "awkward"
    ragged = "ragged"
    bytes = "bytes"


class Management(StrEnum):
    """How the data of a node are managed; the server never deletes `external` data."""

    external = "external"
    immutable = "immutable"
    locked = "locked"
    writable = "writable"
