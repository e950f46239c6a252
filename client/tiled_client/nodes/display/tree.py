"""The nodes below a container as a tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ...arguments import whole_number
from ...http.operations import operation
from ...public_surface import PublicSurface
from ...uris import path_text
from ...wire.structure_family import StructureFamily
from .texts import summary_text

DEPTH, LIMIT = 3, 20


@dataclass(slots=True)
class Branch:
    """A node of a tree, the first of its children, and the number of those that are left out.

    `children` is None below the depth of the tree, and for nodes of other families.
    """

    node: Any
    children: list[Branch] | None = None
    more: int = 0
    error: Exception | None = field(default=None, repr=False)

    def lines(self, before: str = "", below: str = "") -> Iterator[str]:
        """Yield the lines of the tree as text."""
        is_root = not before
        yield before + (path_text(self.node.path) if is_root else label(self.node))
        children = self.children or []
        for number, child in enumerate(children, 1):
            is_last = number == len(children) and not self.more
            corner, bar = ("└── ", "    ") if is_last else ("├── ", "│   ")
            yield from child.lines(below + corner, below + bar)
        if self.more:
            yield f"{below}└── ... {self.more} more"


def label(node: Any) -> str:
    """Return the key of a node, and what it is."""
    # A line break in a key must not look like another line of the tree.
    key = node.key if node.key.isprintable() else repr(node.key)
    return f"{key}  {summary_text(node)}"


async def grow(node: Any, depth: int, limit: int) -> Branch:
    """Return the tree of a node, with a request for each container.

    Parameters
    ----------
    node
        The root of the tree.
    depth
        The number of levels below it.
    limit
        The number of children of each container.
    """
    if node.structure_family != StructureFamily.container or not depth:
        return Branch(node)
    documents, count = await node.children(limit)
    nodes = [node.child(document) for document in documents]
    children = [await grow(child, depth - 1, limit) for child in nodes]
    return Branch(node, children, max(count - len(children), 0))


class TreeOperations(PublicSurface):
    """A container that can be printed as a tree."""

    @operation
    async def tree(self, depth: int = DEPTH, limit: int = LIMIT) -> None:
        """Print the nodes below this container as a tree, with a request for each container.

        Parameters
        ----------
        depth
            The number of levels to print.
        limit
            The number of children to print of each container.

        Raises
        ------
        TransportError
            If the server cannot be reached; also other errors of requests.

        Examples
        --------
        >>> _ = client.create_container("scans").write_table({"time": [0.5]}, key="log")
        >>> client.tree()
        /...
        ├── x  array 3 int64
        └── scans  container
            └── log  table 1 column
        """
        depth = whole_number(depth, "depth", minimum=1)
        branch = await grow(self, depth, whole_number(limit, "limit", minimum=1))
        print("\n".join(branch.lines()))
