"""Callbacks of a subscription: the part that blocking and async subscriptions share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any, Generic, Self, TypeVar

from ...errors import TiledClientError
from ...public_surface import PublicSurface
from ...settings import StreamOptions
from ...uris import quoted_path
from ..protocol.notices import (
    ConnectionLost,
    ConnectionRestored,
    Ended,
    Gap,
    NodeClosed,
    Reset,
)
from ..protocol.position import Position
from ..protocol.streamed_node import StreamedNode
from ..protocol.subscription_options import Start, StartOptions, SubscriptionOptions, reject_unknown
from ..updates import ChildCreated, ChildDeleted, ChildMetadataUpdated, DataUpdate, Update
from .callback_registry import CallbackRegistry
from .outage import ConnectionState
from .subscription_state import Delivery, SubscriptionState

logger = logging.getLogger("tiled_client.stream")

U = TypeVar("U", bound=Update, covariant=True)

Call = tuple[Callable[[Any], object], Any]


def stream_options(options: dict[str, Any], subject: str) -> StreamOptions:
    """Return the options of a connection. Raises TypeError for others."""
    reject_unknown(options, (field.name for field in fields(StreamOptions)), subject)
    return StreamOptions(**options)


@dataclass(frozen=True, slots=True)
class CallbackFailure:
    """A callback raised an exception. `argument` is the argument of the call."""

    callback: Callable[..., object]
    argument: Any
    exception: Exception


class CallbackSubscription(PublicSurface, Generic[U]):
    """Registries of callbacks, and the outcome of a subscription.

    `gap`, `reset`, `connection_lost`, `connection_restored`, `stream_closed`, `disconnected` and
    `callback_error` are the registries that every subscription has; subclasses add those of their
    updates.
    """

    recursive = False

    def __init__(
        self, node: StreamedNode, filters: SubscriptionOptions | None = None, **options: Any
    ) -> None:
        self._options = stream_options(options, "a subscription")
        self.node = node
        self.gap: CallbackRegistry[Gap] = CallbackRegistry("gap")
        self.reset: CallbackRegistry[Reset] = CallbackRegistry("reset")
        self.connection_lost: CallbackRegistry[ConnectionLost] = CallbackRegistry("connection_lost")
        self.connection_restored: CallbackRegistry[ConnectionRestored] = CallbackRegistry(
            "connection_restored"
        )
        self.stream_closed: CallbackRegistry[Self] = CallbackRegistry("stream_closed")
        self.disconnected: CallbackRegistry[Self] = CallbackRegistry("disconnected")
        self.callback_error: CallbackRegistry[CallbackFailure] = CallbackRegistry("callback_error")
        self._create_registries()
        self._filters = SubscriptionOptions() if filters is None else filters
        self._state: SubscriptionState | None = None
        self._ended = False
        self._closed = False
        self._error: TiledClientError | None = None
        self._position: int | None = None
        self._epoch: str | None = None

    @property
    def state(self) -> ConnectionState:
        """The state of its connection: "new", "connecting", "live", "reconnecting" or "closed".

        Examples
        --------
        >>> sub = x.subscribe()
        >>> sub.state
        'new'
        >>> with sub.start_in_thread():
        ...     sub.state
        'live'
        >>> sub.state, sub.connected
        ('closed', False)
        """
        if self._ended:
            return "closed"
        return "new" if self._state is None else self._state.connection_state

    @property
    def connected(self) -> bool:
        """True while the server sends updates as they are written."""
        return self.state == "live"

    @property
    def closed(self) -> bool:
        """True if the producer closed the stream, once all updates have been handled."""
        return self._closed

    @property
    def error(self) -> TiledClientError | None:
        """The error that ended the subscription, if neither the producer nor `disconnect()` did."""
        return self._error

    @property
    def position(self) -> int | None:
        """The number of the last update handled or reported as missing, None before any.

        A later subscription resumes from here with `position + 1` and `epoch`.

        Examples
        --------
        >>> sub = x.subscribe()
        >>> for update in sub.updates(start=0):
        ...     break
        >>> later = x.subscribe().start_in_thread(sub.position + 1, epoch=sub.epoch)
        >>> later.disconnect()
        """
        return self._position

    @property
    def epoch(self) -> str | None:
        """The run of the numbering that `position` belongs to, if the server names it."""
        return self._epoch

    @property
    def top(self) -> int | None:
        """The highest number known on the server, None until the server has sent one.

        Updates between `position` and this one are still on their way.

        Examples
        --------
        >>> with x.subscribe().start_in_thread() as sub:
        ...     sub.top
        1
        """
        return None if self._state is None else self._state.root.top

    def __repr__(self) -> str:
        facts = [quoted_path(self.node.path), self.state]
        if self._position is not None:
            facts.append(f"sequence={self._position}")
        if self._error is not None:
            facts.append(f"error={type(self._error).__name__}")
        return f"<{type(self).__name__} {' '.join(facts)}>"

    def mark_ready(self) -> None:
        """Record that it has started, or never will."""
        raise NotImplementedError

    def handle(self, delivery: Delivery) -> Any:
        """Call the callbacks of an event."""
        raise NotImplementedError

    def _create_registries(self) -> None:
        """Create the registries of this kind of subscription."""

    def require_new(self) -> None:
        """Raise RuntimeError if the subscription was started or ended."""
        if self._state is not None or self._ended:
            raise RuntimeError("a subscription can be started once; subscribe() makes another")

    def _create_state(self, start: Start, options: StartOptions) -> SubscriptionState:
        reject_unknown(options, StartOptions.__optional_keys__, "a start")
        if not isinstance(options.get("timeout", 0.0), Real):
            raise TypeError(f"timeout must be a number of seconds, not {options['timeout']!r}")
        position = Position(start, options.get("start_time"), options.get("epoch"))
        self.require_new()
        self._state = SubscriptionState(
            self, self.node, self._filters, position, recursive=self.recursive
        )
        return self._state

    def _calls_for(self, event: Any) -> Iterator[Call]:
        """Yield each callback of an event, with its argument."""
        if isinstance(event, Ended):
            yield from self._calls_at_end(event)
            return
        # With `recursive`, each node has its own numbers: position is that of the root.
        if getattr(event, "path", None) == self.node.path:
            self._record_position(event)
        registry: CallbackRegistry[Any] | None = getattr(self, event.topic, None)
        for callback in registry or ():
            yield callback, event

    def _calls_at_end(self, ended: Ended) -> Iterator[Call]:
        self._error, self._closed, self._ended = ended.error, ended.by_producer, True
        if self._closed:
            yield from ((callback, self) for callback in self.stream_closed)
        yield from ((callback, self) for callback in self.disconnected)

    def _calls_about(self, failure: CallbackFailure) -> Iterator[Call]:
        logger.error("Callback %r failed", failure.callback, exc_info=failure.exception)
        yield from ((callback, failure) for callback in self.callback_error)

    def _record_position(self, event: Any) -> None:
        if isinstance(event, Update):
            self._position, self._epoch = event.sequence, event.epoch
        elif isinstance(event, Gap):
            self._position, self._epoch = event.last, event.epoch
        elif isinstance(event, Reset):
            self._position, self._epoch = None, event.epoch


class DataCallbacks:
    """The registry of updates of a node with data."""

    new_data: CallbackRegistry[DataUpdate]

    def _create_registries(self) -> None:
        self.new_data = CallbackRegistry("new_data")


class ChildCallbacks:
    """The registries of updates of a container's children."""

    child_created: CallbackRegistry[ChildCreated]
    child_metadata_updated: CallbackRegistry[ChildMetadataUpdated]
    child_deleted: CallbackRegistry[ChildDeleted]

    def _create_registries(self) -> None:
        self.child_created = CallbackRegistry("child_created")
        self.child_metadata_updated = CallbackRegistry("child_metadata_updated")
        self.child_deleted = CallbackRegistry("child_deleted")


class RecursiveCallbacks:
    """The registries of updates at and below a container."""

    recursive = True

    new_data: CallbackRegistry[DataUpdate]
    child_created: CallbackRegistry[ChildCreated]
    child_metadata_updated: CallbackRegistry[ChildMetadataUpdated]
    child_deleted: CallbackRegistry[ChildDeleted]
    node_closed: CallbackRegistry[NodeClosed]

    def _create_registries(self) -> None:
        self.new_data = CallbackRegistry("new_data")
        self.child_created = CallbackRegistry("child_created")
        self.child_metadata_updated = CallbackRegistry("child_metadata_updated")
        self.child_deleted = CallbackRegistry("child_deleted")
        self.node_closed = CallbackRegistry("node_closed")
