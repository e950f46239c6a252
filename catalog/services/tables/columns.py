"""Columns of tables as one-dimensional arrays.

Source: docs/reference/tiled-protocol/http.md, "Table endpoints".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from core.errors import NotFound
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure

from ...lookup.embedded import EmbeddedNode, resolve_any
from ...lookup.nodes import split_path
from ...lookup.parts import parent_table
from ...models import Node
from ...storage.encoding import Array
from .reading import read_column


@dataclass(frozen=True, slots=True)
class Column:
    """One column as a one-dimensional array; it has no metadata."""

    table: Node | EmbeddedNode
    key: str
    array: Array
    pk: None = None
    source: None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    specs: list[dict[str, Any]] = field(default_factory=list)
    family: StructureFamily = StructureFamily.array

    @property
    def structure(self) -> ArrayStructure:
        """The structure of the column as an array."""
        return ArrayStructure.from_array(self.array)

    @property
    def path(self) -> str:
        """The table's path, a slash and the column's name."""
        return f"{self.table.path}/{self.key}"

    @property
    def segments(self) -> list[str]:
        """The keys from the root to the column."""
        return [*self.table.segments, self.key]


def resolve_with_columns(path: str | Sequence[str]) -> Node | EmbeddedNode | Column:
    """Return the node at `path`, in the catalog or inside a file, or the column of a table.

    Raises NotFound, StorageError.
    """
    segments = split_path(path) if isinstance(path, str) else list(path)
    try:
        return resolve_any(segments)
    except NotFound:
        column = _column(segments)
        if column is None:
            raise
        return column


def _column(segments: Sequence[str]) -> Column | None:
    table = parent_table(segments)
    return Column(table, segments[-1], read_column(table, segments[-1])) if table else None
