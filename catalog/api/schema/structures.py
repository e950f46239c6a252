"""JSON Schemas of the structures of each family, of data sources and assets.

Source: docs/reference/tiled-protocol/http.md,
"Structures (exact JSON)" and "data_sources / assets".
"""

from __future__ import annotations

from tiled_client.wire.encodings import COMPRESSED
from tiled_client.wire.structure_family import StructureFamily

from .operations import NULL, Json, reference

INTEGER: Json = {"type": "integer"}
SIZE: Json = {"type": "integer", "minimum": 0}
TEXT: Json = {"type": "string"}
OBJECT: Json = {"type": "object"}
FAMILY: Json = {"type": "string", "enum": [family.value for family in StructureFamily]}


def or_null(schema: Json) -> Json:
    """Return a schema that also accepts null."""
    return {"anyOf": [schema, NULL]}


def list_of(schema: Json, **more: int | bool) -> Json:
    """Return a schema of a list with items of `schema`."""
    return {"type": "array", "items": schema, **more}


def described(properties: dict[str, Json], optional: tuple[str, ...] = ()) -> Json:
    """Return a schema of an object with these properties, required but for the `optional` ones."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


CHUNKS = list_of(list_of(SIZE))
DIMS = or_null(list_of(TEXT))
RESIZABLE: Json = {"anyOf": [{"type": "boolean"}, list_of({"type": "boolean"})], "default": False}
DATA_TYPE = {"anyOf": [reference("BuiltinDtype"), reference("StructDtype")]}

STRUCTURES: dict[str, Json] = {
    "BuiltinDtype": described(
        {
            "endianness": {"type": "string", "enum": ["little", "big", "not_applicable"]},
            "kind": {"type": "string", "enum": list("tbiufcmMSUV")},
            "itemsize": {**SIZE, "description": "In bytes; a character of kind U has four."},
            "dt_units": or_null(TEXT),
        },
        optional=("dt_units",),
    ),
    "StructDtype": described({"itemsize": SIZE, "fields": list_of(reference("StructField"))}),
    "StructField": described(
        {"name": TEXT, "dtype": DATA_TYPE, "shape": or_null(list_of(SIZE))}, optional=("shape",)
    ),
    "ArrayStructure": described(
        {
            "data_type": DATA_TYPE,
            "chunks": CHUNKS,
            "shape": list_of(SIZE),
            "dims": DIMS,
            "resizable": RESIZABLE,
            "codec": {
                "type": "string",
                "enum": list(COMPRESSED),
                "description": "How chunks are compressed, if they are.",
            },
        },
        optional=("dims", "resizable", "codec"),
    ),
    "SparseStructure": described(
        {
            "data_type": DATA_TYPE,
            "coord_data_type": or_null(reference("BuiltinDtype")),
            "chunks": CHUNKS,
            "shape": list_of(SIZE),
            "dims": DIMS,
            "resizable": RESIZABLE,
            "layout": {"type": "string", "enum": ["COO"]},
        },
        optional=("coord_data_type", "dims", "resizable", "layout"),
    ),
    "TableStructure": described(
        {
            "arrow_schema": {
                "type": "string",
                "description": "An Arrow IPC schema message as a data URI.",
                "pattern": "^data:application/vnd.apache.arrow.file;base64,",
            },
            "npartitions": {"type": "integer", "minimum": 1},
            "columns": list_of({"type": "string", "pattern": "^[^_]|^$"}),
            "resizable": RESIZABLE,
        },
        optional=("resizable",),
    ),
    "AwkwardStructure": described({"length": SIZE, "form": OBJECT}),
    "RaggedStructure": described(
        {
            "data_type": DATA_TYPE,
            "shape": list_of(or_null(SIZE), minItems=1),
            "size": SIZE,
            "chunks": list_of(or_null(list_of(SIZE))),
            "dims": DIMS,
            "resizable": RESIZABLE,
        },
        optional=("dims", "resizable"),
    ),
    "ContainerStructure": described(
        {"contents": or_null(OBJECT), "count": {**SIZE, "description": "The exact number."}}
    ),
    "BytesStructure": {"type": "object", "maxProperties": 0},
    "Structure": {
        "anyOf": [
            reference(f"{name}Structure")
            for name in ("Array", "Table", "Sparse", "Ragged", "Awkward", "Container", "Bytes")
        ]
    },
    "Asset": described(
        {
            "id": or_null(INTEGER),
            "data_uri": TEXT,
            "is_directory": {"type": "boolean"},
            "parameter": or_null(TEXT),
            "num": or_null(SIZE),
            "size": or_null(SIZE),
        },
        optional=("id", "parameter", "num", "size"),
    ),
    "DataSource": described(
        {
            "id": or_null(INTEGER),
            "structure_family": FAMILY,
            "structure": or_null(reference("Structure")),
            "mimetype": or_null(TEXT),
            "parameters": OBJECT,
            "properties": OBJECT,
            "assets": list_of(reference("Asset")),
            "management": {
                "type": "string",
                "enum": ["external", "immutable", "locked", "writable"],
            },
        },
        optional=(
            "id",
            "structure",
            "mimetype",
            "parameters",
            "properties",
            "assets",
            "management",
        ),
    ),
}
