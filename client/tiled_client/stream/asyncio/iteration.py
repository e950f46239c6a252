"""Going through updates with `async for`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

from ..engine.subscription_state import Delivery, SubscriptionState
from ..protocol.notices import Ended
from ..updates import Update
from .dispatcher import AsyncDedicatedDispatcher, AsyncSharedDispatcher
from .inbox import AsyncInbox

if TYPE_CHECKING:
    from .subscription import AsyncSubscription

U = TypeVar("U", bound=Update, covariant=True)

Begun = tuple[
    AsyncInbox[Delivery], AsyncDedicatedDispatcher | AsyncSharedDispatcher, SubscriptionState
]


class AsyncUpdates(AsyncIterator[U], Generic[U]):
    """The updates of a subscription, one after another; begun with the loop, or `async with`.

    It ends when the producer closes the stream, and raises what ended it otherwise. Leaving the
    loop early disconnects; so does the end of an `async with` block, at a time that is certain.

        >>> async def first():
        ...     async with x.updates_async(start=0) as updates:
        ...         async for update in updates:
        ...             return update.data()
        >>> asyncio.run(first())
        array([1, 2, 3])
    """

    def __init__(
        self, subscription: AsyncSubscription[U], begin: Callable[[], Awaitable[Begun]]
    ) -> None:
        self.subscription = subscription
        self._begin = begin
        self._loop: asyncio.AbstractEventLoop | None = None
        self._dispatcher: AsyncDedicatedDispatcher | AsyncSharedDispatcher | None = None
        self._state: SubscriptionState | None = None
        self._inbox: AsyncIterator[Delivery] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> U:
        if self._inbox is None:
            await self._start()
        assert self._inbox is not None
        async for delivery in self._inbox:
            event: Any = delivery.event
            if delivery.state.stopped and not isinstance(event, Ended):
                continue
            await self.subscription.perform(event)
            if isinstance(event, Update):
                return cast("U", event)
            if isinstance(event, Ended):
                break
        await self._finish()
        await self.subscription.wait(0)
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Disconnect."""
        if self._dispatcher is not None and self._state is not None:
            await self._dispatcher.unsubscribe(self._state)
        await self._finish()

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        loop, dispatcher, state = self._loop, self._dispatcher, self._state
        if dispatcher is not None and state is not None and loop is not None and loop.is_running():
            loop.call_soon_threadsafe(dispatcher.unsubscribe_soon, state)

    async def _start(self) -> None:
        self._loop = asyncio.get_running_loop()
        inbox, self._dispatcher, self._state = await self._begin()
        self._inbox = aiter(inbox)

    async def _finish(self) -> None:
        dispatcher, self._dispatcher = self._dispatcher, None
        if dispatcher is None or self._state is None:
            return
        if isinstance(dispatcher, AsyncDedicatedDispatcher):
            await dispatcher.finish()
        await self.subscription.perform(self._state.end(None))
