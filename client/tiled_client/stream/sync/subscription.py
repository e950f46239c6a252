"""Subscriptions whose callbacks are called on a thread, and iterators that block."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, Self, TypeVar

from ...errors import TiledClientError
from ..engine.callbacks import (
    CallbackFailure,
    CallbackSubscription,
    ChildCallbacks,
    ContainerUpdate,
    DataCallbacks,
    RecursiveCallbacks,
)
from ..engine.multiplexed import MultiplexedProtocol
from ..engine.stream_protocol import SingleNodeProtocol, StreamProtocol
from ..engine.subscription_state import Delivery, SubscriptionState
from ..protocol.notices import Ended
from ..protocol.subscription_options import Start, StartTime, SubscriptionOptions
from ..updates import DataUpdate, Update
from .dispatcher import DedicatedDispatcher, SharedDispatcher
from .inbox import Inbox
from .iteration import Updates
from .receiver import Receiver

if TYPE_CHECKING:
    from ...nodes import Node

U = TypeVar("U", bound=Update, covariant=True)


logger = logging.getLogger("tiled_client.stream")


class Subscription(CallbackSubscription[U]):
    """A subscription to one node.

    Add callbacks, then `start()` (which blocks) or `start_in_thread()`; or go through `updates()`.
    Callbacks are called one after another on one thread: for each update in order, those of a
    registry in the order in which they were added. A lost connection is made anew by itself, and
    continues after the last update received; no update is handed out twice.

    Registries, besides those that say what is new (`new_data`; `child_created`,
    `child_metadata_updated` and `child_deleted`):

    - `gap`: updates do not come, and why. Called with a `Gap`.
    - `reset`: the numbering has begun again, and with it the stream. Called with a `Reset`.
    - `stream_closed`: the producer says that no more is to be expected. Called with the
      subscription.
    - `disconnected`: it is over, for whatever reason; the last call of all. Called with the
      subscription, whose `closed` and `error` tell why.
    - `callback_error`: a callback raised. Called with a `CallbackFailure`; it is logged as well,
      and the stream goes on.

    Options are those of `StreamOptions`. A subscription is started once; make another to go on.

        >>> sub = x.subscribe()
        >>> _ = sub.new_data.add_callback(lambda update: print(update.sequence, update.data()))
        >>> with sub.start_in_thread(0):
        ...     x.write([4, 5, 6])
        ...     x.close_stream()
        ...     sub.wait()
        1 [1 2 3]
        2 [4 5 6]
        True
    """

    def __init__(
        self, node: Node, wants: SubscriptionOptions | None = None, **options: Any
    ) -> None:
        super().__init__(node, wants, **options)
        self._lock = threading.Lock()
        self._dispatcher: DedicatedDispatcher | SharedDispatcher | None = None
        self._started = self._ending = False
        self._ready = threading.Event()
        self._finished = threading.Event()
        # What an iterator is to get that shares its connection with others.
        self._queue: Inbox[Delivery] | None = None

    def start(
        self,
        start: Start = None,
        *,
        start_time: StartTime | None = None,
        epoch: str | None = None,
        timeout: float = 15.0,
    ) -> None:
        """Handle updates on this thread until the stream is closed or disconnected.

        The arguments are those of `start_in_thread`. Raises what ended the subscription.

            >>> sub = x.subscribe()
            >>> _ = sub.new_data.add_callback(lambda update: print(update.data()))
            >>> x.close_stream()
            >>> sub.start("latest")
            [1 2 3]
        """
        dispatcher = self._begin(start, start_time, epoch, timeout)
        if isinstance(dispatcher, DedicatedDispatcher):
            dispatcher.run()
        self.wait()

    def start_in_thread(
        self,
        start: Start = None,
        *,
        start_time: StartTime | None = None,
        epoch: str | None = None,
        timeout: float = 15.0,
    ) -> Self:
        """Handle updates on a thread of their own; returns when the stream has begun.

        `start` is a sequence number to begin with, 0 for the oldest that the server retains,
        "latest" for the newest, or None for what comes from now on. `start_time` is a moment
        instead: a datetime, or seconds since 1970. `epoch` says which run of the numbering `start`
        belongs to; if that is over, `reset` is called, and everything retained is sent.

        Raises NodeNotFound, Unauthorized and the like at once, and whatever else prevents it after
        `timeout` seconds.
        """
        dispatcher = self._begin(start, start_time, epoch, timeout)
        if isinstance(dispatcher, DedicatedDispatcher):
            dispatcher.run_in_thread()
        return self

    def updates(
        self,
        start: Start = None,
        *,
        start_time: StartTime | None = None,
        epoch: str | None = None,
        timeout: float = 15.0,
    ) -> Updates[U]:
        """Go through the updates in a loop, instead of being called.

        The arguments are those of `start_in_thread`. Callbacks are called as well, by the loop.

            >>> sub = x.subscribe()
            >>> for update in sub.updates(start=0):
            ...     print(update.sequence, update.data())
            ...     x.close_stream()
            1 [1 2 3]
        """
        if self._dispatcher is not None:
            self._queue = Inbox(self._options.buffer_bytes)
        dispatcher = self._begin(start, start_time, epoch, timeout)
        if isinstance(dispatcher, DedicatedDispatcher):
            dispatcher.handler = threading.current_thread()
            return Updates(self, dispatcher.receiver.inbox, dispatcher.finish)
        assert self._queue is not None
        return Updates(self, self._queue, self._queue.close)

    def disconnect(self, timeout: float = 10.0) -> None:
        """Stop. What was received and not yet handled is dropped.

        A callback that is running is waited for, up to `timeout` seconds. Called from inside a
        callback it returns at once, and no update after the one in hand is handled.

            >>> sub = x.subscribe().start_in_thread()
            >>> sub.disconnect()
            >>> sub.wait(), sub.closed, sub.error
            (True, False, None)
        """
        with self._lock:
            if not self._started:
                self._ended = True
                self._finished.set()
                return
        dispatcher, state = self._dispatcher, self._state
        assert dispatcher is not None
        assert state is not None
        dispatcher.unsubscribe(state)
        if not dispatcher.in_handler:
            self._finished.wait(timeout)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is over; False if that takes longer. Raises what ended the subscription.

        >>> sub = x.subscribe().start_in_thread()
        >>> sub.wait(timeout=0.1)
        False
        >>> x.delete(external_only=False)
        >>> sub.wait()
        Traceback (most recent call last):
        tiled_client.errors.NodeDeleted: 4010: Node deleted
        """
        if not self._finished.wait(timeout):
            return False
        if self._error is not None:
            raise self._error
        return True

    def use_dispatcher(self, dispatcher: SharedDispatcher) -> Self:
        """Use a connection that there is, and others use as well."""
        self._dispatcher = dispatcher
        return self

    def mark_ready(self) -> None:
        """It has begun, or it never will."""
        self._ready.set()

    def handle(self, delivery: Delivery) -> None:
        """Call whoever wants to hear of it, or keep it for the iterator that goes through it."""
        if self._queue is None:
            self.perform(delivery.event)
        elif not self._queue.put(delivery, delivery.size):
            self.perform(delivery.state.end(None))

    def perform(self, event: Any) -> None:
        """Call whoever wants to hear of it."""
        if isinstance(event, Ended) and not self._may_end():
            return
        for callback, argument in self._calls(event):
            try:
                callback(argument)
            except Exception as error:  # noqa: BLE001 - whatever a callback raises is reported
                self._report(CallbackFailure(callback, argument, error))
        if isinstance(event, Ended):
            self._finished.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.disconnect()

    def _begin(
        self, start: Start, start_time: StartTime | None, epoch: str | None, timeout: float
    ) -> DedicatedDispatcher | SharedDispatcher:
        with self._lock:
            state = self._create_state(start, start_time, epoch)
            dispatcher = self._dispatcher = self._dispatcher or self._dedicated_dispatcher(state)
            self._started = True
        try:
            dispatcher.subscribe(state, self._ready, timeout)
        except BaseException as error:
            dispatcher.unsubscribe(state)
            self.perform(Ended(error if isinstance(error, TiledClientError) else None))
            raise
        return dispatcher

    def _dedicated_dispatcher(self, state: SubscriptionState) -> DedicatedDispatcher:
        conversation: StreamProtocol
        if self.recursive:
            conversation = several = MultiplexedProtocol(self.node.api_root)
            several.add(state)
        else:
            conversation = SingleNodeProtocol(state)
        return DedicatedDispatcher(Receiver(conversation, self.node.credentials, self._options))

    def _may_end(self) -> bool:
        """Whether this is the first time that it is said to be over."""
        with self._lock:
            first, self._ending = not self._ending, True
        return first

    def _report(self, failure: CallbackFailure) -> None:
        for callback, argument in self._calls_about(failure):
            try:
                callback(argument)
            except Exception:
                logger.exception("A callback for failed callbacks failed: %r", callback)


class ContainerSubscription(ChildCallbacks, Subscription[ContainerUpdate]):
    """A subscription to a container: its children, new and gone, and changes of their metadata."""


class DataSubscription(DataCallbacks, Subscription[DataUpdate]):
    """A subscription to a node with data, as an array or a table: what is written to it."""


class RecursiveSubscription(RecursiveCallbacks, Subscription[ContainerUpdate | DataUpdate]):
    """A subscription to a container and everything below it, what is created later included.

    It has the registries of both other kinds. Each update says whose it is: `update.path`,
    `update.node`. Besides, `node_closed` is called with a `NodeClosed` when the stream of one of
    the nodes is over.

        >>> sub = client.subscribe(recursive=True)
        >>> with sub.updates() as updates:
        ...     x.write([4, 5, 6])
        ...     update = next(updates)
        >>> update.path[-1], update.data()
        ('x', array([4, 5, 6]))
    """
