"""A container and its descendants that a principal may see, read lazily."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, islice
from typing import Any

from django.db.models import QuerySet

from access.principals import Principal, Scope
from core.errors import NotFound
from tiled_client.wire.errors import WireError
from tiled_client.wire.slices import NDSlice
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import Structure, TableStructure

from ...lookup.embedded import EmbeddedNode, Group, UnreadableEntry, group_of
from ...models import Node
from ...permissions.visibility import filter_visible
from ...storage.errors import StorageError, Unsupported
from ..arrays.dense import Array, read_array
from ..tables.reading import ALL, RowSelection, select_rows
from .batches import Batch


@dataclass(frozen=True)
class Subtree:
    """A node, seen by a principal, and its descendants, including those inside files.

    `fields` restricts the children to these keys; None selects all. `problem` is why the
    descendants cannot be read. `batch` is the batch that the node was loaded with.
    """

    node: Node | EmbeddedNode | UnreadableEntry
    principal: Principal
    fields: Collection[str] | None = None
    problem: StorageError | None = None
    batch: Batch | None = field(default=None, repr=False, compare=False)

    @property
    def key(self) -> str:
        """The node's key; empty for the root."""
        return self.node.key

    @property
    def family(self) -> StructureFamily:
        """The kind of node."""
        return self.node.family

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The node's metadata; empty unless the principal has `read:metadata`."""
        may = Scope.read_metadata in self.principal.scopes
        metadata: Mapping[str, Any] = self.node.metadata if may else {}
        return metadata

    @property
    def structure(self) -> Structure | None:
        """The structure of the data; None for a container."""
        return self.node.structure

    @cached_property
    def specs(self) -> tuple[str, ...]:
        """The names of the node's specs."""
        return tuple(spec["name"] for spec in self.node.specs)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a table; empty for other nodes and for an invalid structure."""
        try:
            structure = self.structure
        except WireError:
            return ()
        return structure.columns if isinstance(structure, TableStructure) else ()

    def read_array(self, items: NDSlice = ()) -> Array:
        """Return the part `items` of an array. Raises as the service of that name, StorageError."""
        return read_array(self._readable(), items)

    def select_rows(self, columns: Sequence[str] | None = None, rows: slice = ALL) -> RowSelection:
        """Select rows of a table. Raises as the service of that name, StorageError."""
        return select_rows(self._readable(), columns, rows)

    def stored(self) -> Node:
        """Return the node of the catalog. Raises StorageError for a node inside a file."""
        node = self._readable()
        if isinstance(node, Node):
            return node
        raise Unsupported(f"A node of family {node.family} cannot be read from inside a file.")

    def children(self) -> Iterator[Subtree]:
        """Iterate over the readable children in order of creation; other families have none."""
        if self.family is not StructureFamily.container:
            return
        group = group_of(self.node)
        if group is not None:
            for part in self._embedded_children(group):
                yield replace(self, node=part, fields=None, problem=None, batch=None)
            return
        for node, batch in self._rows():
            yield replace(self, node=node, fields=None, problem=None, batch=batch)

    def walk(self) -> Iterator[tuple[int, Subtree]]:
        """Iterate over this node and its descendants in pre-order, each with its depth.

        The contents of a file that cannot be opened are left out; its node has the
        `problem`.
        """
        pending: list[Iterator[Subtree]] = [iter([self])]
        while pending:
            node = next(pending[-1], None)
            if node is None:
                pending.pop()
                continue
            below = node.children()
            try:
                first = list(islice(below, 1))
            except StorageError as error:
                if node.node is self.node:
                    raise
                node, first = replace(node, problem=error), []
            yield len(pending) - 1, node
            pending.append(chain(first, below))

    def check_fields(self) -> None:
        """Raise NotFound if one of the `fields` is not a readable child."""
        if self.fields is None:
            return
        group = group_of(self.node)
        if group is None:
            known = set(self._selected_children().values_list("key", flat=True))
        else:
            with group.open() as tree:
                known = set(tree.names(group.keys))
        for name in self.fields:
            if name not in known:
                raise NotFound(f"No such entry: {[*self.node.segments, name]}")

    def _readable(self) -> Node | EmbeddedNode:
        if isinstance(self.node, UnreadableEntry):
            raise self.node.problem
        return self.node

    def _rows(self) -> Iterator[tuple[Node, Batch]]:
        assert isinstance(self.node, Node)
        if self.batch is not None:
            return self.batch.children(self.node.pk)
        return Batch.pages(self._selected_children(), self._readable_of)

    def _selected_children(self) -> QuerySet[Node]:
        assert isinstance(self.node, Node)
        children = self._readable_of(Node.objects.filter(parent=self.node))
        return children if self.fields is None else children.filter(key__in=self.fields)

    def _readable_of(self, nodes: QuerySet[Node]) -> QuerySet[Node]:
        return filter_visible(nodes, self.principal, Scope.read_metadata, Scope.read_data)

    def _embedded_children(self, group: Group) -> list[EmbeddedNode | UnreadableEntry]:
        with group.open() as tree:
            return [
                group.child(tree, name)
                for name in tree.names(group.keys)
                if self.fields is None or name in self.fields
            ]
