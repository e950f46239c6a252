"""What of the contents of a file is told together with the file.

Source: the wire, "Structures", container.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..inner import Group, Inner
from ..storage.errors import StorageError
from ..storage.external import Tree

# Of all groups together, and of groups within groups.
MOST_INLINED = 500
DEEPEST = 5

Describe = Callable[[Inner], dict[str, Any]]


def group_structure(group: Group, depth: int, describe: Describe) -> dict[str, Any]:
    """How many a group has, and what they are, `depth` groups deep, if they are few.

    A file that cannot be read has none. What a broken link leads to, and what cannot be read, is
    null.
    """
    try:
        with group.opened() as tree:
            return _Contents(group, tree, describe).structure(group.keys, min(depth, DEEPEST))
    except StorageError:
        return {"contents": None, "count": 0}


class _Contents:
    def __init__(self, group: Group, tree: Tree, describe: Describe) -> None:
        self._host = group.host
        self._tree = tree
        self._describe = describe
        self._left = MOST_INLINED

    def structure(self, keys: tuple[str, ...], depth: int) -> dict[str, Any]:
        names = self._tree.names(keys)
        if depth <= 0 or len(names) > self._left:
            return {"contents": None, "count": len(names)}
        self._left -= len(names)
        contents = {name: self._child((*keys, name), depth) for name in names}
        return {"contents": contents, "count": len(names)}

    def _child(self, keys: tuple[str, ...], depth: int) -> dict[str, Any] | None:
        try:
            node = Inner(self._host, keys, self._tree.entry(keys))
            resource = self._describe(node)
            if node.structure is None and resource["attributes"]["structure"] is not None:
                resource["attributes"]["structure"] = self.structure(keys, depth - 1)
        except StorageError:
            return None
        return resource
