"""What nodes were described as before: looking at it, and forgetting it."""

from __future__ import annotations

from dataclasses import dataclass

from access.errors import NotFound

from ..columns import parts_refused
from ..models import Node, Revision
from ..nodes import resolve, split_path


@dataclass(frozen=True, slots=True)
class Revisions:
    """Some revisions of a node, the oldest first, and how many it has in all."""

    found: list[Revision]
    total: int


def list_revisions(*, path: str, offset: int, limit: int) -> Revisions:
    """At most `limit` revisions from number `offset` on, counted from 0.

    Raises NotFound, NotSupported (a column of a table).
    """
    revisions = _node(path).revisions.order_by("number")
    return Revisions(list(revisions[offset : offset + limit]), revisions.count())


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
