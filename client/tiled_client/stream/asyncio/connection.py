"""One connection for the streams of many nodes, held by tasks of an event loop."""

from __future__ import annotations

from typing import Any, Literal, Self, overload

from ...errors import StreamTimeout
from ..engine.callbacks import stream_options
from ..engine.multiplexed import MultiplexedProtocol
from ..protocol.streamed_node import StreamedContainer, StreamedNode
from .dispatcher import AsyncSharedDispatcher, wait_for
from .driver import TaskDriver
from .subscription import (
    AsyncContainerSubscription,
    AsyncDataSubscription,
    AsyncRecursiveSubscription,
)


class AsyncStreamConnection:
    """The async counterpart of `StreamConnection`.

    Examples
    --------
    >>> async def follow():
    ...     async with client.connect_stream_async() as stream:
    ...         async for update in stream.subscribe(x).updates(start=0):
    ...             print(update.data())
    >>> x.close_stream()
    >>> asyncio.run(follow())
    [1 2 3]
    """

    def __init__(self, node: StreamedNode, **options: Any) -> None:
        protocol = MultiplexedProtocol(node.api_root)
        driver = TaskDriver(protocol, node.credentials, stream_options(options, "a connection"))
        self._dispatcher = AsyncSharedDispatcher(driver, protocol)
        self._root = node.api_root

    async def open(self, timeout: float = 15.0) -> Self:
        """Connect, as the beginning of an `async with` block does.

        Raises the error that prevents it.
        """
        driver = self._dispatcher.driver
        driver.start()
        await wait_for(driver.opened, timeout)
        if driver.engine.over or not driver.opened.is_set():
            await self.close()
            raise driver.engine.failure or StreamTimeout(
                f"{self._root} did not accept a connection within {timeout:g} s (argument timeout)."
            )
        self._dispatcher.run_in_task()
        return self

    async def close(self) -> None:
        """End all subscriptions and disconnect, as the end of an `async with` block does."""
        driver, handler = self._dispatcher.driver, self._dispatcher.handler
        driver.stop()
        await driver.wait_closed()
        # A task cannot wait for itself.
        if handler is not None and not self._dispatcher.in_handler:
            await handler

    @overload
    def subscribe(
        self, node: StreamedContainer, *, recursive: Literal[True], **options: Any
    ) -> AsyncRecursiveSubscription: ...
    @overload
    def subscribe(
        self, node: StreamedContainer, *, recursive: Literal[False] = False, **options: Any
    ) -> AsyncContainerSubscription: ...
    @overload
    def subscribe(self, node: StreamedNode, **options: Any) -> AsyncDataSubscription: ...

    def subscribe(self, node: Any, **options: Any) -> Any:
        """Return a subscription to a node over this connection, to be started like any other."""
        if not hasattr(node, "subscribe_async"):
            raise TypeError(f"{node!r} has no stream")
        return node.subscribe_async(**options).use_dispatcher(self._dispatcher)

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()
