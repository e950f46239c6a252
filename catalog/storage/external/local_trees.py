"""Container files, opened in the confined process that reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import pyarrow as pa

from tiled_client.wire.slices import NDSlice
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure

from ..encoding import Array
from .conversion import convert
from .error_translation import translate_errors
from .formats import Entry, Tree
from .registry import format_of
from .sources import Sources


@contextmanager
def open_local_tree(mimetype: str, sources: Sources) -> Iterator[Tree]:
    """Open a container file.

    Raises Unsupported, OutsideReadable, MissingFile, NotReady (still being written), Unreadable;
    methods of the tree raise these and NoSuchEntry.
    """
    opener = format_of(mimetype, StructureFamily.container).open_tree
    assert opener is not None
    with translate_errors(sources.paths[0], sources.paths), opener(sources) as tree:
        yield _ErrorTranslatingTree(tree, sources)


@dataclass(frozen=True, slots=True)
class _ErrorTranslatingTree:
    """A tree that translates errors of its file library to a StorageError, entry by entry."""

    tree: Tree
    sources: Sources

    def names(self, keys: Sequence[str]) -> list[str]:
        with self._translate_errors():
            return self.tree.names(keys)

    def entry(self, keys: Sequence[str]) -> Entry:
        with self._translate_errors():
            return self.tree.entry(keys)

    def read_array(self, keys: Sequence[str], structure: ArrayStructure, items: NDSlice) -> Array:
        with self._translate_errors():
            return convert(self.tree.read_array(keys, structure, items), structure.dtype)

    def read_table(
        self, keys: Sequence[str], names: Sequence[str], rows: slice
    ) -> Iterator[pa.Table]:
        with self._translate_errors():
            yield from self.tree.read_table(keys, names, rows)

    def _translate_errors(self) -> AbstractContextManager[None]:
        return translate_errors(self.sources.paths[0], self.sources.paths)
