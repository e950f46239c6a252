"""Store planned nodes in this catalog: a batch in one transaction, each node once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import DatabaseError, transaction
from django.utils import timezone

from access.permissions.tag_permissions import tags_enabled
from catalog.models import Asset, DataSource, DataSourceAsset, Node, Revision
from catalog.permissions.node_permissions import Lists, tag_path_lists
from catalog.services.nodes.tags import tag_path_for_lists
from tiled_client.wire.data_sources import Asset as WireAsset
from tiled_client.wire.structure_family import StructureFamily

from .conversion import PlannedNode, PlannedSource
from .report import ImportReport
from .rows import insert_rows

TAKEN = "There is another node at this path already; the node of Tiled is not imported"
NO_PARENT = "The container of this node was not imported, and so neither is the node"
REFUSED = "The database rejects this node ({}); it is not imported"
MAX_CACHED_LISTS = 10_000


@dataclass(frozen=True, slots=True)
class _Parent:
    pk: int
    lists: Lists


@dataclass(slots=True)
class NodeWriter:
    """Stores nodes; those that an earlier run has stored are left as they are."""

    report: ImportReport
    _tag_paths: dict[Lists, int] = field(default_factory=dict)

    def write(self, nodes: Sequence[PlannedNode]) -> list[PlannedNode]:
        """Store a batch. Return the nodes that are in the catalog now, also from earlier runs."""
        stored: list[PlannedNode] = []
        by_depth: dict[int, list[PlannedNode]] = defaultdict(list)
        for node in nodes:
            by_depth[node.depth].append(node)
        for depth in sorted(by_depth):
            stored += self._write_level(by_depth[depth])
        return stored

    def _write_level(self, nodes: Sequence[PlannedNode]) -> list[PlannedNode]:
        done = ImportReport()
        try:
            with transaction.atomic():
                stored = self._insert(nodes, done)
        except DatabaseError as error:
            self._tag_paths.clear()  # those of this transaction do not exist
            if len(nodes) == 1:
                problem = " ".join(str(error).split())
                self.report.find(REFUSED.format(problem[:120]), nodes[0].source.path)
                return []
        else:
            self.report.merge(done)
            return stored
        # One of them is at fault: find out which.
        half = len(nodes) // 2
        return self._write_level(nodes[:half]) + self._write_level(nodes[half:])

    def _insert(self, nodes: Sequence[PlannedNode], done: ImportReport) -> list[PlannedNode]:
        stored, new = separate_new(nodes, done)
        parents = _parents({node.parent_path for node in new})
        for node in new:
            if node.parent_path not in parents:
                done.find(NO_PARENT, node.path)
        new = [node for node in new if node.parent_path in parents]
        self._insert_new(new, parents, done)
        return stored + new

    def _insert_new(
        self, nodes: Sequence[PlannedNode], parents: dict[str, _Parent], done: ImportReport
    ) -> None:
        insert_rows([self._row(node, parents[node.parent_path]) for node in nodes])
        ids = dict(
            Node.objects.filter(uuid__in=[node.uuid for node in nodes]).values_list("uuid", "pk")
        )
        _insert_sources([(ids[node.uuid], node.data) for node in nodes if node.data])
        for node in nodes:
            if node.more:
                _add_further(ids[node.uuid], node.more)
        revisions = [
            Revision(
                node_id=ids[node.uuid],
                number=one.number,
                metadata=one.metadata,
                specs=one.specs or [],
                time_updated=one.time,
            )
            for node in nodes
            for one in node.source.revisions
        ]
        insert_rows(revisions)
        count_nodes(nodes, done)

    def _row(self, node: PlannedNode, parent: _Parent) -> Node:
        created = node.source.time_created or timezone.now()
        return Node(
            uuid=node.uuid,
            parent_id=parent.pk,
            key=node.source.keys[-1],
            path=node.path,
            structure_family=node.source.family,
            metadata=node.source.metadata or {},
            specs=node.specs,
            time_created=created,
            time_updated=node.source.time_updated or created,
            tag_path_id=self._tag_path((*parent.lists, node.tags)),
        )

    def _tag_path(self, lists: Lists) -> int | None:
        if not any(lists) and not tags_enabled():
            return None
        found = self._tag_paths.get(lists)
        if found is None:
            if len(self._tag_paths) >= MAX_CACHED_LISTS:
                self._tag_paths.clear()
            found = self._tag_paths[lists] = tag_path_for_lists(lists)
        return found


def _parents(paths: Iterable[str]) -> dict[str, _Parent]:
    """Return the containers at these paths."""
    rows = Node.objects.filter(
        path__in=list(paths), structure_family=StructureFamily.container, data_source__isnull=True
    ).values_list("path", "pk", "tag_path")
    return {path: _Parent(pk, _lists(path, tag_path)) for path, pk, tag_path in rows}


def _lists(path: str, tag_path: int | None) -> Lists:
    """Return the tags of the containers down to `path`; those of the root do not count."""
    if not path:
        return ()
    if tag_path is not None:
        return tag_path_lists(tag_path)
    return ((),) * (path.count("/") + 1)


def _insert_sources(planned: Sequence[tuple[int, PlannedSource]]) -> None:
    insert_rows([DataSource(node_id=node, **data.values) for node, data in planned])
    wanted = dict(
        DataSource.objects.filter(node__in=[node for node, _ in planned]).values_list("node", "pk")
    )
    assets = {asset.data_uri: asset for _, data in planned for asset in data.assets}
    ids = _stored_assets(assets)
    links: list[Any] = [
        DataSourceAsset(
            data_source_id=wanted[node],
            asset_id=ids[asset.data_uri],
            parameter=asset.parameter,
            num=asset.num,
        )
        for node, data in planned
        for asset in data.assets
    ]
    insert_rows(links)


def _add_further(node: int, more: Sequence[PlannedSource]) -> None:
    """Store the data sources of a node after the first."""
    assets = {asset.data_uri: asset for data in more for asset in data.assets}
    ids = _stored_assets(assets)
    further = [
        {
            "id": None,
            **data.values,
            "assets": [{**one.to_json(), "id": ids[one.data_uri]} for one in data.assets],
        }
        for data in more
    ]
    DataSource.objects.filter(node=node).update(further=further)


def _stored_assets(assets: Mapping[str, WireAsset]) -> dict[str, int]:
    """Return the ids of assets by their URIs; create those that do not exist."""
    insert_rows(
        [
            Asset(data_uri=uri, is_directory=asset.is_directory, size=asset.size)
            for uri, asset in sorted(assets.items())
        ],
        ignore_conflicts=True,
    )
    return _asset_ids(list(assets))


def _asset_ids(uris: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in range(0, len(uris), 5000):
        some = Asset.objects.filter(data_uri__in=uris[start : start + 5000])
        found.update(some.values_list("data_uri", "pk"))
    return found


def separate_new(
    nodes: Sequence[PlannedNode], done: ImportReport
) -> tuple[list[PlannedNode], list[PlannedNode]]:
    """Return the nodes that an earlier run has stored, and new ones; report those in the way."""
    known = dict(
        Node.objects.filter(path__in=[node.path for node in nodes]).values_list("path", "uuid")
    )
    stored = [node for node in nodes if known.get(node.path) == node.uuid]
    done.count("nodes that were imported before", len(stored))
    for node in nodes:
        if node.path in known and known[node.path] != node.uuid:
            done.find(TAKEN, node.path)
    return stored, [node for node in nodes if node.path not in known]


def count_nodes(nodes: Sequence[PlannedNode], done: ImportReport) -> None:
    """Count new nodes by family, and their revisions."""
    for node in nodes:
        done.count(f"nodes of family {node.source.family}")
    done.count("revisions", sum(len(node.source.revisions) for node in nodes))
