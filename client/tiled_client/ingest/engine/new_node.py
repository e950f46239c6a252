"""The description of a node that a writer creates."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from ...arguments import mapping, names_of, node_key
from ...documents import SpecLike, read_specs
from ...errors import NotSupported
from ...jsonable import jsonable
from ...wire.data_sources import DataSource
from ...wire.structure_family import StructureFamily
from ...wire.structures import Structure, TableStructure, family_of

SQL_TABLE = "application/x-tiled-sql-table"


@dataclass(frozen=True, slots=True)
class NewNode:
    """A node to create under the path `parent`.

    `parent_handle` is that of a container which the same writer creates: it has to exist first. The
    server creates the node once for each `token`.
    """

    parent: str
    key: str
    body: str
    parent_handle: int | None
    token: str

    @property
    def path(self) -> str:
        """The path that the node will have."""
        return f"{self.parent}/{self.key}".lstrip("/")

    def to_json(self) -> dict[str, Any]:
        """Return the JSON value, for the spool."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read the JSON value."""
        return cls(**value)


def describe_node(
    parent: str,
    parent_handle: int | None,
    source: DataSource | None,
    *,
    key: str | None,
    metadata: Mapping[str, Any] | None,
    specs: Iterable[SpecLike] | None,
    access_tags: Sequence[str] | None,
) -> NewNode:
    """Return the description of a node with a data source, or of a container."""
    key = str(uuid.uuid4()) if key is None else node_key(key)
    body = {
        "id": key,
        "structure_family": source.structure_family if source else StructureFamily.container,
        "metadata": {} if metadata is None else jsonable(mapping(metadata, "metadata")),
        "specs": [spec.to_json() for spec in read_specs(() if specs is None else specs)],
        "data_sources": [source.to_json()] if source else [],
        "access_tags": None if access_tags is None else names_of(access_tags, "access_tags"),
    }
    return NewNode(parent, key, json.dumps(body), parent_handle, secrets.token_urlsafe(12))


def as_source(structure: Any) -> DataSource | None:
    """Return the data source of a structure, or of the columns of a table; None for a container."""
    if structure is None or isinstance(structure, DataSource):
        return structure
    if isinstance(structure, Structure):
        return DataSource(family_of(structure), structure)
    from ... import tables

    found = TableStructure.from_schema(tables.to_schema(structure))
    return DataSource(StructureFamily.table, found, mimetype=SQL_TABLE)


def structure_of(source: DataSource | None) -> Structure | None:
    """Return the structure of the data of a new node. Raises NotSupported if it is unknown."""
    if source is None:
        return None
    if source.structure is None:
        raise NotSupported("A writer creates nodes with a structure only: give the data source's.")
    return source.structure
