"""What a stream says besides updates. Users see `Gap`, `Reset` and `NodeClosed`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from ...errors import TiledClientError
from ...uris import Path
from .origin import EventOrigin

if TYPE_CHECKING:
    from ...nodes import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that was said of a node's stream."""

    topic: ClassVar[str]

    origin: EventOrigin = field(repr=False, compare=False)

    @property
    def subscription(self) -> Any:
        """The subscription that was told."""
        return self.origin.subscription

    @property
    def path(self) -> Path:
        """The keys that lead from the root to the node."""
        return self.origin.path

    @property
    def node(self) -> Node:
        """The client object of the node; with `recursive`, the server may have to be asked."""
        return self.origin.node


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap(Notice):
    """The updates `first` to `last`, both included, do not come.

    `reason` is `expired` (older than what the server retains), `evicted` (dropped before their time
    for want of memory), `slow` (dropped while this subscriber was behind) or `skipped` (by its own
    `policy` or `max_rate`). `uri` is where all that is stored can be read.

        >>> sub = x.subscribe(max_rate=10)
        >>> @sub.gap.add_callback
        ... def catch_up(gap):
        ...     print(f"{gap.count} updates were missed ({gap.reason}):", gap.node.read())
    """

    topic: ClassVar[str] = "gap"

    first: int
    last: int
    reason: str
    uri: str | None = None
    epoch: str | None = None
    timestamp: datetime | None = None

    @property
    def count(self) -> int:
        """How many updates do not come."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset(Notice):
    """The numbering has begun again: what follows begins at the oldest update retained.

    `previous` is the epoch that is over. `epoch`, the new one, is None while it is empty.

        >>> sub = x.subscribe()
        >>> _ = sub.reset.add_callback(lambda reset: print(reset.previous, "is over"))
        >>> x.close_stream()
        >>> [update.sequence for update in sub.updates(start=8, epoch="35af2db77ff45855")]
        35af2db77ff45855 is over
        [1]
    """

    topic: ClassVar[str] = "reset"

    epoch: str | None
    previous: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeClosed(Notice):
    """Of all that a recursive subscription hears of, one node's stream is over.

    `error` is None if its producer closed it, and NodeDeleted if the node is gone.

        >>> sub = client.subscribe(recursive=True)
        >>> @sub.node_closed.add_callback
        ... def tell(closed):
        ...     print(closed.path, closed.error)
    """

    topic: ClassVar[str] = "node_closed"

    error: TiledClientError | None


@dataclass(frozen=True, slots=True)
class Started:
    """The subscription is accepted: the schema has come."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The subscription is over: by its producer, by an error, or by whoever subscribed."""

    error: TiledClientError | None = None
    by_producer: bool = False


Event = "Update | Gap | Reset | NodeClosed | Started | Ended"
