"""Children of many containers, loaded with one query for all of them instead of one for each.

Whoever walks through a tree meets the nodes of a batch one after the other, and asks for the
children of each. The first time, the children of all containers in the batch are loaded that fit:
they are the next batch. A container with more children than that is read by pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from django.db.models import QuerySet

from core.bounds import bounds
from tiled_client.wire.structure_family import StructureFamily

from ...models import Node
from ...queries.sizes import count_fitting

# Of one page, and of the children that are loaded together.
PAGE, TOGETHER = 200, 1000

Visible = Callable[[QuerySet[Node]], QuerySet[Node]]


class Batch:
    """Nodes that were loaded together, and their children, once they are asked for."""

    def __init__(self, nodes: Sequence[Node], visible: Visible) -> None:
        """`visible` leaves of nodes those that may be read."""
        self.nodes = nodes
        self._visible = visible
        self._containers = [
            node.pk
            for node in nodes
            if node.family is StructureFamily.container and not node.source
        ]
        # By parent, of those that were looked at.
        self._children: dict[int, list[Node]] = {}
        self._below: Batch | None = None

    def children(self, parent: int) -> Iterator[tuple[Node, Batch]]:
        """The children of one of the containers, each with the batch that it is in."""
        if parent not in self._children:
            self._look_from(parent)
        if parent not in self._children:
            yield from self.pages(Node.objects.filter(parent_id=parent), self._visible)
            return
        below = self._below
        assert below is not None
        for child in self._children.pop(parent):
            yield child, below

    @classmethod
    def pages(cls, nodes: QuerySet[Node], visible: Visible) -> Iterator[tuple[Node, Batch]]:
        """Any number of nodes in order of creation, a page at a time."""
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

    def _look_from(self, parent: int) -> None:
        """Load the children of this container and of as many after it as fit together."""
        if parent not in self._containers:
            return
        # What came before has been walked through already.
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
    """The nodes of these ids, in that order, with their data sources."""
    found = Node.objects.select_related("data_source").filter(pk__in=ids)
    by_id = {node.pk: node for node in found}
    return [by_id[pk] for pk in ids if pk in by_id]
