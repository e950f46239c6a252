"""Who may watch which stream. Everything that takes the database, in one go."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from access.credentials import anonymous, authenticate_key
from access.principals import Scope, require
from catalog.nodes import resolve_family
from tiled_client.wire.families import StructureFamily
from tiled_client.wire.structures import Structure

STREAMABLE = (StructureFamily.container, StructureFamily.array, StructureFamily.table)


@dataclass(frozen=True, slots=True)
class Watched:
    """A node that may be watched."""

    uuid: UUID
    structure: Structure | None


def needs_credentials() -> bool:
    """Whether nobody may watch anything without credentials."""
    return not anonymous().scopes


def admit(path: list[str], key: str | None) -> Watched:
    """The node at `path`, if `key` (or nobody) may read it.

    Raises Unauthorized for a wrong key or one without the scopes for both data and metadata, and
    NotFound where there is no node or one without a stream.
    """
    principal = anonymous() if key is None else authenticate_key(key)
    require(principal, Scope.read_data, Scope.read_metadata)
    node = resolve_family(path, *STREAMABLE)
    return Watched(node.uuid, node.structure)
