"""Allocate storage for the data of a new node, or check the external files that hold them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from core.errors import Invalid, NotSupported, UnsupportedMedia
from tiled_client.wire.data_sources import Asset, DataSource
from tiled_client.wire.encodings import PayloadEncoding
from tiled_client.wire.structure_family import Management, StructureFamily
from tiled_client.wire.structures import ArrayStructure, Structure, TableStructure

from ...config import storage_settings
from ...storage import awkward, chunk_codecs, external, ragged, sparse, tables
from ..stores.files import file_store
from ..stores.site import storage
from ..tables.names import check_column_names, check_table_name
from .drafts import UNKNOWN_MIMETYPE, Draft

ZARR = "application/x-zarr"
ARROW_STREAM = "application/vnd.apache.arrow.stream"
SQL_TABLE = "application/x-tiled-sql-table"
"""Requested by clients that want to append; all tables here can, and are Arrow streams."""
TABLE_MIMETYPE_ALIASES = (
    SQL_TABLE,
    "text/csv",
    "application/vnd.apache.arrow.file",
    "application/x-parquet",
)
"""Media types that clients may give for a table. They are echoed; stored is an Arrow stream."""

# The first of each is the default.
OWN_FORMATS = {
    StructureFamily.array: (ZARR,),
    StructureFamily.table: (ARROW_STREAM, *TABLE_MIMETYPE_ALIASES),
    StructureFamily.sparse: (sparse.MIMETYPE,),
    StructureFamily.ragged: (ragged.MIMETYPE,),
    StructureFamily.awkward: (awkward.MIMETYPE,),
}
MAX_URI_BYTES = 2000


@dataclass(frozen=True, slots=True)
class StoragePlan:
    """A data source about to be stored: the columns of its row, and its assets."""

    fields: dict[str, Any]
    assets: list[Asset] = field(default_factory=list)


def allocate_storage(node: uuid.UUID, draft: Draft, *, registered: bool) -> StoragePlan | None:
    """Allocate storage for the data of a new node; return None for a container.

    Raises Invalid, UnsupportedMedia (an unknown format), NotSupported (a structure family).
    """
    source = draft.data_source
    if source is None:
        return None
    if registered:
        storage_plan = _register(source)
        if not source.assets:
            raise Invalid("A registered data source needs at least one asset.")
        return storage_plan
    # The files may not exist yet: a detector is registered before it writes its first image.
    external_to_be = source.management is Management.external
    return _register(source) if external_to_be else _make(node, source)


def _make(node: uuid.UUID, source: DataSource) -> StoragePlan:
    mimetype = _own_format(source)
    columns: dict[str, Any] = {}
    match source.structure:
        case ArrayStructure() as structure:
            structure = _with_codec(source, structure)
            source = replace(source, structure=structure)
            columns = storage().arrays.create(node, structure)
            assets = [Asset(storage().node_uri(node), is_directory=True, parameter="data_uri")]
        case TableStructure() as structure:
            check_table_name(source.parameters)
            schema = _validate_schema(structure)
            if mimetype == SQL_TABLE:
                check_column_names(schema.names)
            file_store().prepare(node)
            assets = []
        case _:  # the first write creates the folder
            assets = []
    return StoragePlan(_fields(source, mimetype, Management.writable) | columns, assets)


def _with_codec(source: DataSource, structure: ArrayStructure) -> ArrayStructure:
    """Return the structure with the codec of the data source. Raises Invalid for an unknown one."""
    name = source.parameters.get("codec", structure.codec)
    if name is None or name == PayloadEncoding.identity:
        return replace(structure, codec=None)
    if name not in chunk_codecs.NAMES:
        known = ", ".join(chunk_codecs.NAMES)
        raise Invalid(f"The codec of an array must be one of {known}, not {name!r:.50}.")
    return replace(structure, codec=str(name))


def _validate_schema(structure: TableStructure) -> pa.Schema:
    schema = structure.schema()
    names = schema.names
    tables.check_distinct(names)
    tables.check_types(schema)
    known = set(names)
    unknown = [name for name in structure.columns if name not in known]
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
        return formats[0]
    if source.mimetype not in formats:
        raise UnsupportedMedia(
            f"The given data source mimetype, {source.mimetype}, is not one that the Tiled server "
            f"knows how to write. Omit it, or use one of: {', '.join(sorted(formats))}."
        )
    return source.mimetype


def _register(source: DataSource) -> StoragePlan:
    check_external(source, family=source.structure_family)
    check_files(source.structure, source.assets)
    return StoragePlan(_fields(source, source.mimetype, Management.external), source.assets)


def check_external(source: DataSource, *, family: StructureFamily) -> None:
    """Raise unless the server may and can read these files as a node of `family`."""
    if source.structure_family is not family:
        raise Invalid(f"The node's family is {family.value}, not {source.structure_family.value}.")
    # The media type of plain bytes does not matter: they are served unchanged.
    known = family is StructureFamily.bytes or source.mimetype in external.mimetypes(family)
    if not source.mimetype or not known:
        raise UnsupportedMedia(UNKNOWN_MIMETYPE.format(source.mimetype))
    if family is StructureFamily.bytes and not source.assets:
        raise Invalid(
            "A data source of bytes needs at least one asset: there is nothing else to read."
        )
    if isinstance(source.structure, TableStructure):
        schema = _validate_schema(source.structure)
        if not schema.names:
            raise Invalid("A registered table needs at least one column.")
        external.check_table(source.mimetype or "", schema, source.parameters)
    for asset in source.assets:
        if len(asset.data_uri.encode()) > MAX_URI_BYTES:
            raise Invalid(f"A data_uri must not be longer than {MAX_URI_BYTES} bytes.")
        external.resolve_uri(asset.data_uri, storage_settings().readable)


def check_files(structure: Structure | None, assets: Sequence[Asset]) -> None:
    """Raise Invalid unless each partition of a table is one file, once there are files."""
    if not isinstance(structure, TableStructure) or not assets:
        return
    if any(asset.is_directory for asset in assets):
        raise Invalid("A partition of a registered table is a file, not a folder.")
    if len(assets) != structure.npartitions:
        raise Invalid(
            f"Each file is one partition: npartitions is {structure.npartitions}, but the files "
            f"are {len(assets)}."
        )
    numbers = sorted(asset.num or 0 for asset in assets)
    if numbers != list(range(len(assets))):
        raise Invalid(
            f"The files of a registered table have the num 0 to {len(assets) - 1}, as their "
            f"partitions, not {', '.join(map(str, numbers))}."
        )


def _fields(source: DataSource, mimetype: str | None, management: Management) -> dict[str, Any]:
    return {
        "structure_family": source.structure_family,
        "structure": source.structure.to_json() if source.structure else None,
        "mimetype": mimetype,
        "parameters": source.parameters,
        "properties": source.properties,
        "management": management,
        "nbytes": _nbytes(source) if management is not Management.external else None,
    }


def _nbytes(source: DataSource) -> int | None:
    return source.structure.nbytes if isinstance(source.structure, ArrayStructure) else None
