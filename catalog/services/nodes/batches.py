"""Load the children of many containers with one query instead of one query each.

A walk through a tree visits the nodes of a batch one after the other, and requests the children of
each. At the first request, the children of as many containers of the batch as fit are loaded: they
are the next batch. A container with more children than that is read in pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from django.db.models import QuerySet

from core.bounds import bounds
from tiled_client.wire.structure_family import StructureFamily

from ...models import Node
from ...queries.sizes import count_fitting

# Nodes per page, and children that are loaded together.
PAGE, TOGETHER = 200, 1000

Visible = Callable[[QuerySet[Node]], QuerySet[Node]]


class Batch:
    """Nodes that were loaded together, and their children, once requested."""

    def __init__(self, nodes: Sequence[Node], visible: Visible) -> None:
        """Create a batch; `visible` filters nodes by the caller's permissions."""
        self.nodes = nodes
        self._visible = visible
        self._containers = [
            node.pk
            for node in nodes
            if node.family is StructureFamily.container and not node.source
        ]
        # Loaded children, by parent.
        self._children: dict[int, list[Node]] = {}
        self._below: Batch | None = None

    def children(self, parent: int) -> Iterator[tuple[Node, Batch]]:
        """Iterate over the children of one of the containers, each with its batch."""
        if parent not in self._children:
            self._load_from(parent)
        if parent not in self._children:
            yield from self.pages(Node.objects.filter(parent_id=parent), self._visible)
            return
        below = self._below
        assert below is not None
        for child in self._children.pop(parent):
            yield child, below

    @classmethod
    def pages(cls, nodes: QuerySet[Node], visible: Visible) -> Iterator[tuple[Node, Batch]]:
        """Iterate over any number of nodes in order of creation, loading a page at a time."""
        last = 0
        while True:
            after = visible(nodes).filter(pk__gt=last).order_by("pk")
            ids = list(after.values_list("pk", flat=True)[:PAGE])
            if not ids:
                return
            ids = ids[: count_fitting(ids, bounds().listing)]
            batch = cls(_load(ids), visible)
            for node in batch.nodes:
                yield node, batch
            last = ids[-1]

    def _load_from(self, parent: int) -> None:
        """Load the children of this container and of as many after it as fit together."""
        if parent not in self._containers:
            return
        # The containers before this one were visited already.
        self._containers = self._containers[self._containers.index(parent) :]
        parents = self._containers[:PAGE]
        children = self._visible(Node.objects.filter(parent__in=parents)).order_by(
            "parent_id", "pk"
        )
        found = list(children.values_list("parent_id", "pk")[: TOGETHER + 1])
        fit = count_fitting([pk for _, pk in found[:TOGETHER]], bounds().listing)
        whole = len(found) == fit
        # The children of the last parent may not all be among them.
        cut = None if whole else found[fit][0]
        ids = [pk for owner, pk in found if cut is None or owner < cut]
        nodes = _load(ids)
        self._below = Batch(nodes, self._visible)
        self._children = {pk: [] for pk in sorted(parents) if cut is None or pk < cut}
        for node in nodes:
            assert node.parent_id is not None
            self._children[node.parent_id].append(node)


def _load(ids: Sequence[int]) -> list[Node]:
    """Return the nodes with these ids, in that order, with their data sources."""
    found = Node.objects.select_related("data_source").filter(pk__in=ids)
    by_id = {node.pk: node for node in found}
    return [by_id[pk] for pk in ids if pk in by_id]
