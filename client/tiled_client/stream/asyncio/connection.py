"""One connection for the streams of many nodes, held by tasks of an event loop."""

from __future__ import annotations

import logging
from typing import Any, Literal, Self, overload

from ...errors import StreamTimeout
from ..engine.callbacks import stream_options
from ..engine.connection_callbacks import ConnectionCallbacks, ConnectionObserver
from ..engine.multiplexed import MultiplexedProtocol
from ..engine.stream_engine import StreamEngine
from ..engine.subscription_state import Delivery
from ..protocol.streamed_node import StreamedContainer, StreamedNode
from .dispatcher import AsyncSharedDispatcher, wait_for
from .driver import TaskDriver
from .subscription import (
    AsyncContainerSubscription,
    AsyncDataSubscription,
    AsyncRecursiveSubscription,
    run_callback,
)

logger = logging.getLogger("tiled_client.stream")


class AsyncStreamConnection(ConnectionCallbacks):
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
        super().__init__()
        protocol = MultiplexedProtocol(node.api_root, ConnectionObserver(self))
        driver = TaskDriver(protocol, node, stream_options(options, "a connection"))
        self._dispatcher = AsyncSharedDispatcher(driver, protocol)
        self._root = node.api_root

    async def open(self, timeout: float = 15.0) -> Self:
        """Connect, as the beginning of an `async with` block does.

        Parameters
        ----------
        timeout
            Seconds to wait for the connection.

        Returns
        -------
        AsyncStreamConnection
            The connection itself.

        Raises
        ------
        TiledClientError
            The error that prevents the connection.
        StreamTimeout
            If there was no connection after `timeout` seconds.
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
        """Return a subscription to a node over this connection, to be started like any other.

        It is ended by its `disconnect()`, or with the connection.

        Parameters
        ----------
        node
            The client object of any node of the same server.
        **options
            Those of the node's `subscribe`, except those of `StreamOptions`.

        Returns
        -------
        AsyncDataSubscription, AsyncContainerSubscription or AsyncRecursiveSubscription
            A subscription that has not been started.

        Raises
        ------
        TypeError
            If the node has no stream.
        """
        subscribe = getattr(node, "subscribe_async", None) or getattr(node, "subscribe", None)
        if subscribe is None:
            raise TypeError(f"{node!r} has no stream")
        return subscribe(**options).use_dispatcher(self._dispatcher)

    async def handle(self, delivery: Delivery) -> None:
        """Call the callbacks of the connection itself."""
        for callback in getattr(self, delivery.event.topic):  # type: ignore[union-attr]
            try:
                await run_callback((callback, delivery.event))
            except Exception:
                logger.exception("Callback %r of a connection failed", callback)

    def _engine(self) -> StreamEngine:
        return self._dispatcher.driver.engine

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()
