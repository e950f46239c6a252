"""Origin of an event: the subscription and the node."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import dataclass
from typing import Any

from ...uris import Path
from .streamed_node import StreamedNode


class EventOrigin:
    """A node of a subscription, by its path; the client object is made when needed."""

    def __init__(self, subscription: Any, path: Path, node: StreamedNode | None = None) -> None:
        self.subscription = subscription
        self.path = path
        self._node: Any = node

    @property
    def cached_node(self) -> Any:
        """The client object, or None if it has not been fetched."""
        return self._node

    @property
    def node(self) -> Any:
        """The client object, fetched from the server the first time unless it is cached."""
        if self._node is None:
            node = self.subscription.node.at(self.path)
            # A coroutine can be awaited only once.
            self._node = asyncio.ensure_future(node) if inspect.iscoroutine(node) else node
        return self._node

    def fetch_reference(self, reference: Any) -> Any:
        """Return the data that an update refers to; an awaitable for asyncio's client objects."""
        node = self.node
        if isinstance(node, asyncio.Future):
            return _fetch_reference(node, reference)
        return node.fetch_reference(reference)

    def set_node(self, node: StreamedNode) -> None:
        """Cache a client object, so that it need not be fetched."""
        self._node = node


async def _fetch_reference(node: asyncio.Future[Any], reference: Any) -> Any:
    return await (await node).fetch_reference(reference)


@dataclass(frozen=True, slots=True)
class UpdateContext:
    """The parts of an update that are not in its message."""

    origin: EventOrigin
    missed: int = 0
