"""One subscription's side of a connection: what it asked for, and what it hears. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from ...errors import NodeDeleted, TiledClientError, Unauthorized
from ...uris import Path
from ..protocol.messages import Map
from ..protocol.notices import Ended, Gap, NodeClosed, Reset, Started
from ..protocol.origin import EventOrigin
from ..protocol.position import Position
from ..protocol.subscription_options import SubscriptionOptions, format_start_time
from ..updates import ChildCreated, Update
from .node_feed import NodeFeed

if TYPE_CHECKING:
    from ...nodes import Node

Event = Update | Gap | Reset | NodeClosed | Started | Ended


class Owner(Protocol):
    """Whoever is told: a subscription."""

    def mark_ready(self) -> None:
        """It has begun, or it never will; called by whoever receives, at once."""

    def handle(self, delivery: Any) -> Any:
        """Something was received; called (or awaited) by whoever handles, in its turn."""


# Whoever writes an update and whoever numbers it have a clock each; they may differ by so much.
CLOCKS_DIFFER = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something that was received, and for whom."""

    state: SubscriptionState
    event: Event
    size: int = 0
    """In bytes: what it takes while it waits to be handled."""


def deliveries(state: SubscriptionState, events: Sequence[Event], size: int) -> list[Delivery]:
    """What a frame of that size brought; the first bears the size of all."""
    sizes = (size if n == 0 else 0 for n in range(len(events)))
    return [Delivery(state, *each) for each in zip(events, sizes, strict=True)]


class SubscriptionState:
    """What a subscription asked for, and the feeds of the nodes that it hears of.

    Without `recursive` there is one feed. With it, there is one for each node at or below `node`
    that has said something.
    """

    def __init__(
        self,
        owner: Owner,
        node: Node,
        options: SubscriptionOptions,
        position: Position,
        *,
        recursive: bool = False,
    ) -> None:
        self.owner = owner
        self.node = node
        self.options = options
        self.recursive = recursive
        self.began = False
        self.ended: Ended | None = None
        # Set by whoever does not want to hear any more; what is on its way is dropped.
        self.stopped = False
        self._from_now = not position.to_params()
        # Nodes known to be younger than the subscription.
        self._created: set[Path] = set()
        self.root = NodeFeed(EventOrigin(owner, node.path, node), position, options)
        self.feeds: dict[Path, NodeFeed] = {node.path: self.root}

    @property
    def begun(self) -> bool:
        """Whether it was accepted over the present connection."""
        return self.root.begun

    @property
    def event_count(self) -> int:
        """A number that rises with everything that was news."""
        return sum(feed.event_count for feed in self.feeds.values())

    @property
    def interval(self) -> float | None:
        """Seconds from one sign of life to the next, once known."""
        interval = next((feed.interval for feed in self.feeds.values() if feed.interval), None)
        if interval is None or self.options.max_rate is None:
            return interval
        # There is no heartbeat while an update is being held back.
        return max(interval, 1 / self.options.max_rate)

    def to_params(self) -> dict[str, Any]:
        """What to say in order to go on from where this stands."""
        if not self.recursive:
            return {**self.options.to_params(), **self.root.position.to_params()}
        return {**self.options.to_params(), **self._where_all_stand(), "recursive": True}

    def open(self) -> None:
        """A new connection."""
        for feed in self.feeds.values():
            feed.open()

    def receive(self, path: Path, message: Map) -> list[Event]:
        """What a message about the node at `path` means."""
        received: list[Event] = []
        for event in self._feed(path).receive(message):
            if isinstance(event, Started):
                # Of several nodes, the first stands for all.
                if self.began:
                    continue
                self.began = True
            elif isinstance(event, ChildCreated) and self.recursive:
                self._expect(event)
            received.append(event)
        return received

    def close(self, path: Path, error: TiledClientError | None) -> Event:
        """The stream of the node at `path` is over; with it the subscription, unless recursive."""
        whole = path == self.node.path and isinstance(error, (NodeDeleted, Unauthorized))
        if self.recursive and not whole:
            origin = self._feed(path).origin
            if error is not None:
                del self.feeds[path]
            return NodeClosed(origin=origin, error=error)
        return self.end(error, by_producer=error is None)

    def end(self, error: TiledClientError | None, *, by_producer: bool = False) -> Ended:
        """The subscription is over."""
        self.ended = self.ended or Ended(error, by_producer)
        return self.ended

    def stop(self) -> None:
        """Nobody wants to hear any more."""
        self.stopped = True
        # What the producer said of the end has not been received.
        self.ended = self.ended and Ended(self.ended.error)

    def _feed(self, path: Path) -> NodeFeed:
        feed = self.feeds.get(path)
        if feed is None:
            from_now = self._from_now and path not in self._created
            origin = EventOrigin(self.owner, path)
            feed = self.feeds[path] = NodeFeed(origin, Position(0), self.options, from_now=from_now)
        return feed

    def _expect(self, created: ChildCreated) -> None:
        path = (*created.path, created.key)
        self._created.add(path)
        feed = self._feed(path)
        feed.from_now = False
        feed.complete_at = feed.complete_at or created.timestamp
        feed.origin.set_node(created.child())

    def _where_all_stand(self) -> dict[str, Any]:
        """From when on something may have been lost, for all feeds in one word.

        What is repeated thereby, the feeds' positions tell.
        """
        if not self.began:
            return self.root.position.to_params()
        moments = [feed.complete_at for feed in self.feeds.values()]
        known = [moment for moment in moments if moment is not None]
        if len(known) == len(moments):
            return {"start_time": format_start_time(min(known) - CLOCKS_DIFFER)}
        for feed in self.feeds.values():
            feed.skip_backlog()
        return {"start": 0}
