"""A container and all that somebody may see below it, read as it is walked through."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from access.errors import NotFound
from access.principals import Principal, Scope
from tiled_client.wire.families import StructureFamily
from tiled_client.wire.structures import Structure, TableStructure

from ..models import Node
from ..visibility import visible

# Children are fetched so many at a time.
PAGE = 200


@dataclass(frozen=True)
class Subtree:
    """A node, for whoever may see it, and what is below it.

    `fields` are the keys of the children that are wanted; None for all.
    """

    node: Node
    principal: Principal
    fields: Collection[str] | None = None

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
        """The columns, if it is a table."""
        structure = self.structure
        wanted = self.fields
        if not isinstance(structure, TableStructure):
            return ()
        return tuple(name for name in structure.columns if wanted is None or name in wanted)

    def children(self) -> Iterator[Subtree]:
        """Those that may be read, in the order in which they were made; none of other families."""
        if self.family is not StructureFamily.container:
            return
        nodes = self._children().select_related("data_source").order_by("pk")
        last = 0
        while True:
            page = list(nodes.filter(pk__gt=last)[:PAGE])
            for node in page:
                yield replace(self, node=node, fields=None)
            if len(page) < PAGE:
                return
            last = page[-1].pk

    def walk(self) -> Iterator[tuple[int, Subtree]]:
        """This node and all below it, each before those that it holds, with how deep it lies."""
        pending: list[Iterator[Subtree]] = [iter([self])]
        while pending:
            node = next(pending[-1], None)
            if node is None:
                pending.pop()
                continue
            yield len(pending) - 1, node
            pending.append(node.children())

    def child(self, key: str) -> Subtree | None:
        """The child of that key, if there is one that may be read."""
        node = self._children().select_related("data_source").filter(key=key).first()
        return None if node is None else replace(self, node=node, fields=None)

    def check_fields(self) -> None:
        """Raise NotFound if one of the `fields` is no child that may be read."""
        if self.fields is None:
            return
        known = set(self._children().values_list("key", flat=True))
        for name in self.fields:
            if name not in known:
                raise NotFound(f"No such entry: {[*self.node.segments, name]}")

    def _children(self) -> Any:
        nodes = visible(
            Node.objects.filter(parent=self.node),
            self.principal,
            Scope.read_metadata,
            Scope.read_data,
        )
        return nodes if self.fields is None else nodes.filter(key__in=self.fields)
