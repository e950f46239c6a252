"""One connection for the streams of many nodes."""

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
from .dispatcher import SharedDispatcher
from .driver import ThreadDriver
from .subscription import ContainerSubscription, DataSubscription, RecursiveSubscription

logger = logging.getLogger("tiled_client.stream")


class StreamConnection(ConnectionCallbacks):
    """One connection for the streams of many nodes.

    Subscriptions are made by `subscribe`, and can be started and ended at any time, also in
    callbacks. The callbacks of all of them are called on one thread, one after another. A lost
    connection is replaced; each subscription resumes after the last update received.

    `connection_lost` and `connection_restored` are registries of callbacks about the connection
    itself, called like those of subscriptions; `state` and `connected` tell how it is.

    Options are those of `StreamOptions`, for all subscriptions. Tiled 0.2.20 has no such
    connections: NotSupported is raised.

    Examples
    --------
    >>> with client.connect_stream() as stream:
    ...     sub = stream.subscribe(x)
    ...     _ = sub.new_data.add_callback(lambda update: print(update.data()))
    ...     _ = sub.start_in_thread(start=0)
    ...     x.close_stream()
    ...     sub.wait()
    [1 2 3]
    True
    """

    def __init__(self, node: StreamedNode, **options: Any) -> None:
        super().__init__()
        protocol = MultiplexedProtocol(node.api_root, ConnectionObserver(self))
        driver = ThreadDriver(protocol, node, stream_options(options, "a connection"))
        self._dispatcher = SharedDispatcher(driver, protocol)
        self._root = node.api_root

    def open(self, timeout: float = 15.0) -> Self:
        """Connect, as the beginning of a `with` block does.

        Parameters
        ----------
        timeout
            Seconds to wait for the connection.

        Returns
        -------
        StreamConnection
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
        driver.opened.wait(timeout)
        if driver.engine.over or not driver.opened.is_set():
            self.close()
            raise driver.engine.failure or StreamTimeout(
                f"{self._root} did not accept a connection within {timeout:g} s (argument timeout)."
            )
        self._dispatcher.run_in_thread()
        return self

    def close(self) -> None:
        """End all subscriptions and disconnect, as the end of a `with` block does."""
        self._dispatcher.driver.stop()
        handler = self._dispatcher.handler
        # A thread cannot wait for itself.
        if handler is not None and not self._dispatcher.in_handler:
            handler.join(10.0)

    @overload
    def subscribe(
        self, node: StreamedContainer, *, recursive: Literal[True], **options: Any
    ) -> RecursiveSubscription: ...
    @overload
    def subscribe(
        self, node: StreamedContainer, *, recursive: Literal[False] = False, **options: Any
    ) -> ContainerSubscription: ...
    @overload
    def subscribe(self, node: StreamedNode, **options: Any) -> DataSubscription: ...

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
        DataSubscription, ContainerSubscription or RecursiveSubscription
            A subscription that has not been started.

        Raises
        ------
        TypeError
            If the node has no stream.

        Examples
        --------
        >>> with client.connect_stream() as stream:
        ...     sub = stream.subscribe(x, slice="::2").start_in_thread()
        ...     everything = stream.subscribe(client, recursive=True).start_in_thread()
        ...     sub.disconnect()
        """
        if not hasattr(node, "subscribe"):
            raise TypeError(f"{node!r} has no stream")
        return node.subscribe(**options).use_dispatcher(self._dispatcher)

    def handle(self, delivery: Delivery) -> None:
        """Call the callbacks of the connection itself."""
        for callback in getattr(self, delivery.event.topic):  # type: ignore[union-attr]
            try:
                callback(delivery.event)
            except Exception:
                logger.exception("Callback %r of a connection failed", callback)

    def _engine(self) -> StreamEngine:
        return self._dispatcher.driver.engine

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()
