"""The subscriptions of a connection for many nodes, and the nodes of each. Data only.

States of a SubscribedNode; the scheduler moves it between the first three:

| state | where it is | leaves on |
| --- | --- | --- |
| prepared | in `nodes` of a subscription with `started` False | the subscription starts: queued |
| queued | in the queue of the scheduler | its turn: serving |
| serving | in the scheduler's hands, at most one per connection | a batch was sent: queued; \
nothing new: waiting; its stream ended: closed, or queued again if it is part of a recursive one; \
the client has to acknowledge updates first: held |
| waiting | `waiter` is set, in the hub | new entries: queued, or still waiting if they were sent \
inline; permission checks hide it: closed |
| held | `held` is True | the client acknowledges updates: queued; permission checks hide it: \
closed |
| closed | `closed` is True, not in `nodes` | never |

`hidden` is set before a node is closed because its client may not see it any more: nothing that was
already taken from its stream is sent.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from ...reading.entries import EncodedMessage
from ...reading.feed import Item
from ...reading.subscriber import Subscriber
from ..connections.authorization import AuthorizedNode
from ..connections.permission_watch import PermissionWatch
from ..messages.child_visibility import ChildFilter
from ..messages.renderer import Renderer


class SubtreeObserver(Protocol):
    """Finds nodes that are created after the start of a recursive subscription."""

    def observe(self, path: str, items: list[Item]) -> list[Item]:
        """Process items of the container at `path`; return those to send."""

    def rescan(self) -> None:
        """List the subtree again: nodes may have become visible."""

    def close(self) -> None:
        """Stop looking for nodes."""


@dataclass(slots=True, eq=False)
class MultiplexSubscription:
    """The nodes subscribed to under one id: one, or with an `observer` a subtree.

    Nothing is sent of its nodes before it has `started`, nor while `max_unacknowledged` updates
    (0: any number) are `unacknowledged`.
    """

    id: str
    path: str
    max_unacknowledged: int = 0
    unacknowledged: int = 0
    nodes: dict[str, SubscribedNode] = field(default_factory=dict)
    observer: SubtreeObserver | None = None
    started: bool = True
    closed: bool = False

    @property
    def full(self) -> bool:
        """Whether the client has to acknowledge updates before more are sent."""
        return 0 < self.max_unacknowledged <= self.unacknowledged


@dataclass(slots=True, eq=False)
class SubscribedNode:
    """One node of a subscription. `schema` is its first message, until that is sent."""

    subscription: MultiplexSubscription
    path: str
    node: AuthorizedNode
    subscriber: Subscriber
    renderer: Renderer
    prefix: bytes
    child_filter: ChildFilter | None = None
    watch: PermissionWatch | None = None
    schema: EncodedMessage | None = None
    waiter: asyncio.Future[None] | None = None
    held: bool = False
    hidden: bool = False
    closed: bool = False

    @property
    def is_root(self) -> bool:
        """Whether the client subscribed to this node itself, and not to one above it."""
        return self.path == self.subscription.path
