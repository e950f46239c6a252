"""Nodes in a catalog database of Tiled, batch by batch.

A node has a higher id than its parent, so that the order of ids has parents first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tiled_client.wire.data_sources import Asset

from .database import SourceDatabase, as_json, as_time
from .records import NodeValues, SourceData, SourceNode, SourceRevision
from .stored_values import SqlStorages, StoredValues

BATCH = 500

NODES = """SELECT id, key, structure_family, metadata, specs, time_created, time_updated FROM nodes
    WHERE id > %s AND parent IS NOT NULL ORDER BY id LIMIT %s"""
KEYS = """SELECT c.descendant, n.key FROM nodes_closure c JOIN nodes n ON n.id = c.ancestor
    WHERE c.descendant BETWEEN %s AND %s AND n.parent IS NOT NULL
    ORDER BY c.descendant, c.depth DESC"""
DATA_SOURCES = """SELECT d.id, d.node_id, d.mimetype, d.structure_family, s.structure, d.management,
    d.parameters, d.properties FROM data_sources d LEFT JOIN structures s ON s.id = d.structure_id
    WHERE d.node_id BETWEEN %s AND %s ORDER BY d.id"""
ASSETS = """SELECT l.data_source_id, a.data_uri, a.is_directory, a.size, a.hash_type, l.parameter,
    l.num FROM data_sources d JOIN data_source_asset_association l ON l.data_source_id = d.id
    JOIN assets a ON a.id = l.asset_id WHERE d.node_id BETWEEN %s AND %s
    ORDER BY l.data_source_id, l.num, a.id"""
REVISIONS = """SELECT node_id, revision_number, metadata, specs, time_updated, time_created
    FROM revisions WHERE node_id BETWEEN %s AND %s ORDER BY node_id, revision_number"""
TAGS = """SELECT l.node_id, t.name FROM node_access_tags_association l
    JOIN access_tags t ON t.id = l.tag_id WHERE l.node_id BETWEEN %s AND %s"""


@dataclass(frozen=True, slots=True)
class DatabaseSource:
    """The catalog in a database, with the storages of its SQL tables."""

    database: SourceDatabase
    storages: SqlStorages

    def count(self) -> int:
        """Return the number of nodes without the root."""
        return int(self.database.value("SELECT count(*) FROM nodes WHERE parent IS NOT NULL"))

    def batches(self) -> Iterator[list[SourceNode]]:
        """Yield all nodes but the root, parents before children."""
        last = -1
        while found := self.database.rows(NODES, (last, BATCH)):
            span = found[0][0], found[-1][0]
            yield self._complete(found, span)
            last = span[1]

    def values(self, node: SourceNode, data: SourceData) -> NodeValues:
        """Return access to the data of a node."""
        return StoredValues(data, self.storages)

    def _complete(self, rows: list[tuple[Any, ...]], span: tuple[int, int]) -> list[SourceNode]:
        keys, tags = self._grouped(KEYS, span), self._grouped(TAGS, span)
        revisions, sources = self._grouped(REVISIONS, span), self._sources(span)
        return [
            SourceNode(
                identity=f"{pk} {key} {as_time(created)}",
                keys=tuple(name for (name,) in keys[pk]),
                family=family,
                metadata=as_json(metadata),
                specs=as_json(specs),
                time_created=as_time(created),
                time_updated=as_time(updated),
                tags=[name for (name,) in tags[pk]],
                sources=sources[pk],
                revisions=[_revision(row) for row in revisions[pk]],
            )
            for pk, key, family, metadata, specs, created, updated in rows
        ]

    def _sources(self, span: tuple[int, int]) -> dict[int, list[SourceData]]:
        assets = self._grouped(ASSETS, span)
        found: dict[int, list[SourceData]] = defaultdict(list)
        for (
            pk,
            node,
            mimetype,
            family,
            structure,
            management,
            parameters,
            properties,
        ) in self.database.rows(DATA_SOURCES, span):
            mine = assets[pk]
            found[node].append(
                SourceData(
                    mimetype=mimetype,
                    family=family,
                    structure=as_json(structure),
                    management=management,
                    parameters=as_json(parameters) or {},
                    properties=as_json(properties) or {},
                    assets=[_asset(row) for row in mine],
                    hashed=sum(row[3] is not None for row in mine),
                )
            )
        return found

    def _grouped(self, statement: str, span: tuple[int, int]) -> dict[int, list[tuple[Any, ...]]]:
        """Return the rows by their first column, which is left out."""
        found: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
        for first, *others in self.database.rows(statement, span):
            found[first].append(tuple(others))
        return found


def _asset(row: tuple[Any, ...]) -> Asset:
    data_uri, is_directory, size, _, parameter, num = row
    return Asset(data_uri, bool(is_directory), parameter=parameter, num=num, size=size)


def _revision(row: tuple[Any, ...]) -> SourceRevision:
    number, metadata, specs, updated, created = row
    when = as_time(updated) or as_time(created)
    assert when is not None
    return SourceRevision(number, as_json(metadata), as_json(specs), when)
