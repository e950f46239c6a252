"""Contents of a file that are sent together with the file's own resource.

Source: docs/reference/tiled-protocol/http.md, "Structures (exact JSON)", container.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...lookup.embedded import Group, Inner, UnreadableEntry, group_of
from ...storage.errors import StorageError
from ...storage.external import Tree

# Of all groups together, and of groups within groups.
MOST_INLINED = 500
DEEPEST = 5

Describe = Callable[[Inner], dict[str, Any]]


def group_structure(
    group: Group, depth: int, describe: Describe
) -> tuple[dict[str, Any], str | None]:
    """Return the number of entries of a group and, if they are few, the entries, `depth` deep.

    Contents are null if an entry cannot be described: a request for its key reports the problem,
    and the listing has the others. A file that cannot be read has no contents, but a sentence
    that describes the problem.
    """
    try:
        with group.opened() as tree:
            found = _Contents(tree, describe).structure(group, min(depth, DEEPEST))
    except StorageError as error:
        return {"contents": None, "count": 0}, str(error)
    return found, None


class _Contents:
    def __init__(self, tree: Tree, describe: Describe) -> None:
        self._tree = tree
        self._describe = describe
        self._left = MOST_INLINED

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

    def _resource(self, node: Inner, depth: int) -> dict[str, Any]:
        resource = self._describe(node)
        inner = group_of(node)
        if inner is not None and resource["attributes"]["structure"] is not None:
            try:
                resource["attributes"]["structure"] = self.structure(inner, depth - 1)
            except StorageError as error:
                resource["meta"] = {"problem": str(error)}
        return resource
