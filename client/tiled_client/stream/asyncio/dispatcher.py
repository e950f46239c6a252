"""A connection, and the task that calls the callbacks of what is heard over it."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager, nullcontext, suppress

from ..engine.multiplexed import MultiConversation
from ..engine.subscription_state import Delivery, Listening
from ..engine.websocket_options import expect_begun
from ..protocol.notices import Ended
from .receiver import AsyncReceiver


class AsyncLine:
    """What one or several subscriptions share: a task that receives, and one that handles."""

    ends_with_its_own = False

    def __init__(self, receiver: AsyncReceiver) -> None:
        self.receiver = receiver
        self.handler: asyncio.Task[None] | None = None
        self.listening: list[Listening] = []

    @property
    def in_handler(self) -> bool:
        """Whether this is the task that calls the callbacks."""
        return self.handler is asyncio.current_task()

    async def pump(self) -> None:
        """Handle what is heard, in this task, until there is no more."""
        self.handler = asyncio.current_task()
        try:
            async for delivery in self.receiver.inbox:
                await self._hand_out(delivery)
                if self.ends_with_its_own and not self.listening:
                    break
        finally:
            await self.finish()

    def pump_in_task(self) -> None:
        """Handle what is heard in a task of its own."""
        self.handler = asyncio.create_task(self.pump(), name="tiled-callbacks")

    async def finish(self) -> None:
        """No more is handled: say so to those who do not know."""
        self.receiver.stop()
        await self.receiver.wait_closed()
        for listening in list(self.listening):
            await listening.owner.handle(Delivery(listening, listening.end(None)))

    async def _hand_out(self, delivery: Delivery) -> None:
        """Give something to the subscription that it is for, unless it wants no more."""
        listening, over = delivery.listening, isinstance(delivery.event, Ended)
        if over and listening in self.listening:
            self.listening.remove(listening)
        if over or not listening.stopped:
            await listening.owner.handle(delivery)


class AsyncOwnLine(AsyncLine):
    """The line of a subscription that has its own connection."""

    ends_with_its_own = True

    async def admit(self, listening: Listening, settled: asyncio.Event, timeout: float) -> None:
        """Connect, and wait until it has begun. Raises what stood against it until then."""
        self.listening.append(listening)
        self.receiver.start()
        await wait_for(settled, timeout)
        expect_begun(listening, self.receiver.failure, timeout)

    async def leave(self, listening: Listening) -> None:
        """Close the connection."""
        self.abandon(listening)
        await self.receiver.wait_closed()

    def abandon(self, listening: Listening) -> None:
        """Begin to close the connection."""
        listening.stop()
        self.receiver.stop()


class AsyncSharedLine(AsyncLine):
    """The line of a connection for several nodes."""

    def __init__(self, receiver: AsyncReceiver, conversation: MultiConversation) -> None:
        super().__init__(receiver)
        self._conversation = conversation
        self._leaving: set[asyncio.Task[None]] = set()

    async def admit(self, listening: Listening, settled: asyncio.Event, timeout: float) -> None:
        """Subscribe, and wait until it has begun. Raises what stood against it until then."""
        self.listening.append(listening)
        # In a callback there is nobody who would make room for what comes before the answer.
        room: AbstractContextManager[None] = (
            self.receiver.inbox.without_limit() if self.in_handler else nullcontext()
        )
        with room:
            await self.receiver.tell(lambda: self._conversation.add(listening))
            await wait_for(settled, timeout)
        expect_begun(listening, self.receiver.failure, timeout)

    async def leave(self, listening: Listening) -> None:
        """Unsubscribe."""
        listening.stop()
        if listening in self.listening:
            self.listening.remove(listening)
        if not self.receiver.over:
            await self.receiver.tell(lambda: self._conversation.remove(listening))
        self.receiver.inbox.put_first(Delivery(listening, listening.end(None)))

    def abandon(self, listening: Listening) -> None:
        """Begin to unsubscribe."""
        task = asyncio.get_running_loop().create_task(self.leave(listening))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


async def wait_for(event: asyncio.Event, timeout: float | None) -> bool:
    """Whether an event has happened within so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout):
            await event.wait()
    return event.is_set()
