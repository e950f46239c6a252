"""One connection for the streams of many nodes, held by tasks of an event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self, overload

from ...errors import StreamTimeout
from ...settings import StreamOptions
from ..engine.multiplexed import MultiplexedProtocol
from ..sync.connection import checked
from .dispatcher import AsyncSharedDispatcher, wait_for
from .receiver import AsyncReceiver
from .subscription import (
    AsyncContainerSubscription,
    AsyncDataSubscription,
    AsyncRecursiveSubscription,
)

if TYPE_CHECKING:
    from ...nodes import Node
    from ...nodes.container import Container


class AsyncStreamConnection:
    """The async twin of `StreamConnection`.

    >>> async def follow():
    ...     async with client.connect_stream_async() as stream:
    ...         async for update in stream.subscribe(x).updates(start=0):
    ...             print(update.data())
    >>> x.close_stream()
    >>> asyncio.run(follow())
    [1 2 3]
    """

    def __init__(self, node: Node, **options: Any) -> None:
        self._options = StreamOptions(**checked(options))
        conversation = MultiplexedProtocol(node.api_root)
        receiver = AsyncReceiver(conversation, node.credentials, self._options)
        self._dispatcher = AsyncSharedDispatcher(receiver, conversation)
        self._root = node.api_root

    async def open(self, timeout: float = 15.0) -> Self:
        """Connect; the begin of an `async with` block does so. Raises what stands against it."""
        receiver = self._dispatcher.receiver
        receiver.start()
        await wait_for(receiver.open, timeout)
        if receiver.over or not receiver.open.is_set():
            await self.close()
            raise receiver.failure or StreamTimeout(
                f"{self._root} did not accept a connection within {timeout:g} s."
            )
        self._dispatcher.run_in_task()
        return self

    async def close(self) -> None:
        """Disconnect everything; the end of an `async with` block does so."""
        self._dispatcher.receiver.stop()
        await self._dispatcher.receiver.wait_closed()
        handler = self._dispatcher.handler
        if handler is not None and not self._dispatcher.in_handler:
            await handler

    @overload
    def subscribe(
        self, node: Container, *, recursive: Literal[True], **wants: Any
    ) -> AsyncRecursiveSubscription: ...
    @overload
    def subscribe(
        self, node: Container, *, recursive: Literal[False] = False, **wants: Any
    ) -> AsyncContainerSubscription: ...
    @overload
    def subscribe(self, node: Node, **wants: Any) -> AsyncDataSubscription: ...

    def subscribe(self, node: Node, **wants: Any) -> Any:
        """A subscription to a node over this connection, to be started like any other."""
        return node.subscription_over(self._dispatcher, **wants)

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()
