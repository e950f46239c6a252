"""References to nodes, by which events and services name a node without its row."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from tiled_client.wire.structure_family import StructureFamily


@dataclass(frozen=True, slots=True)
class NodeRef:
    """A node: its `uuid`, which is never reused, and its `path` (empty for the root)."""

    uuid: uuid.UUID
    path: str
    structure_family: StructureFamily
