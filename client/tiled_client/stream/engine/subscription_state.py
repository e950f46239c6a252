"""State of one subscription across connections. No I/O.

| state     | meaning                                                        |
| --------- | -------------------------------------------------------------- |
| requested | no schema has been received yet (`accepted` is False)          |
| accepted  | a schema was received; the subscription resumes after a loss   |
| cancelled | the subscriber left: events that are queued are dropped        |
| ended     | `ended` has the `Ended` that is delivered, once and as the last |

`cancelled` and `ended` come in either order: a producer may end a stream while its subscriber
leaves, and the other way round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from ...errors import NodeDeleted, TiledClientError, Unauthorized
from ...uris import Path
from ..protocol.event_origin import EventOrigin
from ..protocol.messages import Map
from ..protocol.notices import (
    ConnectionLost,
    ConnectionRestored,
    Ended,
    Gap,
    NodeClosed,
    Reset,
    Started,
)
from ..protocol.position import Position
from ..protocol.streamed_node import StreamedNode
from ..protocol.subscription_options import SubscriptionOptions, format_start_time
from ..updates import ChildCreated, Update
from .node_feed import NodeFeed
from .outage import ConnectionOutage, ConnectionState

Event = Update | Gap | Reset | NodeClosed | ConnectionLost | ConnectionRestored | Started | Ended


class Owner(Protocol):
    """The subscription that a state belongs to."""

    def mark_ready(self) -> None:
        """Record that it has started, or never will; called by the receiver, at once."""

    def handle(self, delivery: Any) -> Any:
        """Handle an event; called (or awaited) by the dispatcher, in its turn."""


# Updates and streams have timestamps of different clocks, which may differ by this much.
MAX_CLOCK_SKEW = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event, and the subscription that it is for."""

    state: SubscriptionState
    event: Event
    size: int = 0
    """Size in bytes while it is queued."""


def deliveries(state: SubscriptionState, events: Sequence[Event], size: int) -> list[Delivery]:
    """Address the events of a frame of that size; the first has the size of all."""
    sizes = (size if n == 0 else 0 for n in range(len(events)))
    return [Delivery(state, *each) for each in zip(events, sizes, strict=True)]


class SubscriptionState:
    """The options of a subscription, and a feed for each node that it receives events of.

    Without `recursive` there is one feed. With it, there is one for each node at or below `node`
    that has sent something.
    """

    def __init__(
        self,
        owner: Owner,
        node: StreamedNode,
        options: SubscriptionOptions,
        position: Position,
        *,
        recursive: bool = False,
    ) -> None:
        self.owner = owner
        self.node = node
        self.options = options
        self.recursive = recursive
        self.accepted = False
        self.cancelled = False
        self.ended: Ended | None = None
        self._outage = ConnectionOutage(owner)
        self._from_now = not position.to_params()
        # Nodes known to be younger than the subscription.
        self._created: set[Path] = set()
        self.root = NodeFeed(EventOrigin(owner, node.path, node), position, options)
        self.feeds: dict[Path, NodeFeed] = {node.path: self.root}

    @property
    def has_schema(self) -> bool:
        """True once the schema was received over the present connection."""
        return self.root.has_schema

    @property
    def connection_state(self) -> ConnectionState:
        """The state of its connection."""
        if self.cancelled or self.ended is not None:
            return "closed"
        if not self.accepted:
            return "connecting"
        return "live" if self._outage.error is None else "reconnecting"

    @property
    def event_count(self) -> int:
        """Count of new events received."""
        return sum(feed.event_count for feed in self.feeds.values())

    @property
    def interval(self) -> float | None:
        """Seconds from one heartbeat, or other message, to the next, once known."""
        interval = next((feed.interval for feed in self.feeds.values() if feed.interval), None)
        if interval is None or self.options.max_rate is None:
            return interval
        # The server sends no heartbeat while max_rate holds an update back.
        return max(interval, 1 / self.options.max_rate)

    def to_params(self) -> dict[str, Any]:
        """Return the parameters of a request to start, or to resume."""
        if not self.recursive:
            return {**self.options.to_params(), **self.root.position.to_params()}
        return {**self.options.to_params(), **self._common_position(), "recursive": True}

    def on_connected(self) -> None:
        """Begin a connection."""
        for feed in self.feeds.values():
            feed.on_connected()

    def on_lost(self, error: TiledClientError) -> list[Delivery]:
        """Record that the connection was lost; return the event, once in an outage."""
        if not self.accepted or self.cancelled:
            return []
        return [Delivery(self, event) for event in self._outage.begin(error)]

    def receive(self, path: Path, message: Map) -> list[Event]:
        """Turn a message about the node at `path` into events."""
        events: list[Event] = []
        for event in self._feed(path).receive(message):
            if isinstance(event, Started):
                # With several nodes, the first schema stands for all.
                if self.accepted:
                    events += self._outage.end()
                    continue
                self.accepted = True
            elif isinstance(event, ChildCreated) and self.recursive:
                self._expect_child(event)
            events.append(event)
        return events

    def close_node(self, path: Path, error: TiledClientError | None) -> Event:
        """End the stream of the node at `path`, and with it the subscription unless recursive."""
        # Below a node that is gone, or not to be read any more, there is nothing left either.
        ends_all = path == self.node.path and isinstance(error, (NodeDeleted, Unauthorized))
        if self.recursive and not ends_all:
            origin = self._feed(path).origin
            if error is not None:
                del self.feeds[path]
            return NodeClosed(origin=origin, error=error)
        return self.end(error, by_producer=error is None)

    def end(self, error: TiledClientError | None, *, by_producer: bool = False) -> Ended:
        """End the subscription; return its end, which is that of the first call."""
        self.ended = self.ended or Ended(error, by_producer)
        return self.ended

    def cancel(self) -> None:
        """Drop all queued items, because the subscriber leaves."""
        self.cancelled = True
        # If the producer ended the stream, that is queued as well and is dropped.
        self.ended = self.ended and Ended(self.ended.error)

    def _feed(self, path: Path) -> NodeFeed:
        feed = self.feeds.get(path)
        if feed is None:
            from_now = self._from_now and path not in self._created
            origin = EventOrigin(self.owner, path)
            feed = self.feeds[path] = NodeFeed(origin, Position(0), self.options, from_now=from_now)
        return feed

    def _expect_child(self, created: ChildCreated) -> None:
        path = (*created.path, created.key)
        self._created.add(path)
        feed = self._feed(path)
        feed.from_now = False
        feed.complete_at = feed.complete_at or created.timestamp
        feed.origin.set_node(created.child())

    def _common_position(self) -> dict[str, Any]:
        """Return the position of all feeds in one: the time since which updates may be missing.

        Updates that are repeated thereby are dropped by the position of each feed.
        """
        if not self.accepted:
            return self.root.position.to_params()
        times = [feed.complete_at for feed in self.feeds.values()]
        known = [time for time in times if time is not None]
        if len(known) == len(times):
            return {"start_time": format_start_time(min(known) - MAX_CLOCK_SKEW)}
        for feed in self.feeds.values():
            feed.skip_backlog()
        return {"start": 0}
