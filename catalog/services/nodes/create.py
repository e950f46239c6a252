"""Create nodes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.db.models import prefetch_related_objects

from access.permissions.tag_permissions import tags_enabled
from access.principals import Principal
from core.errors import Conflict, Invalid, NotFound, NotSupported, ServiceError
from tiled_client.wire.errors import WireError
from tiled_client.wire.structure_family import Management, StructureFamily
from tiled_client.wire.structures import ArrayStructure

from ...events import ChildCreated, ChildDeleted, NodeDeleted, announce_left
from ...locks.node_locks import node_lock
from ...lookup.embedded import reject_embedded
from ...lookup.nodes import is_taken, resolve, split_path
from ...lookup.prepared_queries import raw_insert
from ...models import PATH_BYTES, DataSource, Node, Receipt
from ...permissions.node_permissions import own_tags
from ...storage.errors import StorageError
from ..assets.links import attach_assets, attach_own_assets
from ..commits import EventTransaction, OutcomeUnknown, event_transaction
from ..idempotency import IdempotencyKey, find_receipt, record_receipt
from ..quotas import quotas
from ..stores.site import storage
from .data_placement import StoragePlan, allocate_storage
from .deletion import delete_for_replacement, finish_deletion
from .drafts import Draft
from .spec_validation import validate
from .tags import check_parent, tag_path_for_new_node


def create_node(
    *,
    parent_path: str,
    draft: Draft,
    principal: Principal | None = None,
    idempotency_key: IdempotencyKey | None = None,
    replace: bool = False,
) -> Node:
    """Create a node under `parent_path`, with storage of the server's own for its data.

    Its access tags must be ones that `principal` may set; None is the site itself. Its metadata
    differ from the draft's if a validator changed them. A request that is repeated under its
    idempotency key returns the node that it created first. With `replace`, a node of that key is
    deleted in the same transaction, with its data and its stream, unless it has children. Raises
    NotFound (no parent, or the first node was deleted since), Invalid (the parent is not a
    container), Conflict (the key is taken, or the node to replace has children), UnsupportedMedia
    (a media type that the server does not write), BadRequest (a spec is violated), Forbidden
    (tags), QuotaExceeded (a quota).
    """
    creation = Creation(draft, principal, idempotency_key, replace=replace)
    return _create(parent_path, creation, registered=False)


def register_node(
    *,
    parent_path: str,
    draft: Draft,
    principal: Principal | None = None,
    idempotency_key: IdempotencyKey | None = None,
    replace: bool = False,
) -> Node:
    """Create a node whose data are external files. Raises as `create_node` does."""
    creation = Creation(draft, principal, idempotency_key, replace=replace)
    return _create(parent_path, creation, registered=True)


@dataclass(frozen=True, slots=True)
class Creation:
    """A request to create a node, and whether it may replace one."""

    draft: Draft
    principal: Principal | None
    idempotency_key: IdempotencyKey | None
    replace: bool


def _create(parent_path: str, creation: Creation, *, registered: bool) -> Node:
    draft, key = creation.draft, creation.idempotency_key
    with node_lock("/".join(split_path(parent_path))):
        parent = _parent(parent_path)
        if (earlier := find_receipt(parent.uuid, key)) is not None:
            return _node_made_before(parent, earlier)
        node = _unsaved(parent, draft)
        _check_free(parent, node, replace=creation.replace)
        node = _validated(node, draft)
        node.creator = creation.principal.uuid if creation.principal else None
        quotas().charge(
            node.path, node.creator, size=0 if registered else _declared_bytes(draft), nodes=1
        )
        node.tag_path_id = tag_path_for_new_node(parent, draft.tags, creation.principal)
        with _discard_folder_if_not_stored(node.uuid):
            storage_plan = allocate_storage(node.uuid, draft, registered=registered)
            with (
                event_transaction(announced=False) as change,
                record_receipt(parent.uuid, key, child=node.uuid),
            ):
                check_parent(parent)
                deleted = _store(node, storage_plan, creation, change)
        for _ in range(2 if deleted else 1):
            change.announce_next()
    if deleted:
        finish_deletion(change, deleted)
    return node


def _declared_bytes(draft: Draft) -> int:
    """Return the bytes that quotas count of a new node: those of the shape of a stored array."""
    source = draft.data_source
    if source is None or source.management is Management.external:
        return 0
    return source.structure.nbytes if isinstance(source.structure, ArrayStructure) else 0


def _store(
    node: Node, plan: StoragePlan | None, creation: Creation, change: EventTransaction
) -> list[Node]:
    """Insert the rows of `node`, and record its events; return the node that it replaces, if any.

    The events of the parent come first: they are announced under its lock.
    """
    deleted: list[Node] = []
    if creation.replace and is_taken(node.path):
        parent, deleted = delete_for_replacement(split_path(node.path), creation.principal)
        gone = deleted[-1]
        tags = own_tags(gone.tag_path_id) if tags_enabled() else None
        change.record_event(ChildDeleted(parent, gone.key, gone.family, tags))
    _save(node, plan)
    change.record_event(_created(node))
    if deleted:
        change.record_event(NodeDeleted(deleted[-1].ref))
    return deleted


def _check_free(parent: Node, node: Node, *, replace: bool) -> None:
    """Raise Conflict if the path of a new node is taken, and the node there is not replaced."""
    if replace or not is_taken(node.path):
        return
    # The existing node may be of the same client, whose first request was interrupted.
    announce_left(parent.ref)
    raise Conflict(f"/{node.path}", code="node_exists")


def _node_made_before(parent: Node, receipt: Receipt) -> Node:
    """Return the node that the same request created before. Raises NotFound if it is gone."""
    announce_left(parent.ref)
    nodes = Node.objects.select_related("data_source")
    made = nodes.filter(uuid=receipt.child).first() if receipt.child else None
    if made is None:
        raise NotFound(
            f"The node that the request with the Idempotency-Key {receipt.key!r} made in {parent} "
            "was deleted since. Send the request with a new key to create it again."
        )
    return made


@contextmanager
def _discard_folder_if_not_stored(node: UUID) -> Iterator[None]:
    """Remove the folder of a node that was certainly not stored; otherwise leave it to the cleanup.

    Raises NotFound if the database reports that the parent no longer exists.
    """
    try:
        yield
    except IntegrityError as error:
        storage().discard_nodes([node])
        raise NotFound("The container was deleted in the meantime.") from error
    except OutcomeUnknown:
        raise
    except (ServiceError, StorageError, WireError):
        storage().discard_nodes([node])
        raise


def _created(node: Node) -> ChildCreated:
    return ChildCreated(
        node=node.parent.ref if node.parent else node.ref,
        key=node.key,
        structure_family=node.family,
        specs=node.specs,
        metadata=node.metadata,
        data_sources=[node.source.to_json()] if node.source else [],
        access_tags=own_tags(node.tag_path_id),
    )


def _parent(path: str) -> Node:
    try:
        return resolve(path)
    except NotFound:
        reject_embedded(path)
        raise


def _unsaved(parent: Node, draft: Draft) -> Node:
    if parent.family is not StructureFamily.container:
        raise Invalid(
            f"The node at {parent} is of family {parent.structure_family}; only a container has "
            "children."
        )
    if parent.source is not None:
        raise NotSupported(f"The node at {parent} is an external file, which is read-only.")
    path = f"{parent.path}/{draft.key}" if parent.path else draft.key
    if len(path.encode()) > PATH_BYTES:
        raise Invalid(f"The path of a node must not be longer than {PATH_BYTES} bytes.")
    return Node(
        parent=parent,
        key=draft.key,
        path=path,
        structure_family=draft.family,
        metadata=draft.metadata,
        specs=draft.specs,
    )


def _validated(node: Node, draft: Draft) -> Node:
    node.metadata = validate(
        metadata=draft.metadata,
        specs=draft.specs,
        family=draft.family,
        structure=draft.data_source.structure if draft.data_source else None,
    )
    return node


def _save(node: Node, storage_plan: StoragePlan | None) -> None:
    raw_insert(node)
    if storage_plan is None:
        _cache_absent_source(node)
        return
    source = DataSource(node=node, **storage_plan.fields)
    raw_insert(source)
    if source.external:
        attach_assets(source, storage_plan.assets)
        prefetch_related_objects([source], "asset_links")  # for the announcement and the response
    else:
        attach_own_assets(source, storage_plan.assets)


def _cache_absent_source(node: Node) -> None:
    """Record on a new node that it has no data source, which saves a query."""
    relation: Any = Node._meta.get_field("data_source")
    relation.set_cached_value(node, None)
