"""Making and deleting nodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from django.db import IntegrityError, transaction
from django.db.models import prefetch_related_objects

from access.errors import Conflict, Invalid, NotFound, NotSupported
from tiled_client.wire.families import StructureFamily

from ..columns import parts_refused
from ..events import ChildCreated, ChildDeleted, NodeDeleted, NodeRef, announce
from ..locks import node_lock
from ..models import PATH_BYTES, Asset, DataSource, Node
from ..nodes import resolve, resolve_for_update, split_path
from .assets import attach_assets, locked
from .drafts import Draft
from .placement import Placement, place
from .stores import discard_folder
from .validation import validated

# A database takes only so many values in one question.
BATCH = 5000

T = TypeVar("T")


def create_node(*, parent_path: str, draft: Draft) -> Node:
    """Make a node under `parent_path`, with storage of the server's own where it has data.

    Raises NotFound (no parent), Invalid (the parent is no container), Conflict (the key is taken),
    UnsupportedMedia (a mimetype that the server does not write), BadRequest (not what its specs
    say). Its metadata are not the draft's where the validator of a spec has changed them.
    """
    return _create(parent_path, draft, registered=False)


def register_node(*, parent_path: str, draft: Draft) -> Node:
    """Make a node whose data are files of somebody else's. Raises as create_node."""
    return _create(parent_path, draft, registered=True)


def _create(parent_path: str, draft: Draft, *, registered: bool) -> Node:
    with node_lock("/".join(split_path(parent_path))):
        node = _validated(_unsaved(resolve(parent_path), draft), draft)
        try:
            placement = place(node.uuid, draft, registered=registered)
            with transaction.atomic():
                _save(node, placement)
        except IntegrityError as error:
            discard_folder(node.uuid)
            raise NotFound(f"{node.parent} was deleted in the meantime.") from error
        except BaseException:
            discard_folder(node.uuid)
            raise
        announce(
            ChildCreated(
                node=node.parent.ref if node.parent else node.ref,
                key=node.key,
                structure_family=node.family,
                specs=node.specs,
                metadata=node.metadata,
                data_sources=[node.source.to_json()] if node.source else [],
                access_tags=[],
            )
        )
    return node


def _unsaved(parent: Node, draft: Draft) -> Node:
    if parent.family is not StructureFamily.container:
        raise Invalid(
            f"The node at {parent} is of family {parent.structure_family}; only a container has "
            "children."
        )
    path = f"{parent.path}/{draft.key}" if parent.path else draft.key
    if len(path.encode()) > PATH_BYTES:
        raise Invalid(f"The path of a node must not be longer than {PATH_BYTES} bytes.")
    if Node.objects.filter(path=path).exists():
        raise Conflict(f"/{path}")
    return Node(
        parent=parent,
        key=draft.key,
        path=path,
        structure_family=draft.family,
        metadata=draft.metadata,
        specs=draft.specs,
    )


def _validated(node: Node, draft: Draft) -> Node:
    node.metadata = validated(
        metadata=draft.metadata,
        specs=draft.specs,
        family=draft.family,
        structure=draft.data_source.structure if draft.data_source else None,
    )
    return node


def _save(node: Node, placement: Placement | None) -> None:
    node.save(force_insert=True)
    if placement is None:
        return
    source = DataSource.objects.create(node=node, **placement.fields)
    attach_assets(source, placement.assets)
    prefetch_related_objects([source], "asset_links")  # for the announcement and the answer


def delete_node(*, path: str, recursive: bool = False, external_only: bool = True) -> None:
    """Delete a node, and with `recursive` what is below it; files of others are left alone.

    Raises NotFound, NotSupported (the root, a column of a table), Conflict (children, or data of
    the server's own that `external_only` protects).
    """
    segments = split_path(path)
    if not segments:
        raise NotSupported("This node does not support deletion.")
    with node_lock("/".join(segments[:-1])):
        parent, deleted = _delete_rows(segments, recursive=recursive, external_only=external_only)
        announce(ChildDeleted(parent, deleted[-1].key, deleted[-1].family))
    for node in deleted:
        with node_lock(node.path):  # waits for a write that had begun, then clears up after it
            if node.source:
                discard_folder(node.uuid)
            announce(NodeDeleted(node.ref))


def _delete_rows(
    segments: list[str], *, recursive: bool, external_only: bool
) -> tuple[NodeRef, list[Node]]:
    """The parent, and what was deleted: whoever was further down first, the node itself last."""
    try:
        with parts_refused(segments, "deletion"), transaction.atomic():
            node = resolve_for_update(segments)
            assert node.parent is not None
            nodes = _subtree(node)
            _refuse_deletion(nodes, recursive=recursive, external_only=external_only)
            for batch in _batches(nodes):
                _delete_batch(batch)
            return node.parent.ref, nodes
    except IntegrityError as error:
        raise Conflict(
            f"/{'/'.join(segments)} got new children while it was being deleted. Try again."
        ) from error


def _delete_batch(nodes: Sequence[Node]) -> None:
    keys = [node.pk for node in nodes]
    assets = [asset.pk for asset in locked(Asset.objects.filter(links__data_source__node__in=keys))]
    Node.objects.filter(pk__in=keys).delete()
    for batch in _batches(assets):
        Asset.objects.filter(pk__in=batch, links=None).delete()


def _subtree(node: Node) -> list[Node]:
    """The node and all below it, whoever is further down first; nobody else changes them now."""
    nodes, level = [node], [node]
    below = Node.objects.select_for_update(of=("self",)).select_related("data_source")
    # Of thousands of nodes not all metadata and structures have to be in memory.
    below = below.only(
        "uuid", "path", "key", "parent", "structure_family", "data_source__management"
    )
    while level:
        level = [child for batch in _batches(level) for child in below.filter(parent__in=batch)]
        nodes += level
    return nodes[::-1]


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]


def _refuse_deletion(nodes: list[Node], *, recursive: bool, external_only: bool) -> None:
    if len(nodes) > 1 and not recursive:
        raise Conflict(
            "Cannot delete a node that is not empty. Delete its contents first or pass "
            "`recursive=True`."
        )
    if external_only and any(node.source and not node.source.external for node in nodes):
        raise Conflict(
            "Some items in this tree are internally managed. Deleting the records will also "
            "delete the underlying data files. If you want to delete them, pass "
            "external_only=False."
        )
