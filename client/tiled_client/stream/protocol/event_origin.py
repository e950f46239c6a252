"""Origin of an event: the subscription and the node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...uris import Path
from .streamed_node import StreamedNode


class EventOrigin:
    """A node of a subscription, by its path; the client object is made when needed."""

    def __init__(self, subscription: Any, path: Path, node: StreamedNode | None = None) -> None:
        self.subscription = subscription
        self.path = path
        self._node = node

    @property
    def cached_node(self) -> Any:
        """The client object, or None if it has not been fetched."""
        return self._node

    @property
    def node(self) -> Any:
        """The client object, fetched from the server the first time unless it is cached."""
        if self._node is None:
            self._node = self.subscription.node.at(self.path)
        return self._node

    def set_node(self, node: StreamedNode) -> None:
        """Cache a client object, so that it need not be fetched."""
        self._node = node


@dataclass(frozen=True, slots=True)
class UpdateContext:
    """The parts of an update that are not in its message."""

    origin: EventOrigin
    missed: int = 0
