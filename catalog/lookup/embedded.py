"""What lies inside a registered file that holds others: read-only nodes without rows of their own.

They are looked up in the file each time; the catalog knows the file alone.
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
class Inner:
    """A group, an array or a table at `keys` in the file of `host`."""

    host: Node
    keys: tuple[str, ...]
    entry: external.Entry
    pk: None = None
    source: None = None

    @property
    def key(self) -> str:
        """Its name in its group."""
        return self.keys[-1]

    @property
    def family(self) -> StructureFamily:
        """The kind of node."""
        return self.entry.family

    @property
    def structure(self) -> Structure | None:
        """What the data look like, or None for a group."""
        return self.entry.structure

    @property
    def metadata(self) -> dict[str, Any]:
        """The attributes that it has in the file."""
        return self.entry.metadata

    @property
    def specs(self) -> list[dict[str, Any]]:
        """What its format knows it to be."""
        return self.entry.specs

    @property
    def path(self) -> str:
        """The host's path, and the keys."""
        return "/".join(self.segments)

    @property
    def segments(self) -> list[str]:
        """The keys from the root to it."""
        return [*self.host.segments, *self.keys]


@dataclass(frozen=True, slots=True)
class UnreadableEntry:
    """What the file of `host` has a name for, and cannot be described; `problem` says why."""

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
        """Its name in its group."""
        return self.keys[-1]

    @property
    def path(self) -> str:
        """The host's path, and the keys."""
        return "/".join(self.segments)

    @property
    def segments(self) -> list[str]:
        """The keys from the root to it."""
        return [*self.host.segments, *self.keys]


@dataclass(frozen=True, slots=True)
class Group:
    """A group in a file; the top of it has no keys, and is a node of the catalog."""

    host: Node
    keys: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """The host's path, and the keys."""
        return "/".join([*self.host.segments, *self.keys])

    def opened(self) -> AbstractContextManager[external.Tree]:
        """Open the file. Raises StorageError."""
        return opened(self.host)

    def child(self, tree: external.Tree, name: str) -> Inner | UnreadableEntry:
        """Look at what it has under `name`: an entry that cannot be described hides no other."""
        keys = (*self.keys, name)
        try:
            return Inner(self.host, keys, tree.entry(keys))
        except StorageError as error:
            return UnreadableEntry(self.host, keys, error)


def group_of(node: object) -> Group | None:
    """Return the node as a group, if it is one: a file that contains others, or a group in it."""
    if getattr(node, "family", None) is not StructureFamily.container:
        return None
    if isinstance(node, Inner):
        return Group(node.host, node.keys)
    return Group(node) if isinstance(node, Node) and node.source is not None else None


@contextmanager
def opened(host: Node) -> Iterator[external.Tree]:
    """Open the file of a node that holds others. Raises StorageError."""
    source = host.source
    assert source is not None
    with external.open_tree(
        source.mimetype,
        source.wire_assets(),
        source.parameters,
        readable=storage_settings().readable,
    ) as tree:
        yield tree


def file_above(path: str | Sequence[str]) -> Node | None:
    """Return the node on the way to `path` whose file contains others, if there is one."""
    segments = split_path(path) if isinstance(path, str) else list(path)
    above = ["/".join(segments[:length]) for length in range(1, len(segments))]
    if not above or "\0" in above[-1]:
        return None
    containers = Node.objects.filter(structure_family=StructureFamily.container)
    files = containers.filter(path__in=above, data_source__isnull=False)
    return files.select_related("data_source").first()


def refuse_inner(path: str | Sequence[str]) -> None:
    """Raise NotSupported for what is inside a file: it is only read."""
    host = file_above(path)
    if host is not None:
        raise NotSupported(f"This node is inside the file at {host}, which is only read here.")


def resolve_inner(path: str | Sequence[str]) -> Node | Inner:
    """Return the node at `path`, of the catalog or in a file. Raises NotFound, StorageError."""
    segments = split_path(path) if isinstance(path, str) else list(path)
    try:
        return resolve(segments)
    except NotFound:
        host = file_above(segments)
        if host is None:
            raise
    keys = tuple(segments[len(host.segments) :])
    try:
        with opened(host) as tree:
            return Inner(host, keys, tree.entry(keys))
    except NoSuchEntry as error:
        raise no_such_entry(segments) from error


def broken_at(path: str | Sequence[str]) -> UnreadableEntry | None:
    """Return what is at `path` inside a file, if its group lists it, and it cannot be described.

    Raises StorageError where the group cannot be read either.
    """
    segments = split_path(path) if isinstance(path, str) else list(path)
    host = file_above(segments)
    if host is None:
        return None
    *keys, name = segments[len(host.segments) :]
    group = Group(host, tuple(keys))
    with opened(host) as tree:
        found = group.child(tree, name) if name in tree.names(keys) else None
    return found if isinstance(found, UnreadableEntry) else None


def resolve_readable(path: str | Sequence[str], *families: StructureFamily) -> Node | Inner:
    """As `resolve_inner`, of one of `families`. Raises NotFound, StorageError."""
    node = resolve_inner(path)
    check_family(node.path, node.family, families)
    return node


def read_inner_array(node: Inner, items: NDSlice) -> Array:
    """Return the part `items`, of at least one element, of an array in a file."""
    assert isinstance(node.structure, ArrayStructure)
    with opened(node.host) as tree:
        return tree.read_array(node.keys, node.structure, items)


def iter_inner_rows(node: Inner, names: Sequence[str], rows: slice) -> Iterator[pa.Table]:
    """Columns `names` of the rows number `rows` of a table inside a file."""
    with opened(node.host) as tree:
        yield from tree.read_table(node.keys, names, rows)
