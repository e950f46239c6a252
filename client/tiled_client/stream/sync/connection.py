"""One connection for the streams of many nodes."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Literal, Self, overload

from ...errors import StreamTimeout
from ...settings import StreamOptions
from ..engine.multiplexed import MultiplexedProtocol
from .dispatcher import SharedDispatcher
from .receiver import Receiver
from .subscription import ContainerSubscription, DataSubscription, RecursiveSubscription

if TYPE_CHECKING:
    from ...nodes import Node
    from ...nodes.container import Container


class StreamConnection:
    """One connection over which the streams of many nodes are followed.

    Subscriptions are made by `subscribe`, started and ended at any time, also in callbacks. The
    callbacks of all of them are called on one thread, one after another. A lost connection is made
    anew by itself; each subscription goes on from where it stood.

        >>> with client.connect_stream() as stream:
        ...     sub = stream.subscribe(x)
        ...     _ = sub.new_data.add_callback(lambda update: print(update.data()))
        ...     _ = sub.start_in_thread(start=0)
        ...     x.close_stream()
        ...     sub.wait()
        [1 2 3]
        True

    Options are those of `StreamOptions`, for all that is subscribed to. Tiled 0.2.20 has no such
    connections: NotSupported is raised.
    """

    def __init__(self, node: Node, **options: Any) -> None:
        self._options = StreamOptions(**checked(options))
        self._conversation = MultiplexedProtocol(node.api_root)
        receiver = Receiver(self._conversation, node.credentials, self._options)
        self._dispatcher = SharedDispatcher(receiver, self._conversation)
        self._root = node.api_root

    def open(self, timeout: float = 15.0) -> Self:
        """Connect; the begin of a `with` block does so. Raises what stands against it."""
        receiver = self._dispatcher.receiver
        receiver.start()
        receiver.open.wait(timeout)
        if receiver.over or not receiver.open.is_set():
            self.close()
            raise receiver.failure or StreamTimeout(
                f"{self._root} did not accept a connection within {timeout:g} s."
            )
        self._dispatcher.run_in_thread()
        return self

    def close(self) -> None:
        """Disconnect everything; the end of a `with` block does so."""
        self._dispatcher.receiver.stop()
        handler = self._dispatcher.handler
        if handler is not None and not self._dispatcher.in_handler:
            handler.join(10.0)

    @overload
    def subscribe(
        self, node: Container, *, recursive: Literal[True], **wants: Any
    ) -> RecursiveSubscription: ...
    @overload
    def subscribe(
        self, node: Container, *, recursive: Literal[False] = False, **wants: Any
    ) -> ContainerSubscription: ...
    @overload
    def subscribe(self, node: Node, **wants: Any) -> DataSubscription: ...

    def subscribe(self, node: Node, **wants: Any) -> Any:
        """A subscription to a node over this connection, to be started like any other.

        The arguments are those of the node's own `subscribe`, but for the options of the
        connection. It is ended by its `disconnect()`.

            >>> with client.connect_stream() as stream:
            ...     sub = stream.subscribe(x, slice="::2").start_in_thread()
            ...     everything = stream.subscribe(client, recursive=True).start_in_thread()
            ...     sub.disconnect()
        """
        return node.subscription_over(self._dispatcher, **wants)

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()


def checked(options: dict[str, Any]) -> dict[str, Any]:
    """The options of a connection. Raises TypeError for others."""
    unknown = set(options) - {option.name for option in fields(StreamOptions)}
    if unknown:
        raise TypeError(f"there is no option {unknown.pop()!r} of a connection")
    return options
