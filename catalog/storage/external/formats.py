"""File formats: a `Format` has the functions that read and inspect files of some mimetypes.

A format is one object in one module, independent of the catalog. `register` adds it.
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
"""Prefix of the mimetype of a sequence of files."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A group, an array or a table within a file. `structure` is None for a group."""

    family: StructureFamily
    structure: Structure | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    specs: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Inspected:
    """The description of a file, or of a sequence of files, for its registration.

    `rows` is the current number of rows of a table.
    """

    family: StructureFamily
    mimetype: str
    structure: Structure | None
    parameters: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    specs: list[dict[str, Any]] = field(default_factory=list)
    rows: int | None = None


class Tree(Protocol):
    """An open container file; `keys` are the path from its root to an entry.

    Each method raises NoSuchEntry for a path without entry, MissingFile for a broken link,
    OutsideReadable for a link to a file outside the readable folders, Unreadable.
    """

    def names(self, keys: Sequence[str]) -> list[str]:
        """Return the names in a group in a stable order, including those of broken links."""
        ...

    def entry(self, keys: Sequence[str]) -> Entry:
        """Return the entry at `keys`; the root is a group."""
        ...

    def read_array(self, keys: Sequence[str], structure: ArrayStructure, items: NDSlice) -> Array:
        """Read the part `items`, of at least one element, of an array."""
        ...

    def read_table(
        self, keys: Sequence[str], names: Sequence[str], rows: slice
    ) -> Iterator[pa.Table]:
        """Yield the columns `names` of the range `rows`, chunk by chunk."""
        ...


ArrayReader = Callable[[Sources, ArrayStructure, NDSlice], Array]
"""Reads what `items`, of at least one element, select of an array of that structure."""

TableOpener = Callable[[Path, pa.Schema, Mapping[str, Any]], TableFile]
"""Opens a partition's file, which need not exist yet, as rows of that schema."""

TreeOpener = Callable[[Sources], AbstractContextManager[Tree]]
"""Opens a container file."""

Inspector = Callable[[Sources, str], Inspected]
"""Inspects a file, or the first of a sequence, of that mimetype."""


@dataclass(frozen=True, slots=True)
class Format:
    """The functions for files of these `mimetypes`; None for what the format does not support.

    The first mimetype is detected by the `extensions`, in lower case. One that begins with
    `multipart/` is for a sequence of files. An exception other than StorageError counts as a
    damaged file or, if the file was modified just now, as one that is still being written.
    """

    mimetypes: tuple[str, ...]
    extensions: tuple[str, ...] = ()
    read_array: ArrayReader | None = None
    open_table: TableOpener | None = None
    open_tree: TreeOpener | None = None
    inspect: Inspector | None = None

    @property
    def families(self) -> frozenset[StructureFamily]:
        """The structure families that these files can be registered as."""
        known = {
            StructureFamily.array: self.read_array,
            StructureFamily.table: self.open_table,
            StructureFamily.container: self.open_tree,
        }
        return frozenset(family for family, function in known.items() if function)
