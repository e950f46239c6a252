"""Where something that was received comes from: which node, of which subscription."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...uris import Path

if TYPE_CHECKING:
    from ...nodes import Node


class EventOrigin:
    """A node that a subscription hears of, by its path; the client object is made when needed."""

    def __init__(self, subscription: Any, path: Path, node: Node | None = None) -> None:
        self.subscription = subscription
        self.path = path
        self._node = node

    @property
    def cached_node(self) -> Node | None:
        """The client object, if the server need not be asked for it."""
        return self._node

    @property
    def node(self) -> Node:
        """The client object; the server is asked for it the first time, unless it was known."""
        if self._node is None:
            self._node = self.subscription.node.at(self.path)
        return self._node

    def set_node(self, node: Node) -> None:
        """Take note of a client object, so that the server need not be asked."""
        self._node = node


@dataclass(frozen=True, slots=True)
class UpdateContext:
    """What is known of an update besides its message."""

    origin: EventOrigin
    missed: int = 0
