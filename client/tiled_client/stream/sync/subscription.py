"""Subscriptions whose callbacks are called on a thread, and iterators that block."""

from __future__ import annotations

import logging
import threading
from typing import Any, NoReturn, Self, TypeVar, Unpack

from ...docstrings import same_parameters
from ...errors import TiledClientError
from ..engine.callbacks import (
    CallbackFailure,
    CallbackSubscription,
    ChildCallbacks,
    DataCallbacks,
    RecursiveCallbacks,
)
from ..engine.multiplexed import MultiplexedProtocol
from ..engine.stream_protocol import SingleNodeProtocol, StreamProtocol
from ..engine.subscription_state import Delivery, SubscriptionState
from ..protocol.notices import Ended
from ..protocol.streamed_node import StreamedNode
from ..protocol.subscription_options import (
    DEFAULT_START_TIMEOUT,
    Start,
    StartOptions,
    SubscriptionOptions,
)
from ..updates import ContainerUpdate, DataUpdate, Update
from .dispatcher import DedicatedDispatcher, SharedDispatcher
from .driver import ThreadDriver
from .inbox import Inbox
from .iteration import Updates

U = TypeVar("U", bound=Update, covariant=True)

logger = logging.getLogger("tiled_client.stream")


class Subscription(CallbackSubscription[U]):
    """A subscription to one node.

    Add callbacks, then call `start()` (which blocks) or `start_in_thread()`; or iterate over
    `updates()`. Callbacks are called one after another on one thread: for each update in order,
    those of a registry in the order in which they were added. A lost connection is replaced, and
    the subscription resumes after the last update received; no update is delivered twice.

    Registries, besides those of updates (`new_data`; `child_created`, `child_metadata_updated` and
    `child_deleted`):

    - `gap`: updates are missing, and why. Called with a `Gap`.
    - `reset`: the numbering of the stream restarted. Called with a `Reset`.
    - `connection_lost`: the connection was lost, and is being replaced. Called with a
      `ConnectionLost`; `state` is "reconnecting" then.
    - `connection_restored`: it was replaced. Called with a `ConnectionRestored`.
    - `stream_closed`: the producer closed the stream. Called with the subscription.
    - `disconnected`: the subscription is over, whatever the reason; the last call of all. Called
      with the subscription, whose `closed` and `error` give the reason.
    - `callback_error`: a callback raised. Called with a `CallbackFailure`, which is logged as well;
      the stream continues.

    Options are those of `StreamOptions`. A subscription is started once; make another to resume.

    Examples
    --------
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
        self, node: StreamedNode, filters: SubscriptionOptions | None = None, **options: Any
    ) -> None:
        super().__init__(node, filters, **options)
        self._lock = threading.Lock()
        self._dispatcher: DedicatedDispatcher | SharedDispatcher | None = None
        self._started = self._ending = False
        self._ready = threading.Event()
        self._finished = threading.Event()
        # Events for an iterator, where the connection's inbox has those of others as well.
        self._queue: Inbox[Delivery] | None = None

    def start_in_thread(self, start: Start = None, **options: Unpack[StartOptions]) -> Self:
        """Handle updates on a separate thread; return when the stream has started.

        Parameters
        ----------
        start
            The sequence number to start with: 0 for the oldest that the server retains, "latest"
            for the newest, None for new updates only.
        **options
            `start_time`: a time in place of `start`, a datetime or seconds since 1970. `epoch`: the
            run of the numbering that `start` belongs to; if that is over, `reset` is called, and
            everything retained is sent. `timeout`: seconds to wait for the start, 15 by default.

        Returns
        -------
        Subscription
            The subscription itself, whose `with` block ends it.

        Raises
        ------
        NodeNotFound, Unauthorized
            At once, as any other error that is final.
        TransportError, StreamTimeout
            After `timeout` seconds.
        """
        dispatcher = self._begin(start, options)
        if isinstance(dispatcher, DedicatedDispatcher):
            dispatcher.run_in_thread()
        return self

    @same_parameters(start_in_thread)
    def start(self, start: Start = None, **options: Unpack[StartOptions]) -> None:
        """Handle updates on this thread until the stream is closed or disconnected.

        The error that ended the subscription is raised, too.

        Examples
        --------
        >>> sub = x.subscribe()
        >>> _ = sub.new_data.add_callback(lambda update: print(update.data()))
        >>> x.close_stream()
        >>> sub.start("latest")
        [1 2 3]
        """
        dispatcher = self._begin(start, options)
        if isinstance(dispatcher, DedicatedDispatcher):
            dispatcher.run()
        self.wait()

    @same_parameters(start_in_thread)
    def updates(self, start: Start = None, **options: Unpack[StartOptions]) -> Updates[U]:
        """Return an iterator over the updates, in place of callbacks.

        Callbacks are called as well, by the loop.

        Returns
        -------
        Updates
            An iterator that has started, and whose `with` block ends the subscription.

        Examples
        --------
        >>> sub = x.subscribe()
        >>> for update in sub.updates(start=0):
        ...     print(update.sequence, update.data())
        ...     x.close_stream()
        1 [1 2 3]
        """
        self.require_new()
        if self._dispatcher is not None:
            self._queue = Inbox(self._options.buffer_bytes)
        dispatcher = self._begin(start, options)
        if isinstance(dispatcher, DedicatedDispatcher):
            dispatcher.handler = threading.current_thread()
            return Updates(self, dispatcher.driver.inbox, dispatcher.finish)
        assert self._queue is not None
        return Updates(self, self._queue, self._queue.close)

    def disconnect(self, timeout: float = 10.0) -> None:
        """End the subscription, and drop updates that were not handled yet.

        In a callback it returns at once, and no update after the current one is handled.

        Parameters
        ----------
        timeout
            Seconds to wait for a callback that is running.
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
        """Wait until the subscription is over.

        Parameters
        ----------
        timeout
            Seconds to wait; by default as long as it lasts.

        Returns
        -------
        bool
            False if it was not over after `timeout` seconds.

        Raises
        ------
        TiledClientError
            The error that ended the subscription.
        RuntimeError
            If the subscription was not started.

        Examples
        --------
        >>> sub = x.subscribe().start_in_thread()
        >>> sub.wait(timeout=0.1)
        False
        >>> x.delete(external_only=False)
        >>> sub.wait()
        Traceback (most recent call last):
        tiled_client.errors.NodeDeleted: Node deleted (4010)
        """
        if not self._started and not self._ended:
            raise RuntimeError("the subscription is not started: call start_in_thread() first")
        if not self._finished.wait(timeout):
            return False
        if self._error is not None:
            raise self._error
        return True

    def use_dispatcher(self, dispatcher: SharedDispatcher) -> Self:
        """Use the connection of this dispatcher, which is shared with others."""
        self._dispatcher = dispatcher
        return self

    def mark_ready(self) -> None:
        """Record that it has started, or never will."""
        self._ready.set()

    def handle(self, delivery: Delivery) -> None:
        """Call the callbacks of an event, or queue it for the iterator."""
        if self._queue is None:
            self.perform(delivery.event)
        elif not self._queue.put(delivery, delivery.size):
            self.perform(delivery.state.end(None))

    def perform(self, event: Any) -> None:
        """Call the callbacks of an event."""
        if isinstance(event, Ended) and not self._is_first_end():
            return
        for callback, argument in self._calls_for(event):
            try:
                callback(argument)
            except Exception as error:  # noqa: BLE001 - all that a callback raises is reported
                self._report(CallbackFailure(callback, argument, error))
        if isinstance(event, Ended):
            self._finished.set()

    def __iter__(self) -> NoReturn:
        raise TypeError(
            "iterate over the updates of a subscription, as in `for u in sub.updates()`"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.disconnect()

    def _begin(self, start: Start, options: StartOptions) -> DedicatedDispatcher | SharedDispatcher:
        with self._lock:
            state = self._create_state(start, options)
            self._dispatcher = self._dispatcher or self._connect(state)
            dispatcher = self._dispatcher
            self._started = True
        try:
            timeout = options.get("timeout", DEFAULT_START_TIMEOUT)
            dispatcher.subscribe(state, self._ready, timeout)
        except BaseException as error:
            dispatcher.unsubscribe(state)
            self.perform(Ended(error if isinstance(error, TiledClientError) else None))
            raise
        return dispatcher

    def _connect(self, state: SubscriptionState) -> DedicatedDispatcher:
        protocol: StreamProtocol
        if self.recursive:
            protocol = multiplexed = MultiplexedProtocol(self.node.api_root)
            multiplexed.subscribe(state)
        else:
            protocol = SingleNodeProtocol(state)
        return DedicatedDispatcher(ThreadDriver(protocol, self.node, self._options))

    def _is_first_end(self) -> bool:
        """Return whether no other thread has handled the end."""
        with self._lock:
            first, self._ending = not self._ending, True
        return first

    def _report(self, failure: CallbackFailure) -> None:
        for callback, argument in self._calls_about(failure):
            try:
                callback(argument)
            except Exception:
                logger.exception("Callback %r of callback_error failed", callback)


class ContainerSubscription(ChildCallbacks, Subscription[ContainerUpdate]):
    """A subscription to a container: children created and deleted, and their metadata."""


class DataSubscription(DataCallbacks, Subscription[DataUpdate]):
    """A subscription to the data written to a node, such as an array or a table."""


class RecursiveSubscription(RecursiveCallbacks, Subscription[ContainerUpdate | DataUpdate]):
    """A subscription to a container and all nodes below it, those created later included.

    It has the registries of both other kinds. Each update has its node: `update.path`,
    `update.node`. In addition, `node_closed` is called with a `NodeClosed` when the stream of one
    of the nodes is over.

    Examples
    --------
    >>> sub = client.subscribe(recursive=True)
    >>> with sub.updates() as updates:
    ...     x.write([4, 5, 6])
    ...     update = next(updates)
    >>> update.path[-1], update.data()
    ('x', array([4, 5, 6]))
    """
