"""Subscriptions whose callbacks are called by a task of the event loop, and async iterators."""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import TYPE_CHECKING, Any, Self, TypeVar

from ...errors import TiledClientError
from ..engine.callbacks import (
    Call,
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
from .dispatcher import AsyncDedicatedDispatcher, AsyncSharedDispatcher, wait_for
from .inbox import AsyncInbox
from .iteration import AsyncUpdates
from .receiver import AsyncReceiver

if TYPE_CHECKING:
    from ...nodes import Node

logger = logging.getLogger("tiled_client.stream")

U = TypeVar("U", bound=Update, covariant=True)


class AsyncSubscription(CallbackSubscription[U]):
    """A subscription to one node, followed by tasks of an event loop: no thread is needed.

    As `Subscription`, whose registries and properties it has. Callbacks may be async functions;
    each is awaited before the next is called. What asks the server by itself (`update.node` of a
    recursive subscription, `data()` of a reference) blocks: call it by `asyncio.to_thread`.

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
        self, node: Node, wants: SubscriptionOptions | None = None, **options: Any
    ) -> None:
        super().__init__(node, wants, **options)
        self._dispatcher: AsyncDedicatedDispatcher | AsyncSharedDispatcher | None = None
        self._started = self._ending = False
        self._ready = asyncio.Event()
        self._finished = asyncio.Event()
        # What an iterator is to get that shares its connection with others.
        self._queue: AsyncInbox[Delivery] | None = None

    async def start(
        self,
        start: Start = None,
        *,
        start_time: StartTime | None = None,
        epoch: str | None = None,
        timeout: float = 15.0,
    ) -> None:
        """Handle updates in this task until the stream is closed or disconnected.

        The arguments are those of `Subscription.start_in_thread`. Raises what ended it.
        """
        dispatcher = await self._begin(start, start_time, epoch, timeout)
        if isinstance(dispatcher, AsyncDedicatedDispatcher):
            await dispatcher.run()
        await self.wait()

    async def start_in_task(
        self,
        start: Start = None,
        *,
        start_time: StartTime | None = None,
        epoch: str | None = None,
        timeout: float = 15.0,
    ) -> Self:
        """Handle updates in a task of their own; returns when the stream has begun.

        The arguments, and what is raised, are those of `Subscription.start_in_thread`.

            >>> async def follow():
            ...     async with x.subscribe_async() as sub:
            ...         await sub.start_in_task(0)
            ...         await asyncio.to_thread(x.close_stream)
            ...         return await sub.wait()
            >>> asyncio.run(follow())
            True
        """
        dispatcher = await self._begin(start, start_time, epoch, timeout)
        if isinstance(dispatcher, AsyncDedicatedDispatcher):
            dispatcher.run_in_task()
        return self

    def updates(
        self,
        start: Start = None,
        *,
        start_time: StartTime | None = None,
        epoch: str | None = None,
        timeout: float = 15.0,
    ) -> AsyncUpdates[U]:
        """Go through the updates with `async for`, instead of being called.

        The arguments are those of `Subscription.start_in_thread`. It begins with the loop, or with
        `async with`. Callbacks are called as well, by the loop.

            >>> async def first():
            ...     async for update in x.subscribe_async().updates(start=0):
            ...         return update.data()
            >>> asyncio.run(first())
            array([1, 2, 3])
        """
        return AsyncUpdates(self, lambda: self.begin_queue(start, start_time, epoch, timeout))

    async def disconnect(self, timeout: float = 10.0) -> None:
        """Stop. What was received and not yet handled is dropped.

        A callback that is running is waited for, up to `timeout` seconds. Called from inside a
        callback it does not wait, and no update after the one in hand is handled.
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
        """Wait until it is over; False if that takes longer. Raises what ended the subscription."""
        if not await wait_for(self._finished, timeout):
            return False
        if self._error is not None:
            raise self._error
        return True

    def use_dispatcher(self, dispatcher: AsyncSharedDispatcher) -> Self:
        """Use a connection that there is, and others use as well."""
        self._dispatcher = dispatcher
        return self

    def mark_ready(self) -> None:
        """It has begun, or it never will."""
        self._ready.set()

    async def handle(self, delivery: Delivery) -> None:
        """Call whoever wants to hear of it, or keep it for the iterator that goes through it."""
        if self._queue is None:
            await self.perform(delivery.event)
        elif not await self._queue.put(delivery, delivery.size):
            await self.perform(delivery.state.end(None))

    async def perform(self, event: Any) -> None:
        """Call whoever wants to hear of it."""
        if isinstance(event, Ended):
            if self._ending:
                return
            self._ending = True
        for call in self._calls(event):
            try:
                await _made(call)
            except Exception as error:  # noqa: BLE001 - whatever a callback raises is reported
                await self._report(CallbackFailure(*call, error))
        if isinstance(event, Ended):
            self._finished.set()

    async def begin_queue(
        self, start: Start, start_time: StartTime | None, epoch: str | None, timeout: float
    ) -> tuple[
        AsyncInbox[Delivery], AsyncDedicatedDispatcher | AsyncSharedDispatcher, SubscriptionState
    ]:
        """Begin, for an iterator: where it gets its updates from."""
        if self._dispatcher is not None:
            self._queue = AsyncInbox(self._options.buffer_bytes)
        dispatcher = await self._begin(start, start_time, epoch, timeout)
        assert self._state is not None
        if self._queue is None:
            dispatcher.handler = asyncio.current_task()
        return self._queue or dispatcher.receiver.inbox, dispatcher, self._state

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.disconnect()

    async def _begin(
        self, start: Start, start_time: StartTime | None, epoch: str | None, timeout: float
    ) -> AsyncDedicatedDispatcher | AsyncSharedDispatcher:
        state = self._create_state(start, start_time, epoch)
        dispatcher = self._dispatcher = self._dispatcher or self._dedicated_dispatcher(state)
        self._started = True
        try:
            await dispatcher.subscribe(state, self._ready, timeout)
        except BaseException as error:
            await dispatcher.unsubscribe(state)
            await self.perform(Ended(error if isinstance(error, TiledClientError) else None))
            raise
        return dispatcher

    def _dedicated_dispatcher(self, state: SubscriptionState) -> AsyncDedicatedDispatcher:
        conversation: StreamProtocol
        if self.recursive:
            conversation = several = MultiplexedProtocol(self.node.api_root)
            several.add(state)
        else:
            conversation = SingleNodeProtocol(state)
        return AsyncDedicatedDispatcher(
            AsyncReceiver(conversation, self.node.credentials, self._options)
        )

    async def _report(self, failure: CallbackFailure) -> None:
        for call in self._calls_about(failure):
            try:
                await _made(call)
            except Exception:
                logger.exception("A callback for failed callbacks failed: %r", call[0])


async def _made(call: Call) -> None:
    callback, argument = call
    result = callback(argument)
    if inspect.isawaitable(result):
        await result


class AsyncContainerSubscription(ChildCallbacks, AsyncSubscription[ContainerUpdate]):
    """The async twin of `ContainerSubscription`."""


class AsyncDataSubscription(DataCallbacks, AsyncSubscription[DataUpdate]):
    """The async twin of `DataSubscription`."""


class AsyncRecursiveSubscription(
    RecursiveCallbacks, AsyncSubscription[ContainerUpdate | DataUpdate]
):
    """The async twin of `RecursiveSubscription`."""
