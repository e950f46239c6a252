"""A column of a table, which can be addressed as an array below the table.

Source: the wire, "Table endpoints", reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from core.errors import NotFound, NotSupported
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure, TableStructure

from ..models import Node
from ..services.arrays.dense import Array
from ..services.tables.reading import read_column
from .embedded import Inner, file_above, resolve_inner
from .nodes import split_path


@dataclass(frozen=True, slots=True)
class Column:
    """One column, seen as an array of one dimension; it has no metadata of its own."""

    table: Node | Inner
    key: str
    array: Array
    pk: None = None
    source: None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    specs: list[dict[str, Any]] = field(default_factory=list)
    family: StructureFamily = StructureFamily.array

    @property
    def structure(self) -> ArrayStructure:
        """What the column looks like as an array."""
        return ArrayStructure.from_array(self.array)

    @property
    def path(self) -> str:
        """The table's path, a slash and the column's name."""
        return f"{self.table.path}/{self.key}"

    @property
    def segments(self) -> list[str]:
        """The keys from the root to the column."""
        return [*self.table.segments, self.key]


def resolve_with_columns(path: str | Sequence[str]) -> Node | Inner | Column:
    """The node at `path`, of the catalog or inside a file, or the column of the table there.

    Raises NotFound, StorageError.
    """
    segments = split_path(path) if isinstance(path, str) else list(path)
    try:
        return resolve_inner(segments)
    except NotFound:
        column = _column(segments)
        if column is None:
            raise
        return column


@contextmanager
def parts_refused(segments: Sequence[str], what: str) -> Iterator[None]:
    """Say that a part of a node does not support `what`, where it is no node that can be found.

    Turns NotFound into NotSupported for a column of a table, and for what is inside a file.
    """
    try:
        yield
    except NotFound as error:
        if file_above(segments) is None and _table_above(segments) is None:
            raise
        raise NotSupported(f"This node does not support {what}.") from error


def _column(segments: Sequence[str]) -> Column | None:
    table = _table_above(segments)
    return Column(table, segments[-1], read_column(table, segments[-1])) if table else None


def _table_above(segments: Sequence[str]) -> Node | Inner | None:
    """The table that the last of `segments` is a column of."""
    if len(segments) < 2:
        return None
    *parent, name = segments
    try:
        table = resolve_inner(parent)
    except NotFound:
        return None
    structure = table.structure
    return table if isinstance(structure, TableStructure) and name in structure.columns else None
