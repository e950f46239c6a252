"""A container and all that somebody may see below it, read as it is walked through."""

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

from ...lookup.embedded import Group, Inner, UnreadableEntry, group_of
from ...models import Node
from ...permissions.visibility import visible
from ...storage.errors import StorageError, Unsupported
from ..arrays.dense import Array, read_array
from ..tables.reading import ALL, RowSelection, select_rows
from .batches import Batch


@dataclass(frozen=True)
class Subtree:
    """A node, for whoever may see it, and what is below it, inside of files too.

    `fields` are the keys of the children that are wanted; None for all. `problem` is why what is
    below it cannot be looked at. `batch` is what it was loaded with.
    """

    node: Node | Inner | UnreadableEntry
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
        """The node's metadata, for whoever may read any."""
        may = Scope.read_metadata in self.principal.scopes
        metadata: Mapping[str, Any] = self.node.metadata if may else {}
        return metadata

    @property
    def structure(self) -> Structure | None:
        """What the data look like; None for a container."""
        return self.node.structure

    @cached_property
    def specs(self) -> tuple[str, ...]:
        """The names of the node's specs."""
        return tuple(spec["name"] for spec in self.node.specs)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, if it is a table; none of one whose structure cannot be understood."""
        try:
            structure = self.structure
        except WireError:
            return ()
        return structure.columns if isinstance(structure, TableStructure) else ()

    def read_array(self, items: NDSlice = ()) -> Array:
        """The part `items`, if it is an array. Raises as the service of that name, StorageError."""
        return read_array(self._readable(), items)

    def select_rows(self, columns: Sequence[str] | None = None, rows: slice = ALL) -> RowSelection:
        """The rows, if it is a table. Raises as the service of that name, StorageError."""
        return select_rows(self._readable(), columns, rows)

    def stored(self) -> Node:
        """The node of the catalog. Raises StorageError for what is inside a file."""
        node = self._readable()
        if isinstance(node, Node):
            return node
        raise Unsupported(f"A node of family {node.family} cannot be read from inside a file.")

    def children(self) -> Iterator[Subtree]:
        """Those that may be read, in the order in which they were made; none of other families."""
        if self.family is not StructureFamily.container:
            return
        group = group_of(self.node)
        if group is not None:
            for part in self._inside(group):
                yield replace(self, node=part, fields=None, problem=None, batch=None)
            return
        for node, batch in self._rows():
            yield replace(self, node=node, fields=None, problem=None, batch=batch)

    def walk(self) -> Iterator[tuple[int, Subtree]]:
        """This node and all below it, each before those that it holds, with how deep it lies.

        What is in a file below that cannot be opened is left out; its node has the `problem`.
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
        """Raise NotFound if one of the `fields` is no child that may be read."""
        if self.fields is None:
            return
        group = group_of(self.node)
        if group is None:
            known = set(self._wanted().values_list("key", flat=True))
        else:
            with group.opened() as tree:
                known = set(tree.names(group.keys))
        for name in self.fields:
            if name not in known:
                raise NotFound(f"No such entry: {[*self.node.segments, name]}")

    def _readable(self) -> Node | Inner:
        if isinstance(self.node, UnreadableEntry):
            raise self.node.problem
        return self.node

    def _rows(self) -> Iterator[tuple[Node, Batch]]:
        assert isinstance(self.node, Node)
        if self.batch is not None:
            return self.batch.children(self.node.pk)
        return Batch.pages(self._wanted(), self._readable_of)

    def _wanted(self) -> QuerySet[Node]:
        assert isinstance(self.node, Node)
        children = self._readable_of(Node.objects.filter(parent=self.node))
        return children if self.fields is None else children.filter(key__in=self.fields)

    def _readable_of(self, nodes: QuerySet[Node]) -> QuerySet[Node]:
        return visible(nodes, self.principal, Scope.read_metadata, Scope.read_data)

    def _inside(self, group: Group) -> list[Inner | UnreadableEntry]:
        with group.opened() as tree:
            return [
                group.child(tree, name)
                for name in tree.names(group.keys)
                if self.fields is None or name in self.fields
            ]
