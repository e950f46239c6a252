"""The order in which frames are sent: that of each node, and of containers behind what is in them.

A reader who sees in the metadata of a container that it is complete must find all of it. So a frame
that describes or closes a node is sent when older frames for nodes below it are acknowledged.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count

from .written_node import WrittenNode


class SendOrder:
    """Numbers frames and creations in the order of the calls, and chooses the next one."""

    def __init__(self, nodes: Mapping[int, WrittenNode]) -> None:
        self._nodes = nodes
        self._numbers = count(1)

    def number(self) -> int:
        """Return the number of the next frame or creation."""
        return next(self._numbers)

    def next(self) -> WrittenNode | None:
        """Return a node whose next frame may be sent, or None."""
        for node in self._nodes.values():
            if node.opened and node.sent < len(node.frames) and self._may_send(node):
                return node
        return None

    def children(self, node: WrittenNode) -> list[WrittenNode]:
        """Return the nodes that wait for this one to exist."""
        return [
            one
            for one in self._nodes.values()
            if one.creation and one.creation.parent_handle == node.handle
        ]

    def _may_send(self, node: WrittenNode) -> bool:
        frame = node.frames[node.sent]
        if not frame.is_last:
            return True
        below = f"{node.path}/" if node.path else ""
        return not any(
            one.path.startswith(below) and one is not node and one.waits_since(frame.order)
            for one in self._nodes.values()
        )
