"""Update metadata, specs and access tags, keeping a revision of the previous ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Max

from access.permissions.tag_permissions import bump_version, tags_enabled
from access.principals import Principal
from core.errors import NotSupported

from ...events import ChildMetadataUpdated
from ...locks.node_locks import node_lock
from ...lookup.nodes import resolve_for_update, split_path
from ...lookup.parts import reject_sub_node
from ...models import Node, Revision
from ...permissions.node_permissions import own_tags
from ..commits import event_transaction
from ..uploads import check_replaced
from .spec_validation import children_of, validate
from .tags import authorize_tag_change, parse_tags, set_tags


@dataclass(frozen=True, slots=True)
class NodeDescription:
    """Metadata, specs and access tags of a node."""

    metadata: dict[str, Any]
    specs: list[dict[str, Any]]
    tags: Any


DescriptionChange = Callable[[NodeDescription], NodeDescription]


@dataclass(frozen=True, slots=True)
class UpdateResult:
    """A node after an update.

    `changed_by_validator`: a validator replaced the metadata that the request gave.
    `tags_normalized`: the stored access tags differ, as a list, from those that the request gave.
    """

    node: Node
    changed_by_validator: bool
    tags_normalized: bool


def update_metadata(
    *,
    path: str,
    change: DescriptionChange,
    drop_revision: bool = False,
    update_tags: bool = False,
    principal: Principal | None = None,
    expected: UUID | None = None,
) -> UpdateResult:
    """Apply `change` to the node's current metadata and specs.

    With `update_tags` it also changes access tags, within the rights of `principal`. Unless
    `drop_revision`, the previous values are kept as a revision. Raises NotFound, NotSupported
    (the root, or a column of a table), BadRequest (a spec is violated), Forbidden (tags), Conflict
    (another node than the `expected` one), and what `change` raises; then nothing is changed.
    """
    segments = split_path(path)
    if not segments:
        raise NotSupported("This node does not support update of metadata.")
    # The lock is the parent's: the update is announced in the parent's stream.
    with (
        node_lock("/".join(segments[:-1])),
        reject_sub_node(segments, "update of metadata"),
        event_transaction() as stored,
    ):
        if update_tags and tags_enabled():
            bump_version()
        node = resolve_for_update(segments)
        check_replaced(expected, node.uuid)
        after = change(NodeDescription(node.metadata, node.specs, own_tags(node.tag_path_id)))
        metadata = _validated(node, after)
        number = None if drop_revision else _keep_revision(node)
        node.metadata, node.specs = metadata, after.specs
        tags = _update_tags(node, after.tags, principal) if update_tags else after.tags
        node.save(update_fields=["metadata", "specs", "tag_path", "time_updated"])
        assert node.parent is not None
        event = ChildMetadataUpdated(
            node=node.parent.ref,
            key=node.key,
            specs=node.specs,
            metadata=node.metadata,
            revision_number=number,
            access_tags=tags if tags_enabled() else None,
        )
        stored.record_event(event)
    return UpdateResult(node, metadata != after.metadata, update_tags and tags != after.tags)


def _update_tags(node: Node, asked: Any, principal: Principal | None) -> list[str]:
    """Set the node's tags and return them; return none if access is not controlled by tags."""
    if not tags_enabled():
        parse_tags(asked)
        return []
    tags = authorize_tag_change(node, asked, principal)
    if tags != own_tags(node.tag_path_id):
        set_tags(node, tags)
    return tags


def _validated(node: Node, after: NodeDescription) -> dict[str, Any]:
    return validate(
        metadata=after.metadata,
        specs=after.specs,
        family=node.family,
        structure=node.structure,
        children=lambda: children_of(node),
    )


def _keep_revision(node: Node) -> int:
    last = node.revisions.aggregate(last=Max("number"))["last"] or 0
    Revision.objects.create(
        node=node,
        number=last + 1,
        metadata=node.metadata,
        specs=node.specs,
        time_updated=node.time_updated,
    )
    return last + 1
