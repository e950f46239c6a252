"""Changing metadata and specs, with a revision kept of what was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Max

from access.permissions.tag_permissions import bump_version, tags_enabled
from access.principals import Principal
from core.errors import NotSupported

from ...events import ChildMetadataUpdated
from ...locks.node_locks import node_lock
from ...lookup.nodes import resolve_for_update, split_path
from ...lookup.parts import parts_refused
from ...models import Node, Revision
from ...permissions.node_permissions import own_tags
from ..commits import committed
from .spec_validation import children_of, validated
from .tags import changed_tags, checked_tags, retag


@dataclass(frozen=True, slots=True)
class Described:
    """Metadata, specs and access tags of a node."""

    metadata: dict[str, Any]
    specs: list[dict[str, Any]]
    tags: Any


Change = Callable[[Described], Described]


@dataclass(frozen=True, slots=True)
class Updated:
    """A node after an update; `adjusted` if a validator made other metadata of those asked for.

    `tags_adjusted` if its access tags are not, as a list, those asked for.
    """

    node: Node
    adjusted: bool
    tags_adjusted: bool


def update_metadata(
    *,
    path: str,
    change: Change,
    drop_revision: bool = False,
    retags: bool = False,
    principal: Principal | None = None,
) -> Updated:
    """Apply `change` to the node's metadata and specs as they are at that moment.

    With `retags` it changes access tags as well, as far as `principal` may. Unless
    `drop_revision`, what was is kept as a revision. Raises NotFound, NotSupported (the root, or a
    column of a table), BadRequest (no longer what its specs say), Forbidden (tags), and whatever
    `change` raises; then nothing is changed.
    """
    segments = split_path(path)
    if not segments:
        raise NotSupported("This node does not support update of metadata.")
    # The update goes to the parent's stream.
    with (
        node_lock("/".join(segments[:-1])),
        parts_refused(segments, "update of metadata"),
        committed() as stored,
    ):
        if retags and tags_enabled():
            bump_version()
        node = resolve_for_update(segments)
        after = change(Described(node.metadata, node.specs, own_tags(node.tag_path_id)))
        metadata = _validated(node, after)
        number = None if drop_revision else _keep_revision(node)
        node.metadata, node.specs = metadata, after.specs
        tags = _retagged(node, after.tags, principal) if retags else after.tags
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
        stored.tells(event)
    return Updated(node, metadata != after.metadata, retags and tags != after.tags)


def _retagged(node: Node, asked: Any, principal: Principal | None) -> list[str]:
    """Its tags from now on; none where a node has no rights of its own."""
    if not tags_enabled():
        checked_tags(asked)
        return []
    tags = changed_tags(node, asked, principal)
    if tags != own_tags(node.tag_path_id):
        retag(node, tags)
    return tags


def _validated(node: Node, after: Described) -> dict[str, Any]:
    return validated(
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
