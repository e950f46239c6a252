"""Where the data of a new node go: into storage of the server's own, or where they are already."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from access.errors import Invalid, NotSupported, UnsupportedMedia
from tiled_client.wire.data_sources import Asset, DataSource
from tiled_client.wire.families import Management, StructureFamily
from tiled_client.wire.structures import ArrayStructure, TableStructure

from ..config import storage_settings
from ..storage import external, files, tables
from .drafts import Draft
from .stores import array_store, node_folder

ZARR = "application/x-zarr"
ARROW_STREAM = "application/vnd.apache.arrow.stream"
SQL_TABLE = "application/x-tiled-sql-table"
"""What clients ask for who want to append; our tables all can, so they get an Arrow stream."""

OWN_FORMATS = {
    StructureFamily.array: {ZARR},
    StructureFamily.table: {ARROW_STREAM, SQL_TABLE},
}
URI_BYTES = 2000


@dataclass(frozen=True, slots=True)
class Placement:
    """A data source as it is to be stored: the columns of its row, and its assets."""

    fields: dict[str, Any]
    assets: list[Asset] = field(default_factory=list)


def place(node: uuid.UUID, draft: Draft, *, registered: bool) -> Placement | None:
    """Make room for the data of a new node. None for a container.

    Raises Invalid, UnsupportedMedia (a format that is not known), NotSupported (a family).
    """
    source = draft.data_source
    if source is None:
        return None
    return _register(source) if registered else _make(node, source)


def _make(node: uuid.UUID, source: DataSource) -> Placement:
    mimetype = _own_format(source)
    folder = node_folder(node)
    match source.structure:
        case ArrayStructure() as structure:
            array_store().create(folder, structure)
            assets = [Asset(files.file_uri(folder), is_directory=True, parameter="data_uri")]
        case TableStructure() as structure:
            tables.create(folder, _checked_schema(structure))
            assets = []
    return Placement(_fields(source, mimetype, Management.writable), assets)


def _checked_schema(structure: TableStructure) -> pa.Schema:
    schema = structure.schema()
    unknown = [name for name in structure.columns if name not in schema.names]
    if unknown:
        raise Invalid(f"The column {unknown[0]!r} is not in the table's arrow_schema.")
    return schema


def _own_format(source: DataSource) -> str:
    formats = OWN_FORMATS.get(source.structure_family)
    if formats is None:
        raise NotSupported(
            f"Data of structure family {source.structure_family.value} cannot be stored here."
        )
    if source.mimetype is None:
        return ZARR if source.structure_family is StructureFamily.array else ARROW_STREAM
    if source.mimetype not in formats:
        raise UnsupportedMedia(
            f"The given data source mimetype, {source.mimetype}, is not one that the Tiled server "
            f"knows how to write. Leave it out, or say one of: {', '.join(sorted(formats))}."
        )
    return source.mimetype


def _register(source: DataSource) -> Placement:
    check_external(source)
    return Placement(_fields(source, source.mimetype, Management.external), source.assets)


def check_external(source: DataSource) -> None:
    """Raise unless the server may and can read these files, once they are there."""
    if source.mimetype not in external.mimetypes(source.structure_family):
        raise UnsupportedMedia(
            f"The given data source mimetype, {source.mimetype}, is not one that the Tiled server "
            "knows how to read."
        )
    if not source.assets:
        raise Invalid("A registered data source has at least one asset.")
    for asset in source.assets:
        if len(asset.data_uri.encode()) > URI_BYTES:
            raise Invalid(f"A data_uri must not be longer than {URI_BYTES} bytes.")
        external.resolve_uri(asset.data_uri, storage_settings().readable)


def _fields(source: DataSource, mimetype: str | None, management: Management) -> dict[str, Any]:
    return {
        "structure_family": source.structure_family,
        "structure": source.structure.to_json() if source.structure else None,
        "mimetype": mimetype,
        "parameters": source.parameters,
        "properties": source.properties,
        "management": management,
    }
