"""Inlined contents of a file in the resource of its node.

Source: docs/reference/tiled-protocol/http.md, "Structures (exact JSON)", container.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...lookup.embedded import EmbeddedNode, Group, UnreadableEntry, group_of
from ...storage.errors import StorageError
from ...storage.external import Tree

# Limits of one response: entries of all groups together, and levels of groups.
MAX_INLINED_ENTRIES = 500
MAX_INLINED_DEPTH = 5

Describe = Callable[[EmbeddedNode], dict[str, Any]]


def group_structure(
    group: Group, depth: int, describe: Describe
) -> tuple[dict[str, Any], str | None]:
    """Return the number of entries of a group, its contents if they are few, and the problem.

    Contents are nested `depth` levels deep, and null if an entry cannot be described: a request for
    its key reports the problem, and the listing has the others. The problem is None unless the file
    cannot be read.
    """
    try:
        with group.open() as tree:
            found = _Contents(tree, describe).structure(group, min(depth, MAX_INLINED_DEPTH))
    except StorageError as error:
        return {"contents": None, "count": 0}, str(error)
    return found, None


class _Contents:
    def __init__(self, tree: Tree, describe: Describe) -> None:
        self._tree = tree
        self._describe = describe
        self._left = MAX_INLINED_ENTRIES

    def structure(self, group: Group, depth: int) -> dict[str, Any]:
        names = self._tree.names(group.keys)
        empty = {"contents": None, "count": len(names)}
        if depth <= 0 or len(names) > self._left:
            return empty
        self._left -= len(names)
        contents = {}
        for name in names:
            node = group.child(self._tree, name)
            if isinstance(node, UnreadableEntry):
                return empty
            contents[name] = self._resource(node, depth)
        return {"contents": contents, "count": len(names)}

    def _resource(self, node: EmbeddedNode, depth: int) -> dict[str, Any]:
        resource = self._describe(node)
        inner = group_of(node)
        if inner is not None and resource["attributes"]["structure"] is not None:
            try:
                resource["attributes"]["structure"] = self.structure(inner, depth - 1)
            except StorageError as error:
                resource["meta"] = {"problem": str(error)}
        return resource
