"""Nodes of Tiled as rows of this catalog.

Data that Tiled manages are registered where they are, if files of that type can be read in place;
otherwise the node gets an empty data source, which copying fills.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from catalog.models import PATH_BYTES
from catalog.services.nodes.data_placement import (
    ARROW_STREAM,
    OWN_FORMATS,
    SQL_TABLE,
    TABLE_MIMETYPE_ALIASES,
)
from catalog.services.nodes.drafts import parse_specs, validate_key
from catalog.storage import external
from core.errors import ServiceError
from tiled_client.wire.data_sources import Asset
from tiled_client.wire.errors import WireError
from tiled_client.wire.structure_family import Management, StructureFamily
from tiled_client.wire.structures import structure_from_json

from .errors import NotImportable
from .places import Places
from .report import ImportReport
from .source.records import SourceData, SourceNode

NAMESPACE = uuid.UUID("5f0b6a0e-6a54-4a0e-9a4b-6d4f2f7c2b1d")
NO_READER = (
    "Files of type {} cannot be read here. Name Tiled's adapter in storage.tiled_adapters, or a "
    "format in storage.adapters; the nodes are imported"
)
HASHES = "Checksums of assets are not kept"


@dataclass(frozen=True, slots=True)
class PlannedSource:
    """A data source to store: the values of its row, and its assets."""

    values: dict[str, Any]
    assets: list[Asset] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PlannedNode:
    """A node to store. `copied` is the data to copy into our own storage, if any."""

    source: SourceNode
    uuid: uuid.UUID
    path: str
    specs: list[dict[str, Any]]
    tags: tuple[str, ...]
    data: PlannedSource | None = None
    more: tuple[PlannedSource, ...] = ()
    copied: SourceData | None = None

    @property
    def parent_path(self) -> str:
        """The path of its container."""
        return self.path.rpartition("/")[0]

    @property
    def depth(self) -> int:
        """The number of keys in the path."""
        return self.path.count("/") + 1


@dataclass(frozen=True, slots=True)
class Conversion:
    """How nodes are converted: below which container, and what happens to managed data.

    `renamed` maps tags of users whose name is another one here. `copies` says what is copied beside
    what the rest of the conversion says.
    """

    into: str
    copy_data: bool
    report: ImportReport
    renamed: dict[str, str] = field(default_factory=dict)
    places: Places = field(default_factory=Places)
    copies: Callable[[SourceData], bool] | None = None

    def plan(self, node: SourceNode) -> PlannedNode:
        """Return the node to store. Raises NotImportable."""
        path = "/".join([*filter(None, [self.into]), *node.keys])
        if len(path.encode()) > PATH_BYTES:
            raise NotImportable(f"Paths of more than {PATH_BYTES} bytes cannot be stored")
        try:
            for key in node.keys[-1:]:
                validate_key(key)
            specs = parse_specs(node.specs or [])
            family = StructureFamily(node.family)
        except (ServiceError, ValueError) as error:
            raise NotImportable(getattr(error, "detail", None) or str(error)) from error
        identity = uuid.uuid5(NAMESPACE, f"{self.into}\n{node.path}\n{node.identity}")
        tags = tuple(sorted({self.renamed.get(tag, tag) for tag in node.tags}))
        if not node.sources:
            if family is not StructureFamily.container:
                raise NotImportable(f"Nodes of family {family.value} need a data source")
            return PlannedNode(node, identity, path, specs, tags)
        first, *others = node.sources
        copied = first if self._is_copied(first) else None
        return PlannedNode(
            node,
            identity,
            path,
            specs,
            tags,
            data=self._own(first) if copied else self._registered(first, node.path),
            more=tuple(self._registered(other, node.path) for other in others),
            copied=copied,
        )

    def _is_copied(self, data: SourceData) -> bool:
        if data.family not in set(OWN_FORMATS):
            return False
        if data.mimetype == SQL_TABLE or (self.copy_data and not data.external):
            return True
        if self.copies is not None and self.copies(data):
            return True
        # In place only where a format reads such files.
        readable = data.mimetype in external.mimetypes(StructureFamily(data.family))
        return not data.external and not readable

    def _own(self, data: SourceData) -> PlannedSource:
        """Return a data source in our own storage, without data yet."""
        family = StructureFamily(data.family)
        mimetype = OWN_FORMATS[family][0]
        if family is StructureFamily.table and data.mimetype in TABLE_MIMETYPE_ALIASES:
            mimetype = data.mimetype or ARROW_STREAM
        values = _values(data, mimetype, Management.writable)
        # These named the rows in Tiled's database.
        kept = {k: v for k, v in data.parameters.items() if k not in ("dataset_id",)}
        return PlannedSource({**values, "parameters": kept if family.value == "table" else {}})

    def _registered(self, data: SourceData, path: str) -> PlannedSource:
        family = StructureFamily(data.family)
        if family is not StructureFamily.bytes and data.mimetype not in external.mimetypes(family):
            self.report.find(NO_READER.format(data.mimetype), path)
        else:
            self.places.check(data.assets, path, self.report)
        if data.hashed:
            self.report.find(HASHES, number=data.hashed)
        values = _values(data, data.mimetype or "", Management.external)
        return PlannedSource(values, data.assets)


def _values(data: SourceData, mimetype: str, management: Management) -> dict[str, Any]:
    family = StructureFamily(data.family)
    try:
        structure = (
            None
            if family is StructureFamily.container
            else structure_from_json(family, data.structure).to_json()
        )
    except (WireError, AttributeError, TypeError, KeyError) as error:
        raise NotImportable(f"The structure cannot be read: {error}") from error
    return {
        "structure_family": family.value,
        "structure": structure,
        "mimetype": mimetype,
        "parameters": data.parameters,
        "properties": data.properties,
        "management": management.value,
    }
