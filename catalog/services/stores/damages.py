"""What a verification of stored data finds, whatever the kind of storage."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

NO_DATA, LOST_CHUNK, UNREADABLE = "no-data", "lost-chunk", "unreadable"


class ArrayDamage(NamedTuple):
    """Damage of an array: of a `chunk`, or of all of it. `place` is of the file or object.

    `kind` is one of the names above.
    """

    kind: str
    detail: str
    place: str
    chunk: tuple[int, ...] | None = None


class Leftover(NamedTuple):
    """Stored data that belong to no node (`path` None), or to no row of a node."""

    node: UUID
    path: str | None
    detail: str
    place: str
