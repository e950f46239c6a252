"""Going through updates with `async for`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

from ..engine.subscription_state import Delivery, Listening
from ..protocol.notices import Ended
from ..updates import Update
from .dispatcher import AsyncOwnLine, AsyncSharedLine
from .inbox import AsyncInbox

if TYPE_CHECKING:
    from .subscription import AsyncSubscription

U = TypeVar("U", bound=Update, covariant=True)

Begun = tuple[AsyncInbox[Delivery], AsyncOwnLine | AsyncSharedLine, Listening]


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
        self._line: AsyncOwnLine | AsyncSharedLine | None = None
        self._listening: Listening | None = None
        self._inbox: AsyncIterator[Delivery] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> U:
        if self._inbox is None:
            await self._start()
        assert self._inbox is not None
        async for delivery in self._inbox:
            event: Any = delivery.event
            if delivery.listening.stopped and not isinstance(event, Ended):
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
        if self._line is not None and self._listening is not None:
            await self._line.leave(self._listening)
        await self._finish()

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        loop, line, listening = self._loop, self._line, self._listening
        if line is not None and listening is not None and loop is not None and loop.is_running():
            loop.call_soon_threadsafe(line.abandon, listening)

    async def _start(self) -> None:
        self._loop = asyncio.get_running_loop()
        inbox, self._line, self._listening = await self._begin()
        self._inbox = aiter(inbox)

    async def _finish(self) -> None:
        line, self._line = self._line, None
        if line is None or self._listening is None:
            return
        if isinstance(line, AsyncOwnLine):
            await line.finish()
        await self.subscription.perform(self._listening.end(None))
