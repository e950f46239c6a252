"""Async iterator over the updates of a subscription."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar, cast

from ..engine.subscription_state import Delivery, SubscriptionState
from ..protocol.notices import Ended
from ..updates import Update
from .dispatcher import AsyncDedicatedDispatcher, AsyncSharedDispatcher
from .inbox import AsyncInbox

U = TypeVar("U", bound=Update, covariant=True)


class AsyncIterated(Protocol):
    """The subscription of an iterator."""

    async def perform(self, event: Any) -> None:
        """Call the callbacks of an event."""

    async def wait(self, timeout: float | None = None) -> bool:
        """Raise the error that ended the subscription, if any."""


@dataclass(frozen=True, slots=True)
class Iteration:
    """A started subscription, as an iterator reads it."""

    inbox: AsyncInbox[Delivery]
    dispatcher: AsyncDedicatedDispatcher | AsyncSharedDispatcher
    state: SubscriptionState


class AsyncUpdates(AsyncIterator[U], Generic[U]):
    """An iterator over the updates of a subscription; it starts with the loop, or `async with`.

    It ends when the producer closes the stream, and raises any other error that ended it. Leaving
    the loop early disconnects when the iterator is collected; the end of an `async with` block does
    so at once.

    Examples
    --------
    >>> async def first():
    ...     async with x.updates_async(start=0) as updates:
    ...         async for update in updates:
    ...             return update.data()
    >>> asyncio.run(first())
    array([1, 2, 3])
    """

    def __init__(
        self, subscription: AsyncIterated, begin: Callable[[], Awaitable[Iteration]]
    ) -> None:
        self.subscription: Any = subscription
        self._begin = begin
        self._loop: asyncio.AbstractEventLoop | None = None
        self._iteration: Iteration | None = None
        self._inbox: AsyncIterator[Delivery] | None = None
        self._finished = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> U:
        if self._inbox is None:
            await self._start()
        assert self._inbox is not None
        async for delivery in self._inbox:
            event: Any = delivery.event
            if delivery.state.cancelled and not isinstance(event, Ended):
                continue
            await self.subscription.perform(event)
            if isinstance(event, Update):
                return cast("U", event)
            if isinstance(event, Ended):
                break
        await self._finish()
        await self.subscription.wait(0)
        raise StopAsyncIteration

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.subscription!r}>"

    async def aclose(self) -> None:
        """Disconnect."""
        if self._iteration is not None and not self._finished:
            await self._iteration.dispatcher.unsubscribe(self._iteration.state)
        await self._finish()

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        loop, iteration = self._loop, self._iteration
        if iteration is None or self._finished or loop is None or not loop.is_running():
            return
        # It may be collected on any thread.
        loop.call_soon_threadsafe(iteration.dispatcher.unsubscribe_soon, iteration.state)

    async def _start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._iteration = await self._begin()
        self._inbox = aiter(self._iteration.inbox)

    async def _finish(self) -> None:
        iteration = self._iteration
        if iteration is None or self._finished:
            return
        self._finished = True
        if isinstance(iteration.dispatcher, AsyncDedicatedDispatcher):
            await iteration.dispatcher.finish()
        await self.subscription.perform(iteration.state.end(None))
