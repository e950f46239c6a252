"""Delete nodes with all descendants: rows first, then files.

However large a subtree is, its rows are deleted in one transaction and a bounded number of queries.
Files that a crash leaves behind after that are removed by the cleanup.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar
from uuid import UUID

from django.db import IntegrityError, InterfaceError, OperationalError
from django.db.models import Exists, OuterRef, QuerySet

from access.permissions.tag_permissions import current_version, permissions_for, tags_enabled
from access.principals import Principal, Scope
from core.audit import audit
from core.errors import Conflict, Forbidden, NotFound, NotSupported

from ...events import ChildDeleted, NodeDeleted, announce_left
from ...locks.node_locks import node_lock, wait_for_writers
from ...lookup.nodes import resolve, resolve_for_update, split_path
from ...lookup.parts import reject_sub_node
from ...models import Asset, AssetPart, Chunk, DataSource, DataSourceAsset, Node, Revision
from ...node_refs import NodeRef
from ...permissions.node_permissions import own_tags, scopes_on
from ..assets.links import lock_assets
from ..commits import EventTransaction, event_transaction
from ..stores.site import storage
from ..uploads import check_replaced

logger = logging.getLogger(__name__)

# Databases limit the number of parameters of a query.
BATCH_ROWS = 5000

REQUIRED_SCOPES = frozenset({Scope.delete_node, Scope.delete_revision})

T = TypeVar("T")


def delete_node(
    *,
    path: str,
    recursive: bool = False,
    external_only: bool = True,
    principal: Principal | None = None,
    expected: UUID | None = None,
) -> None:
    """Delete a node, and its descendants with `recursive`; external files are left alone.

    `principal` None is the site itself. Raises NotFound, NotSupported (the root, a column of a
    table), Conflict (children, internally managed data that `external_only` protects, or another
    node than the `expected` one), Forbidden (descendants that `principal` may not delete).
    """
    segments = split_path(path)
    if not segments:
        raise NotSupported("This node does not support deletion.")
    with node_lock("/".join(segments[:-1])):
        with _announce_earlier_deletion(segments), event_transaction(announced=False) as change:
            parent, deleted = _delete_rows(
                segments, recursive=recursive, external_only=external_only, principal=principal
            )
            gone = deleted[-1]
            check_replaced(expected, gone.uuid)
            tags = own_tags(gone.tag_path_id) if tags_enabled() else None
            change.record_event(ChildDeleted(parent, gone.key, gone.family, tags))
            *below, top = (node.ref for node in deleted)
            change.record_event(NodeDeleted(top, tuple(below)))
        change.announce_next()
    finish_deletion(change, deleted)


def delete_for_replacement(
    segments: list[str], principal: Principal | None
) -> tuple[NodeRef, list[Node]]:
    """Delete the rows of a node that another is about to replace; return its parent, and itself.

    Call it in the transaction of the creation, and `finish_deletion` once that is committed and the
    lock of the parent released. Raises Conflict (children), Forbidden.
    """
    return _delete_rows(segments, recursive=False, external_only=False, principal=principal)


def finish_deletion(change: EventTransaction, deleted: list[Node]) -> None:
    """Wait for writers that began before the deletion, announce the rest, and discard the data."""
    top = deleted[-1]
    audit("node_deleted", path=f"/{top.path}", uuid=str(top.uuid), nodes=len(deleted))
    _wait_for_earlier_writers(deleted)
    change.announce()
    storage().discard_nodes([node.uuid for node in deleted if node.source])


@contextmanager
def _announce_earlier_deletion(segments: list[str]) -> Iterator[None]:
    """Announce the rest of an earlier deletion if the node is gone; raise as the body does.

    A missing node may have been deleted by a request of the same client that was interrupted.
    Raises Conflict if children appeared during the deletion.
    """
    try:
        yield
    except IntegrityError as error:
        raise Conflict(
            f"/{'/'.join(segments)} got new children while it was being deleted. Try again."
        ) from error
    except NotFound:
        with suppress(NotFound):
            announce_left(resolve(segments[:-1]).ref)
        raise


def _wait_for_earlier_writers(deleted: list[Node]) -> None:
    """Wait for writers that began before the deletion; later ones find no node.

    If the wait fails, the cleanup removes what such a writer leaves behind.
    """
    try:
        wait_for_writers(node.path for node in deleted)
    except (OperationalError, InterfaceError) as error:
        logger.warning("Could not wait for writers to deleted nodes: %s", error)


def _delete_rows(
    segments: list[str], *, recursive: bool, external_only: bool, principal: Principal | None
) -> tuple[NodeRef, list[Node]]:
    """Delete the rows; return the parent, and the deleted nodes, deepest first."""
    with reject_sub_node(segments, "deletion"):
        node = resolve_for_update(segments)
    assert node.parent is not None
    nodes = _subtree(node)
    _check_deletable(nodes, recursive=recursive, external_only=external_only)
    if principal is not None and tags_enabled():
        _check_permissions(nodes, principal)
    for batch in _iter_batches(nodes):
        _delete_batch(batch)
    return node.parent.ref, nodes


def _delete_batch(nodes: Sequence[Node]) -> None:
    keys = [node.pk for node in nodes]
    tied = Asset.objects.filter(links__data_source__node__in=keys)
    assets = list(lock_assets(tied).values_list("pk", flat=True))
    assets += _assets_of_further(keys)
    _raw_delete(DataSourceAsset.objects.filter(data_source__node__in=keys))
    _raw_delete(Chunk.objects.filter(data_source__node__in=keys))
    _raw_delete(DataSource.objects.filter(node__in=keys))
    _raw_delete(Revision.objects.filter(node__in=keys))
    _raw_delete(Node.objects.filter(pk__in=keys))
    still_tied = Exists(DataSourceAsset.objects.filter(asset=OuterRef("pk")))
    for batch in _iter_batches(assets):
        gone = Asset.objects.filter(~still_tied, pk__in=batch)
        _raw_delete(AssetPart.objects.filter(asset__in=gone))
        _raw_delete(gone)


def _assets_of_further(nodes: Sequence[int]) -> list[int]:
    """Return the assets of the further data sources of nodes, which few nodes have."""
    found = DataSource.objects.filter(node__in=nodes, further__isnull=False)
    return [
        asset["id"]
        for sources in found.values_list("further", flat=True)
        for source in sources or ()
        for asset in source["assets"]
    ]


def _raw_delete(rows: QuerySet[Any]) -> None:
    """Delete rows to which no others refer, without loading them.

    If others refer to them nevertheless, the database fails at the end of the transaction.
    """
    rows._raw_delete(rows.db)


def _subtree(node: Node) -> list[Node]:
    """Return the node and its descendants, locked, deepest first."""
    nodes, level = [node], [node]
    below = Node.objects.select_for_update(of=("self",)).select_related("data_source")
    # Metadata and structures of thousands of nodes need not be in memory.
    below = below.only(
        "uuid", "path", "key", "parent", "structure_family", "tag_path", "data_source__management"
    )
    while level:
        level = [
            child for batch in _iter_batches(level) for child in below.filter(parent__in=batch)
        ]
        nodes += level
    return nodes[::-1]


def _iter_batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), BATCH_ROWS):
        yield items[start : start + BATCH_ROWS]


def _check_deletable(nodes: list[Node], *, recursive: bool, external_only: bool) -> None:
    if len(nodes) > 1 and not recursive:
        raise Conflict(
            "Cannot delete a node that is not empty. Delete its contents first or pass "
            "`recursive=True`.",
            code="not_empty",
        )
    if external_only and any(node.source and not node.source.external for node in nodes):
        raise Conflict(
            "Some items in this tree are internally managed. Deleting the records will also "
            "delete the underlying data files. If you want to delete them, pass "
            "external_only=False.",
            code="managed_data",
        )


def _check_permissions(nodes: list[Node], principal: Principal) -> None:
    version = current_version()
    rights = permissions_for(principal, version)
    for tag_path in {node.tag_path_id for node in nodes}:
        if not scopes_on(tag_path, rights, version) >= REQUIRED_SCOPES:
            raise Forbidden(
                "This node has descendants that you may not delete, or cannot see. Delete your own "
                "nodes one by one, or ask an administrator."
            )
