"""Names of objects."""

from __future__ import annotations

import re
from uuid import UUID

MARK = ".site"
_NODE = re.compile(r"([0-9a-f]{2})/([0-9a-f]{32})/(.+)", re.DOTALL)


def node_folder(node: UUID) -> str:
    """Return the folder of the objects of a node: `ab/ab12…`."""
    return f"{node.hex[:2]}/{node.hex}"


def parse_name(name: str) -> tuple[UUID, str] | None:
    """Return the node of an object, and its name below that of the node; None for other names."""
    found = _NODE.fullmatch(name)
    if found is None or not found[2].startswith(found[1]):
        return None
    return UUID(found[2]), found[3]
