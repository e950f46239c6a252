"""What a format of files is to the server: a `Format`, which says what can be read and how.

A format is one object, in one module, that knows nothing of the catalog. `register` makes it known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from tiled_client.wire.slices import NDSlice
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure, Structure

from ..encoding import Array
from .rows import TableFile
from .sources import Sources

SEQUENCE = "multipart/"
"""So begins the mimetype of a sequence of files."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A group, an array or a table within a file. `structure` is None for a group."""

    family: StructureFamily
    structure: Structure | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    specs: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Inspected:
    """What a file, or a sequence of files, should be registered as.

    `rows` is how many a table has by now.
    """

    family: StructureFamily
    mimetype: str
    structure: Structure | None
    parameters: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    specs: list[dict[str, Any]] = field(default_factory=list)
    rows: int | None = None


class Tree(Protocol):
    """An open file that holds others: `keys` lead from its top to what is meant.

    Each method raises NoSuchEntry where the keys lead nowhere, MissingFile where a link is broken,
    OutsideReadable where one leads to a file that may not be read, Unreadable.
    """

    def names(self, keys: Sequence[str]) -> list[str]:
        """Return the names in a group, in an order that stays; broken links have one, too."""
        ...

    def entry(self, keys: Sequence[str]) -> Entry:
        """What is there; the top is a group."""
        ...

    def read_array(self, keys: Sequence[str], structure: ArrayStructure, items: NDSlice) -> Array:
        """Return the part `items`, of at least one element, of an array."""
        ...

    def read_table(
        self, keys: Sequence[str], names: Sequence[str], rows: slice
    ) -> Iterator[pa.Table]:
        """Columns `names` of the rows number `rows`, piece by piece."""
        ...


ArrayReader = Callable[[Sources, ArrayStructure, NDSlice], Array]
"""Reads what `items`, of at least one element, select of an array of that structure."""

TableOpener = Callable[[Path, pa.Schema, Mapping[str, Any]], TableFile]
"""Looks at a partition's file, which need not exist yet, as rows of that schema."""

TreeOpener = Callable[[Sources], AbstractContextManager[Tree]]
"""Opens a file that holds others."""

Inspector = Callable[[Sources, str], Inspected]
"""Looks into a file, or into the first of a sequence, of that mimetype."""


@dataclass(frozen=True, slots=True)
class Format:
    """What can be read of files of these `mimetypes`; what is None, cannot.

    The first is that of a file whose name has one of the `extensions`, written in lower case. One
    that begins with `multipart/` is that of a sequence of files.
    Whatever a function raises that is no StorageError counts as a damaged file, or as one that is
    still arriving if it was just written to.
    """

    mimetypes: tuple[str, ...]
    extensions: tuple[str, ...] = ()
    read_array: ArrayReader | None = None
    open_table: TableOpener | None = None
    open_tree: TreeOpener | None = None
    inspect: Inspector | None = None

    @property
    def families(self) -> frozenset[StructureFamily]:
        """As nodes of which families these files can be registered."""
        known = {
            StructureFamily.array: self.read_array,
            StructureFamily.table: self.open_table,
            StructureFamily.container: self.open_tree,
        }
        return frozenset(family for family, function in known.items() if function)
