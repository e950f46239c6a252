"""Container files, read through confined processes."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from tiled_client.wire.data_sources import Asset
from tiled_client.wire.slices import NDSlice
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure

from ..confined_processes import end_session
from ..encoding import Array
from ..errors import NotReady
from .formats import Entry, Tree
from .reader_results import as_array, as_entry, as_tables, items_to_json
from .readers import call
from .registry import format_of
from .sources import Sources


@contextmanager
def open_tree(
    mimetype: str,
    assets: Iterable[Asset],
    parameters: Mapping[str, Any],
    *,
    readable: Sequence[Path],
) -> Iterator[Tree]:
    """Open a container file lazily, at the first access to an entry.

    Raises Unsupported, OutsideReadable, NotReady; methods of the tree also raise MissingFile,
    Unreadable and NoSuchEntry.
    """
    format_of(mimetype, StructureFamily.container)
    sources = Sources.of(assets, parameters, readable)
    if not sources.paths:
        raise NotReady(
            "No file is registered for this container yet: register its assets, or retry later."
        )
    tree = _RemoteTree(mimetype, sources)
    try:
        yield tree
    finally:
        # Close the file: an open HDF5 file may be locked for its writer.
        end_session(tree.session)


@dataclass(frozen=True, slots=True)
class _RemoteTree:
    """A tree that is open in a confined process."""

    mimetype: str
    sources: Sources
    session: str = field(default_factory=lambda: uuid.uuid4().hex)

    def names(self, keys: Sequence[str]) -> list[str]:
        """Return the names in a group."""
        found, _ = self._call("tree.names", keys)
        return [str(name) for name in found]

    def entry(self, keys: Sequence[str]) -> Entry:
        """Return a group, an array or a table."""
        return as_entry(self._call("tree.entry", keys)[0])

    def read_array(self, keys: Sequence[str], structure: ArrayStructure, items: NDSlice) -> Array:
        """Read a part of an array."""
        wanted = {"structure": structure.to_json(), "items": items_to_json(items)}
        return as_array(self._call("tree.array", keys, **wanted), structure.dtype)

    def read_table(
        self, keys: Sequence[str], names: Sequence[str], rows: slice
    ) -> Iterator[pa.Table]:
        """Yield rows of a table."""
        wanted = {"mimetype": self.mimetype, "keys": list(keys), "names": list(names)}
        return as_tables("tree.rows", self.sources, wanted, rows)

    def _call(self, operation: str, keys: Sequence[str], **arguments: Any) -> Any:
        wanted = {"mimetype": self.mimetype, "keys": list(keys), **arguments}
        return call(operation, self.sources, wanted, self.session)
