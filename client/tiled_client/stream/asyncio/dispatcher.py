"""A connection, and the task that calls the callbacks of what is received over it."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager, nullcontext, suppress

from ..engine.multiplexed import MultiplexedProtocol
from ..engine.subscription_state import Delivery, SubscriptionState
from ..engine.websocket_options import require_started
from ..protocol.notices import Ended
from .receiver import AsyncReceiver


class AsyncDispatcher:
    """What one or several subscriptions share: a task that receives, and one that handles."""

    stops_when_empty = False

    def __init__(self, receiver: AsyncReceiver) -> None:
        self.receiver = receiver
        self.handler: asyncio.Task[None] | None = None
        self.states: list[SubscriptionState] = []

    @property
    def in_handler(self) -> bool:
        """Whether this is the task that calls the callbacks."""
        return self.handler is asyncio.current_task()

    async def run(self) -> None:
        """Handle what is received, in this task, until there is no more."""
        self.handler = asyncio.current_task()
        try:
            async for delivery in self.receiver.inbox:
                await self._dispatch(delivery)
                if self.stops_when_empty and not self.states:
                    break
        finally:
            await self.finish()

    def run_in_task(self) -> None:
        """Handle what is received in a task of its own."""
        self.handler = asyncio.create_task(self.run(), name="tiled-callbacks")

    async def finish(self) -> None:
        """No more is handled: say so to those who do not know."""
        self.receiver.stop()
        await self.receiver.wait_closed()
        for state in list(self.states):
            await state.owner.handle(Delivery(state, state.end(None)))

    async def _dispatch(self, delivery: Delivery) -> None:
        """Give something to the subscription that it is for, unless it wants no more."""
        state, over = delivery.state, isinstance(delivery.event, Ended)
        if over and state in self.states:
            self.states.remove(state)
        if over or not state.stopped:
            await state.owner.handle(delivery)


class AsyncDedicatedDispatcher(AsyncDispatcher):
    """The dispatcher of a subscription that has its own connection."""

    stops_when_empty = True

    async def subscribe(
        self, state: SubscriptionState, ready: asyncio.Event, timeout: float
    ) -> None:
        """Connect, and wait until it has begun. Raises what stood against it until then."""
        self.states.append(state)
        self.receiver.start()
        await wait_for(ready, timeout)
        require_started(state, self.receiver.failure, timeout)

    async def unsubscribe(self, state: SubscriptionState) -> None:
        """Close the connection."""
        self.unsubscribe_soon(state)
        await self.receiver.wait_closed()

    def unsubscribe_soon(self, state: SubscriptionState) -> None:
        """Begin to close the connection."""
        state.stop()
        self.receiver.stop()


class AsyncSharedDispatcher(AsyncDispatcher):
    """The dispatcher of a connection for several nodes."""

    def __init__(self, receiver: AsyncReceiver, conversation: MultiplexedProtocol) -> None:
        super().__init__(receiver)
        self._conversation = conversation
        self._leaving: set[asyncio.Task[None]] = set()

    async def subscribe(
        self, state: SubscriptionState, ready: asyncio.Event, timeout: float
    ) -> None:
        """Subscribe, and wait until it has begun. Raises what stood against it until then."""
        self.states.append(state)
        # In a callback there is nobody who would make room for what comes before the answer.
        room: AbstractContextManager[None] = (
            self.receiver.inbox.without_limit() if self.in_handler else nullcontext()
        )
        with room:
            await self.receiver.tell(lambda: self._conversation.add(state))
            await wait_for(ready, timeout)
        require_started(state, self.receiver.failure, timeout)

    async def unsubscribe(self, state: SubscriptionState) -> None:
        """Unsubscribe."""
        state.stop()
        if state in self.states:
            self.states.remove(state)
        if not self.receiver.over:
            await self.receiver.tell(lambda: self._conversation.remove(state))
        self.receiver.inbox.put_first(Delivery(state, state.end(None)))

    def unsubscribe_soon(self, state: SubscriptionState) -> None:
        """Begin to unsubscribe."""
        task = asyncio.get_running_loop().create_task(self.unsubscribe(state))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


async def wait_for(event: asyncio.Event, timeout: float | None) -> bool:
    """Whether an event has happened within so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout):
            await event.wait()
    return event.is_set()
