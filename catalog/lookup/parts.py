"""Sub-nodes that are not stored: columns of tables, and nodes inside files.

Source: docs/reference/tiled-protocol/http.md, "Table endpoints", reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from core.errors import NotFound, NotSupported
from tiled_client.wire.structures import TableStructure

from ..models import Node
from .embedded import EmbeddedNode, enclosing_file, resolve_any


@contextmanager
def reject_sub_node(segments: Sequence[str], what: str) -> Iterator[None]:
    """Turn NotFound into NotSupported for a column of a table, and for a node inside a file.

    `what` names the operation for the message.
    """
    try:
        yield
    except NotFound as error:
        if enclosing_file(segments) is None and parent_table(segments) is None:
            raise
        raise NotSupported(f"This node does not support {what}.") from error


def parent_table(segments: Sequence[str]) -> Node | EmbeddedNode | None:
    """Return the table that has the last of `segments` as a column; None if there is none."""
    if len(segments) < 2:
        return None
    *parent, name = segments
    try:
        table = resolve_any(parent)
    except NotFound:
        return None
    structure = table.structure
    return table if isinstance(structure, TableStructure) and name in structure.columns else None
