"""What subscriptions are about: the registries of each kind, whoever calls their callbacks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from ...errors import TiledClientError
from ...settings import StreamOptions
from ..protocol.notices import Ended, Gap, NodeClosed, Reset
from ..protocol.position import Position
from ..protocol.subscription_options import Start, StartTime, SubscriptionOptions
from ..updates import ChildCreated, ChildDeleted, ChildMetadataUpdated, DataUpdate, Update
from .callback_registry import CallbackRegistry
from .subscription_state import Delivery, SubscriptionState

if TYPE_CHECKING:
    from ...nodes import Node

logger = logging.getLogger("tiled_client.stream")

U = TypeVar("U", bound=Update, covariant=True)

Call = tuple[Callable[[Any], object], Any]


@dataclass(frozen=True, slots=True)
class CallbackFailure:
    """A callback raised. `argument` is what it was called with."""

    callback: Callable[..., object]
    argument: Any
    exception: Exception


class CallbackSubscription(Generic[U]):
    """What both kinds of subscription are, blocking and async: registries, and what came of it."""

    recursive = False

    def __init__(
        self, node: Node, wants: SubscriptionOptions | None = None, **options: Any
    ) -> None:
        unknown = set(options) - {option.name for option in fields(StreamOptions)}
        if unknown:
            raise TypeError(f"there is no option {unknown.pop()!r} of a subscription")
        self.node = node
        self.gap: CallbackRegistry[Gap] = CallbackRegistry("gap")
        self.reset: CallbackRegistry[Reset] = CallbackRegistry("reset")
        self.stream_closed: CallbackRegistry[Self] = CallbackRegistry("stream_closed")
        self.disconnected: CallbackRegistry[Self] = CallbackRegistry("disconnected")
        self.callback_error: CallbackRegistry[CallbackFailure] = CallbackRegistry("callback_error")
        self._prepare()
        self._wants = wants or SubscriptionOptions()
        self._options = StreamOptions(**options)
        self._state: SubscriptionState | None = None
        self._ended = False
        self._closed = False
        self._error: TiledClientError | None = None
        self._position: int | None = None
        self._epoch: str | None = None

    @property
    def closed(self) -> bool:
        """Whether the producer closed the stream; True once all updates have been handled."""
        return self._closed

    @property
    def error(self) -> TiledClientError | None:
        """What ended the subscription, if it was neither the producer nor `disconnect()`."""
        return self._error

    @property
    def position(self) -> int | None:
        """The number of the last update that was handled or told as missing, None before any.

        With `epoch`, this is where a later subscription can go on.

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
        """The highest number known on the server, None as long as nothing was said of it.

        What lies between `position` and this is still on its way.

            >>> with x.subscribe().start_in_thread() as sub:
            ...     sub.top
            1
        """
        return None if self._state is None else self._state.root.top

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.node!r}>"

    def mark_ready(self) -> None:
        """It has begun, or it never will."""
        raise NotImplementedError

    def handle(self, delivery: Delivery) -> Any:
        """Call whoever wants to hear of it."""
        raise NotImplementedError

    def _prepare(self) -> None:
        """Make the registries of this kind of subscription."""

    def _create_state(
        self, start: Start, start_time: StartTime | None, epoch: str | None
    ) -> SubscriptionState:
        position = Position(start, start_time, epoch)
        if self._state is not None or self._ended:
            raise RuntimeError("a subscription can be started once; subscribe() makes another")
        self._state = SubscriptionState(
            self, self.node, self._wants, position, recursive=self.recursive
        )
        return self._state

    def _calls(self, event: Any) -> Iterator[Call]:
        """Whom to call for something that was received, and with what."""
        if isinstance(event, Ended):
            yield from self._calls_at_the_end(event)
            return
        if event.path == self.node.path:
            self._record_position(event)
        registry: CallbackRegistry[Any] | None = getattr(self, event.topic, None)
        for callback in registry or ():
            yield callback, event

    def _calls_at_the_end(self, ended: Ended) -> Iterator[Call]:
        self._error, self._closed, self._ended = ended.error, ended.by_producer, True
        if self._closed:
            yield from ((callback, self) for callback in self.stream_closed)
        yield from ((callback, self) for callback in self.disconnected)

    def _calls_about(self, failure: CallbackFailure) -> Iterator[Call]:
        logger.error("A callback failed: %r", failure.callback, exc_info=failure.exception)
        yield from ((callback, failure) for callback in self.callback_error)

    def _record_position(self, event: Any) -> None:
        if isinstance(event, Update):
            self._position, self._epoch = event.sequence, event.epoch
        elif isinstance(event, Gap):
            self._position, self._epoch = event.last, event.epoch
        elif isinstance(event, Reset):
            self._position, self._epoch = None, event.epoch


ContainerUpdate = ChildCreated | ChildMetadataUpdated | ChildDeleted


class DataCallbacks:
    """The registry of what is written to a node."""

    new_data: CallbackRegistry[DataUpdate]

    def _prepare(self) -> None:
        self.new_data = CallbackRegistry("new_data")


class ChildCallbacks:
    """The registries of what becomes of a container's children."""

    child_created: CallbackRegistry[ChildCreated]
    child_metadata_updated: CallbackRegistry[ChildMetadataUpdated]
    child_deleted: CallbackRegistry[ChildDeleted]

    def _prepare(self) -> None:
        self.child_created = CallbackRegistry("child_created")
        self.child_metadata_updated = CallbackRegistry("child_metadata_updated")
        self.child_deleted = CallbackRegistry("child_deleted")


class RecursiveCallbacks:
    """The registries of everything at and below a container."""

    recursive = True

    new_data: CallbackRegistry[DataUpdate]
    child_created: CallbackRegistry[ChildCreated]
    child_metadata_updated: CallbackRegistry[ChildMetadataUpdated]
    child_deleted: CallbackRegistry[ChildDeleted]
    node_closed: CallbackRegistry[NodeClosed]

    def _prepare(self) -> None:
        self.new_data = CallbackRegistry("new_data")
        self.child_created = CallbackRegistry("child_created")
        self.child_metadata_updated = CallbackRegistry("child_metadata_updated")
        self.child_deleted = CallbackRegistry("child_deleted")
        self.node_closed = CallbackRegistry("node_closed")
