"""Dispatch the events of a connection to its subscriptions, in one task."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager, nullcontext, suppress

from ..engine.multiplexed import MultiplexedProtocol
from ..engine.subscription_state import Delivery, SubscriptionState
from ..engine.websocket_options import require_started
from ..protocol.notices import Ended
from .driver import TaskDriver


class AsyncDispatcher:
    """A task that receives and one that dispatches, for one or several subscriptions."""

    stops_when_empty = False

    def __init__(self, driver: TaskDriver) -> None:
        self.driver = driver
        self.handler: asyncio.Task[None] | None = None
        self.states: list[SubscriptionState] = []

    @property
    def in_handler(self) -> bool:
        """True in the task that calls the callbacks."""
        return self.handler is asyncio.current_task()

    async def run(self) -> None:
        """Dispatch events in this task until the end."""
        self.handler = asyncio.current_task()
        try:
            async for delivery in self.driver.inbox:
                await self._dispatch(delivery)
                if self.stops_when_empty and not self.states:
                    break
        finally:
            await self.finish()

    def run_in_task(self) -> None:
        """Dispatch events in a separate task."""
        self.handler = asyncio.create_task(self.run(), name="tiled-callbacks")

    async def finish(self) -> None:
        """Stop receiving, and end the subscriptions that have not ended."""
        self.driver.stop()
        await self.driver.wait_closed()
        for state in list(self.states):
            await state.owner.handle(Delivery(state, state.end(None)))

    async def _dispatch(self, delivery: Delivery) -> None:
        """Hand an event to its subscription, unless that was cancelled."""
        state, over = delivery.state, isinstance(delivery.event, Ended)
        if over and state in self.states:
            self.states.remove(state)
        if over or not state.cancelled:
            await state.owner.handle(delivery)


class AsyncDedicatedDispatcher(AsyncDispatcher):
    """The dispatcher of a subscription that has its own connection."""

    stops_when_empty = True

    async def subscribe(
        self, state: SubscriptionState, ready: asyncio.Event, timeout: float
    ) -> None:
        """Connect, and wait for the start. Raises the error that prevented it."""
        self.states.append(state)
        self.driver.start()
        await wait_for(ready, timeout)
        require_started(state, self.driver.engine.failure, timeout)

    async def unsubscribe(self, state: SubscriptionState) -> None:
        """Close the connection."""
        self.unsubscribe_soon(state)
        await self.driver.wait_closed()

    def unsubscribe_soon(self, state: SubscriptionState) -> None:
        """Start to close the connection."""
        state.cancel()
        self.driver.stop()


class AsyncSharedDispatcher(AsyncDispatcher):
    """The dispatcher of a connection for several nodes."""

    def __init__(self, driver: TaskDriver, protocol: MultiplexedProtocol) -> None:
        super().__init__(driver)
        self._protocol = protocol
        # The event loop holds weak references to tasks only.
        self._unsubscribing: set[asyncio.Task[None]] = set()

    async def subscribe(
        self, state: SubscriptionState, ready: asyncio.Event, timeout: float
    ) -> None:
        """Subscribe, and wait for the start. Raises the error that prevented it."""
        self.states.append(state)
        # Called in a callback, this blocks the task that empties the inbox: the answer would
        # never arrive behind updates that the inbox has no room for.
        limit: AbstractContextManager[None] = (
            self.driver.inbox.without_limit() if self.in_handler else nullcontext()
        )
        with limit:
            await self.driver.send(lambda: self._protocol.subscribe(state))
            await wait_for(ready, timeout)
        require_started(state, self.driver.engine.failure, timeout)

    async def unsubscribe(self, state: SubscriptionState) -> None:
        """Unsubscribe; the connection stays open for the others."""
        state.cancel()
        if state in self.states:
            self.states.remove(state)
        if not self.driver.engine.over:
            await self.driver.send(lambda: self._protocol.unsubscribe(state))
        self.driver.inbox.put_first(Delivery(state, state.end(None)))

    def unsubscribe_soon(self, state: SubscriptionState) -> None:
        """Start to unsubscribe."""
        task = asyncio.get_running_loop().create_task(self.unsubscribe(state))
        self._unsubscribing.add(task)
        task.add_done_callback(self._unsubscribing.discard)


async def wait_for(event: asyncio.Event, timeout: float | None) -> bool:
    """Wait for an event; return whether it was set within the given seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout):
            await event.wait()
    return event.is_set()
