"""Subscriptions whose callbacks are called by a task of the event loop, and async iterators."""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import Any, Self, TypeVar, Unpack

from ...docstrings import same_parameters
from ...errors import TiledClientError
from ..engine.callbacks import (
    Call,
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
from .dispatcher import AsyncDedicatedDispatcher, AsyncSharedDispatcher, wait_for
from .driver import TaskDriver
from .inbox import AsyncInbox
from .iteration import AsyncUpdates, Iteration

logger = logging.getLogger("tiled_client.stream")

U = TypeVar("U", bound=Update, covariant=True)


class AsyncSubscription(CallbackSubscription[U]):
    """A subscription to one node, followed by tasks of an event loop, without threads.

    It has the registries and properties of `Subscription`. Callbacks may be async functions; each
    is awaited before the next is called. What sends requests itself (`update.node` of a recursive
    subscription, `data()` of a reference) blocks: call it with `asyncio.to_thread`.

    Examples
    --------
    >>> async def follow():
    ...     sub = x.subscribe_async()
    ...     @sub.new_data.add_callback
    ...     async def show(update):
    ...         print(update.sequence, update.data())
    ...     await sub.start(0)
    >>> x.close_stream()
    >>> asyncio.run(follow())
    1 [1 2 3]
    """

    def __init__(
        self, node: StreamedNode, filters: SubscriptionOptions | None = None, **options: Any
    ) -> None:
        super().__init__(node, filters, **options)
        self._dispatcher: AsyncDedicatedDispatcher | AsyncSharedDispatcher | None = None
        self._started = self._ending = False
        self._ready = asyncio.Event()
        self._finished = asyncio.Event()
        # Events for an iterator, where the connection's inbox has those of others as well.
        self._queue: AsyncInbox[Delivery] | None = None

    async def start_in_task(self, start: Start = None, **options: Unpack[StartOptions]) -> Self:
        """Handle updates in a separate task; return when the stream has started.

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
        AsyncSubscription
            The subscription itself, whose `async with` block ends it.

        Raises
        ------
        NodeNotFound, Unauthorized
            At once, as any other error that is final.
        TransportError, StreamTimeout
            After `timeout` seconds.

        Examples
        --------
        >>> async def follow():
        ...     async with x.subscribe_async() as sub:
        ...         await sub.start_in_task(0)
        ...         await asyncio.to_thread(x.close_stream)
        ...         return await sub.wait()
        >>> asyncio.run(follow())
        True
        """
        dispatcher = await self._begin(start, options)
        if isinstance(dispatcher, AsyncDedicatedDispatcher):
            dispatcher.run_in_task()
        return self

    @same_parameters(start_in_task)
    async def start(self, start: Start = None, **options: Unpack[StartOptions]) -> None:
        """Handle updates in this task until the stream is closed or disconnected.

        The error that ended the subscription is raised, too.
        """
        dispatcher = await self._begin(start, options)
        if isinstance(dispatcher, AsyncDedicatedDispatcher):
            await dispatcher.run()
        await self.wait()

    @same_parameters(start_in_task)
    def updates(self, start: Start = None, **options: Unpack[StartOptions]) -> AsyncUpdates[U]:
        """Return an async iterator over the updates, in place of callbacks.

        It starts with the loop, or with `async with`. Callbacks are called as well, by the loop.

        Returns
        -------
        AsyncUpdates
            An iterator, whose `async with` block ends the subscription.

        Examples
        --------
        >>> async def first():
        ...     async for update in x.subscribe_async().updates(start=0):
        ...         return update.data()
        >>> asyncio.run(first())
        array([1, 2, 3])
        """
        return AsyncUpdates(self, lambda: self.begin_queue(start, options))

    async def disconnect(self, timeout: float = 10.0) -> None:
        """End the subscription. Updates that were received and not handled are dropped.

        In a callback it does not wait, and no update after the current one is handled.

        Parameters
        ----------
        timeout
            Seconds to wait for a callback that is running.
        """
        if not self._started:
            self._ended = True
            self._finished.set()
            return
        dispatcher, state = self._dispatcher, self._state
        assert dispatcher is not None
        assert state is not None
        await dispatcher.unsubscribe(state)
        if not dispatcher.in_handler:
            await wait_for(self._finished, timeout)

    async def wait(self, timeout: float | None = None) -> bool:
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
        """
        if not await wait_for(self._finished, timeout):
            return False
        if self._error is not None:
            raise self._error
        return True

    def use_dispatcher(self, dispatcher: AsyncSharedDispatcher) -> Self:
        """Use the connection of this dispatcher, which is shared with others."""
        self._dispatcher = dispatcher
        return self

    def mark_ready(self) -> None:
        """Record that it has started, or never will."""
        self._ready.set()

    async def handle(self, delivery: Delivery) -> None:
        """Call the callbacks of an event, or queue it for the iterator."""
        if self._queue is None:
            await self.perform(delivery.event)
        elif not await self._queue.put(delivery, delivery.size):
            await self.perform(delivery.state.end(None))

    async def perform(self, event: Any) -> None:
        """Call the callbacks of an event."""
        if isinstance(event, Ended):
            if self._ending:
                return
            self._ending = True
        for call in self._calls_for(event):
            try:
                await run_callback(call)
            except Exception as error:  # noqa: BLE001 - all that a callback raises is reported
                await self._report(CallbackFailure(*call, error))
        if isinstance(event, Ended):
            self._finished.set()

    async def begin_queue(self, start: Start, options: StartOptions) -> Iteration:
        """Start for an iterator; return the inbox that it reads."""
        if self._dispatcher is not None:
            self._queue = AsyncInbox(self._options.buffer_bytes)
        dispatcher = await self._begin(start, options)
        assert self._state is not None
        if self._queue is None:
            dispatcher.handler = asyncio.current_task()
        return Iteration(self._queue or dispatcher.driver.inbox, dispatcher, self._state)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.disconnect()

    async def _begin(
        self, start: Start, options: StartOptions
    ) -> AsyncDedicatedDispatcher | AsyncSharedDispatcher:
        state = self._create_state(start, options)
        dispatcher = self._dispatcher = self._dispatcher or self._connect(state)
        self._started = True
        try:
            timeout = options.get("timeout", DEFAULT_START_TIMEOUT)
            await dispatcher.subscribe(state, self._ready, timeout)
        except BaseException as error:
            await dispatcher.unsubscribe(state)
            await self.perform(Ended(error if isinstance(error, TiledClientError) else None))
            raise
        return dispatcher

    def _connect(self, state: SubscriptionState) -> AsyncDedicatedDispatcher:
        protocol: StreamProtocol
        if self.recursive:
            protocol = multiplexed = MultiplexedProtocol(self.node.api_root)
            multiplexed.subscribe(state)
        else:
            protocol = SingleNodeProtocol(state)
        return AsyncDedicatedDispatcher(TaskDriver(protocol, self.node, self._options))

    async def _report(self, failure: CallbackFailure) -> None:
        for call in self._calls_about(failure):
            try:
                await run_callback(call)
            except Exception:
                logger.exception("Callback %r of callback_error failed", call[0])


async def run_callback(call: Call) -> None:
    """Call a callback, and await its result if it is an async function."""
    callback, argument = call
    result = callback(argument)
    if inspect.isawaitable(result):
        await result


class AsyncContainerSubscription(ChildCallbacks, AsyncSubscription[ContainerUpdate]):
    """The async counterpart of `ContainerSubscription`."""


class AsyncDataSubscription(DataCallbacks, AsyncSubscription[DataUpdate]):
    """The async counterpart of `DataSubscription`."""


class AsyncRecursiveSubscription(
    RecursiveCallbacks, AsyncSubscription[ContainerUpdate | DataUpdate]
):
    """The async counterpart of `RecursiveSubscription`."""
