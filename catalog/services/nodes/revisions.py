"""What nodes were described as before: looking at it, and forgetting it."""

from __future__ import annotations

from dataclasses import dataclass

from core.bounds import bounds
from core.errors import NotFound

from ...lookup.nodes import resolve, split_path
from ...lookup.parts import parts_refused
from ...models import Node, Revision
from ...queries.sizes import fitting_revisions


@dataclass(frozen=True, slots=True)
class Revisions:
    """Some revisions of a node, the oldest first, and how many it has in all."""

    found: list[Revision]
    total: int


def list_revisions(*, path: str, offset: int, limit: int) -> Revisions:
    """At most `limit` revisions from number `offset` on, counted from 0.

    There are fewer where they would be larger than `bounds.listing`, but at least one.

    Raises NotFound, NotSupported (a column of a table).
    """
    revisions = _node(path).revisions.order_by("number")
    ids = list(revisions.values_list("pk", flat=True)[offset : offset + limit])
    ids = ids[: fitting_revisions(ids, bounds().listing)]
    return Revisions(list(revisions.filter(pk__in=ids)), revisions.count())


def delete_revision(*, path: str, number: int) -> None:
    """Forget one revision. Raises NotFound (also without that revision), NotSupported."""
    node = _node(path)
    deleted, _ = node.revisions.filter(number=number).delete()
    if not deleted:
        raise NotFound(f"No revision {number} for node {node.pk}")


def _node(path: str) -> Node:
    segments = split_path(path)
    with parts_refused(segments, "revisions"):
        return resolve(segments)
