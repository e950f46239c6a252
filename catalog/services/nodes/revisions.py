"""List and delete revisions: earlier metadata and specs of nodes."""

from __future__ import annotations

from dataclasses import dataclass

from core.audit import audit
from core.bounds import bounds
from core.errors import NotFound

from ...lookup.nodes import resolve, split_path
from ...lookup.parts import reject_sub_node
from ...models import Node, Revision
from ...queries.sizes import fitting_revisions


@dataclass(frozen=True, slots=True)
class Revisions:
    """Some revisions of a node, oldest first, and the total number."""

    found: list[Revision]
    total: int


def list_revisions(*, path: str, offset: int, limit: int) -> Revisions:
    """Return at most `limit` revisions, starting at number `offset`, counted from 0.

    Fewer are returned if they would exceed `bounds.listing`, but at least one.

    Raises NotFound, NotSupported (a column of a table).
    """
    revisions = _node(path).revisions.order_by("number")
    ids = list(revisions.values_list("pk", flat=True)[offset : offset + limit])
    ids = ids[: fitting_revisions(ids, bounds().listing)]
    return Revisions(list(revisions.filter(pk__in=ids)), revisions.count())


def delete_revision(*, path: str, number: int) -> None:
    """Delete one revision. Raises NotFound (also without that revision), NotSupported."""
    node = _node(path)
    deleted, _ = node.revisions.filter(number=number).delete()
    if not deleted:
        raise NotFound(f"No revision {number} for node {node.pk}")
    audit("revision_deleted", path=f"/{node.path}", number=number)


def _node(path: str) -> Node:
    segments = split_path(path)
    with reject_sub_node(segments, "revisions"):
        return resolve(segments)
