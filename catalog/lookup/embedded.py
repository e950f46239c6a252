"""Nodes inside registered files that contain others: read-only, without rows in the database.

They are looked up in the file at each request; the catalog stores only the file's own node.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from core.errors import NotFound, NotSupported
from tiled_client.wire.slices import NDSlice
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure, Structure

from ..config import storage_settings
from ..models import Node
from ..storage import external
from ..storage.encoding import Array
from ..storage.errors import NoSuchEntry, StorageError
from .nodes import check_family, no_such_entry, resolve, split_path


@dataclass(frozen=True, slots=True)
class EmbeddedNode:
    """A group, an array or a table at `keys` in the file of `host`."""

    host: Node
    keys: tuple[str, ...]
    entry: external.Entry
    pk: None = None
    source: None = None

    @property
    def key(self) -> str:
        """The name in its group."""
        return self.keys[-1]

    @property
    def family(self) -> StructureFamily:
        """The structure family."""
        return self.entry.family

    @property
    def structure(self) -> Structure | None:
        """The structure of the data; None for a group."""
        return self.entry.structure

    @property
    def metadata(self) -> dict[str, Any]:
        """The attributes in the file."""
        return self.entry.metadata

    @property
    def specs(self) -> list[dict[str, Any]]:
        """The specs that the reader of the file's format detected."""
        return self.entry.specs

    @property
    def path(self) -> str:
        """The host's path followed by the keys."""
        return "/".join(self.segments)

    @property
    def segments(self) -> list[str]:
        """The keys from the root to this node."""
        return [*self.host.segments, *self.keys]


@dataclass(frozen=True, slots=True)
class UnreadableEntry:
    """An entry in the file of `host` that cannot be described, for the reason `problem`."""

    host: Node
    keys: tuple[str, ...]
    problem: StorageError
    family: StructureFamily = StructureFamily.bytes
    pk: None = None
    source: None = None
    structure: None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    specs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The name in its group."""
        return self.keys[-1]

    @property
    def path(self) -> str:
        """The host's path followed by the keys."""
        return "/".join(self.segments)

    @property
    def segments(self) -> list[str]:
        """The keys from the root to this entry."""
        return [*self.host.segments, *self.keys]


@dataclass(frozen=True, slots=True)
class Group:
    """A group in a file. The file's top-level group has no keys and is a node of the catalog."""

    host: Node
    keys: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """The host's path followed by the keys."""
        return "/".join([*self.host.segments, *self.keys])

    def open(self) -> AbstractContextManager[external.Tree]:
        """Open the file. Raises StorageError."""
        return open_file_tree(self.host)

    def child(self, tree: external.Tree, name: str) -> EmbeddedNode | UnreadableEntry:
        """Return the entry `name`. One that cannot be described does not raise: others follow."""
        keys = (*self.keys, name)
        try:
            return EmbeddedNode(self.host, keys, tree.entry(keys))
        except StorageError as error:
            return UnreadableEntry(self.host, keys, error)


def group_of(node: object) -> Group | None:
    """Return the node as a group, if it is one: a file that contains others, or a group in it."""
    if getattr(node, "family", None) is not StructureFamily.container:
        return None
    if isinstance(node, EmbeddedNode):
        return Group(node.host, node.keys)
    return Group(node) if isinstance(node, Node) and node.source is not None else None


@contextmanager
def open_file_tree(host: Node) -> Iterator[external.Tree]:
    """Open the file of a node that contains others. Raises StorageError."""
    source = host.source
    assert source is not None
    with external.open_tree(
        source.mimetype,
        source.wire_assets(),
        source.parameters,
        readable=storage_settings().readable,
    ) as tree:
        yield tree


def enclosing_file(path: str | Sequence[str]) -> Node | None:
    """Return the node on the way to `path` whose file contains others, if there is one."""
    segments = split_path(path) if isinstance(path, str) else list(path)
    ancestors = ["/".join(segments[:length]) for length in range(1, len(segments))]
    if not ancestors or "\0" in ancestors[-1]:
        return None
    containers = Node.objects.filter(structure_family=StructureFamily.container)
    files = containers.filter(path__in=ancestors, data_source__isnull=False)
    return files.select_related("data_source").first()


def reject_embedded(path: str | Sequence[str]) -> None:
    """Raise NotSupported if `path` is inside a file, which is read-only."""
    host = enclosing_file(path)
    if host is not None:
        raise NotSupported(f"This node is inside the file at {host}, which is read-only.")


def resolve_any(path: str | Sequence[str], *families: StructureFamily) -> Node | EmbeddedNode:
    """Return the node at `path`, in the catalog or in a file; of one of `families`, if given.

    Raises NotFound, StorageError.
    """
    node = _resolve(split_path(path) if isinstance(path, str) else list(path))
    if families:
        check_family(node.path, node.family, families)
    return node


def _resolve(segments: list[str]) -> Node | EmbeddedNode:
    try:
        return resolve(segments)
    except NotFound:
        host = enclosing_file(segments)
        if host is None:
            raise
    keys = tuple(segments[len(host.segments) :])
    try:
        with open_file_tree(host) as tree:
            return EmbeddedNode(host, keys, tree.entry(keys))
    except NoSuchEntry as error:
        raise no_such_entry(segments) from error


def find_unreadable_entry(path: str | Sequence[str]) -> UnreadableEntry | None:
    """Return the entry at `path` inside a file if its group lists it but it cannot be described.

    Raises StorageError if the group cannot be read either.
    """
    segments = split_path(path) if isinstance(path, str) else list(path)
    host = enclosing_file(segments)
    if host is None:
        return None
    *keys, name = segments[len(host.segments) :]
    group = Group(host, tuple(keys))
    with open_file_tree(host) as tree:
        found = group.child(tree, name) if name in tree.names(keys) else None
    return found if isinstance(found, UnreadableEntry) else None


def read_embedded_array(node: EmbeddedNode, items: NDSlice) -> Array:
    """Return the selection `items`, of at least one element, of an array in a file."""
    assert isinstance(node.structure, ArrayStructure)
    with open_file_tree(node.host) as tree:
        return tree.read_array(node.keys, node.structure, items)


def iter_embedded_rows(node: EmbeddedNode, names: Sequence[str], rows: slice) -> Iterator[pa.Table]:
    """Iterate over the rows `rows` of a table inside a file, with the columns `names`."""
    with open_file_tree(node.host) as tree:
        yield from tree.read_table(node.keys, names, rows)
