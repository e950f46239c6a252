"""Events of a stream besides updates. All but `Started` and `Ended` are seen by users."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from ...errors import TiledClientError
from ...uris import Path
from .event_origin import EventOrigin


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """An event of a node's stream that is not an update."""

    topic: ClassVar[str]

    origin: EventOrigin = field(repr=False, compare=False)

    @property
    def subscription(self) -> Any:
        """The subscription that received it."""
        return self.origin.subscription

    @property
    def path(self) -> Path:
        """The keys from the root to the node."""
        return self.origin.path

    @property
    def node(self) -> Any:
        """The client object of the node; with `recursive`, it may be fetched from the server."""
        return self.origin.node


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap(Notice):
    """The updates `first` to `last`, both included, are missing.

    `reason` is `expired` (older than what the server retains), `evicted` (dropped early for lack of
    memory), `slow` (dropped while this subscriber was behind) or `skipped` (by its own `policy` or
    `max_rate`). `uri` is where all stored data can be read.

    Examples
    --------
    >>> sub = x.subscribe(max_rate=10)
    >>> @sub.gap.add_callback
    ... def catch_up(gap):
    ...     print(f"{gap.count} updates are missing ({gap.reason}):", gap.node.read())
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
        """The number of missing updates."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset(Notice):
    """The numbering restarted: the next update is the oldest one retained.

    `previous` is the epoch that is over. `epoch` is the new one, None while it is empty.

    Examples
    --------
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
    """The stream of one node of a recursive subscription is over.

    `error` is None if its producer closed it, and NodeDeleted if the node was deleted.

    Examples
    --------
    >>> sub = client.subscribe(recursive=True)
    >>> @sub.node_closed.add_callback
    ... def report(closed):
    ...     print(closed.path, closed.error)
    """

    topic: ClassVar[str] = "node_closed"

    error: TiledClientError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLost:
    """The connection was lost, and is being replaced; `error` is the reason.

    `source` is the subscription, or the connection for several nodes.

    Examples
    --------
    >>> sub = x.subscribe()
    >>> _ = sub.connection_lost.add_callback(lambda lost: print("waiting:", lost.error))
    """

    topic: ClassVar[str] = "connection_lost"

    source: Any = field(repr=False, compare=False)
    error: TiledClientError


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionRestored:
    """The lost connection was replaced after `seconds`; missed updates follow, or a `Gap`.

    `source` is the subscription, or the connection for several nodes.

    Examples
    --------
    >>> sub = x.subscribe()
    >>> _ = sub.connection_restored.add_callback(lambda restored: print("live again"))
    """

    topic: ClassVar[str] = "connection_restored"

    source: Any = field(repr=False, compare=False)
    seconds: float


@dataclass(frozen=True, slots=True)
class Started:
    """The subscription is accepted: the schema was received."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The subscription is over: by its producer, by an error, or by the subscriber."""

    error: TiledClientError | None = None
    by_producer: bool = False
