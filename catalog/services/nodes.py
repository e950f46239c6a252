"""Making and deleting nodes."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from access.errors import Conflict, Invalid, NotFound, NotSupported
from tiled_client.wire.families import StructureFamily

from ..events import ChildCreated, NodeDeleted, announce
from ..locks import node_lock
from ..models import PATH_BYTES, Asset, DataSource, Node
from ..nodes import resolve, split_path
from .assets import attach_asset
from .drafts import Draft
from .placement import Placement, place
from .stores import discard_folder


def create_node(*, parent_path: str, draft: Draft) -> Node:
    """Make a node under `parent_path`, with storage of the server's own where it has data.

    Raises NotFound (no parent), Invalid (the parent is no container), Conflict (the key is taken),
    UnsupportedMedia (a mimetype that the server does not write).
    """
    return _create(parent_path, draft, registered=False)


def register_node(*, parent_path: str, draft: Draft) -> Node:
    """Make a node whose data are files of somebody else's. Raises as create_node."""
    return _create(parent_path, draft, registered=True)


def _create(parent_path: str, draft: Draft, *, registered: bool) -> Node:
    with node_lock("/".join(split_path(parent_path))):
        node = _unsaved(resolve(parent_path), draft)
        placement = place(node.uuid, draft, registered=registered)
        try:
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


def _save(node: Node, placement: Placement | None) -> None:
    node.save(force_insert=True)
    if placement is None:
        return
    source = DataSource.objects.create(node=node, **placement.fields)
    for asset in placement.assets:
        attach_asset(source, asset)


def delete_node(*, path: str, recursive: bool = False, external_only: bool = True) -> None:
    """Delete a node, and with `recursive` what is below it; files of others are left alone.

    Raises NotFound, NotSupported (the root), Conflict (children, or data of the server's own that
    `external_only` protects).
    """
    segments = split_path(path)
    if not segments:
        raise NotSupported("This node does not support deletion.")
    with node_lock("/".join(segments[:-1])):
        deleted = _delete_rows(segments, recursive=recursive, external_only=external_only)
    for node in reversed(deleted):
        with node_lock(node.path):  # waits for a write that had begun, then clears up after it
            discard_folder(node.uuid)
            announce(NodeDeleted(node.ref))


def _delete_rows(segments: list[str], *, recursive: bool, external_only: bool) -> list[Node]:
    try:
        with transaction.atomic():
            nodes = _subtree(resolve(segments))
            _refuse_deletion(nodes, recursive=recursive, external_only=external_only)
            keys = [node.pk for node in nodes]
            assets = list(Asset.objects.filter(data_sources__node__in=keys))
            Node.objects.filter(pk__in=keys).delete()
            Asset.objects.filter(pk__in=[asset.pk for asset in assets], links=None).delete()
            return nodes
    except IntegrityError as error:
        raise Conflict(
            f"/{'/'.join(segments)} got new children while it was being deleted. Try again."
        ) from error


def _subtree(node: Node) -> list[Node]:
    nodes, level = [node], [node]
    while level:
        level = list(Node.objects.select_related("data_source").filter(parent__in=level))
        nodes += level
    return nodes


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
