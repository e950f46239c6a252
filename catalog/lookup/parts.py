"""A column of a table, which can be addressed as an array below the table.

Source: docs/reference/tiled-protocol/http.md, "Table endpoints", reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from core.errors import NotFound, NotSupported
from tiled_client.wire.structures import TableStructure

from ..models import Node
from .embedded import Inner, file_above, resolve_inner


@contextmanager
def parts_refused(segments: Sequence[str], what: str) -> Iterator[None]:
    """Say that a part of a node does not support `what`, where it is no node that can be found.

    Turns NotFound into NotSupported for a column of a table, and for what is inside a file.
    """
    try:
        yield
    except NotFound as error:
        if file_above(segments) is None and table_above(segments) is None:
            raise
        raise NotSupported(f"This node does not support {what}.") from error


def table_above(segments: Sequence[str]) -> Node | Inner | None:
    """Return the table of which the last of `segments` is a column."""
    if len(segments) < 2:
        return None
    *parent, name = segments
    try:
        table = resolve_inner(parent)
    except NotFound:
        return None
    structure = table.structure
    return table if isinstance(structure, TableStructure) and name in structure.columns else None
