"""Report stored data that belong to no node, or to no row of their node."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from ..stores.site import storage
from .problems import Problem, ProblemKind


def verify_leftovers(*, min_age: float) -> Iterator[Problem]:
    """Yield the data of no node, and of no row, that are `min_age` seconds old."""
    for left in storage().leftovers(min_age):
        kind = ProblemKind.NO_NODE if left.path is None else ProblemKind.NO_ROW
        yield Problem(kind, left.detail, left.path or "", left.node.hex, left.place)


def move_orphan(problem: Problem, *, min_age: float) -> str | None:
    """Move the data of no node out of the way; return where they are then, or None."""
    return storage().move_orphan(uuid.UUID(problem.node), min_age)
