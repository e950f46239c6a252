"""Subscriptions to a container, and to all nodes below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from ..arguments import flag
from ..docstrings import same_parameters
from ..stream.protocol.subscription_options import (
    Policy,
    Start,
    SubscriptionOptions,
    UpdatesOptions,
    split_start_options,
)
from ..stream.sync.iteration import Updates
from ..stream.sync.subscription import ContainerSubscription, RecursiveSubscription, Subscription
from ..stream.updates import ContainerUpdate, DataUpdate
from .node import Node
from .stream_entry import EventStream

if TYPE_CHECKING:
    from ..ingest.asyncio.writer import AsyncIngestWriter
    from ..ingest.sync.writer import IngestWriter
    from ..stream.asyncio.iteration import AsyncUpdates
    from ..stream.asyncio.subscription import (
        AsyncContainerSubscription,
        AsyncRecursiveSubscription,
        AsyncSubscription,
    )


class StreamableContainer(Node):
    """A container; subscriptions receive events of its children, or of all nodes below it."""

    def writer(self, **options: Any) -> IngestWriter:
        """Return a connection that writes to many nodes.

        Parameters
        ----------
        **options
            Fields of `WriterOptions`.

        Returns
        -------
        IngestWriter
            A connection that a `with` block opens.

        Examples
        --------
        >>> with client.writer() as writer:
        ...     w = writer.open(x, persist=False)
        ...     w.write([7, 8, 9])
        1
        """
        from ..ingest.sync.writer import IngestWriter

        return IngestWriter(self, **options)

    def writer_async(self, **options: Any) -> AsyncIngestWriter:
        """Return a connection that writes to many nodes, for asyncio.

        Parameters
        ----------
        **options
            Fields of `WriterOptions`.

        Returns
        -------
        AsyncIngestWriter
            A connection that an `async with` block opens.

        Examples
        --------
        >>> async def write():
        ...     async with client.writer_async() as writer:
        ...         await writer.open(x, persist=False).write([7, 8, 9])
        >>> asyncio.run(write())
        """
        from ..ingest.asyncio.writer import AsyncIngestWriter

        return AsyncIngestWriter(self, **options)

    @overload
    def subscribe(
        self,
        *,
        recursive: Literal[True],
        policy: Policy | None = None,
        max_rate: float | None = None,
        **options: Any,
    ) -> RecursiveSubscription: ...
    @overload
    def subscribe(
        self,
        *,
        recursive: Literal[False] = False,
        policy: Policy | None = None,
        max_rate: float | None = None,
        **options: Any,
    ) -> ContainerSubscription: ...

    def subscribe(
        self,
        *,
        recursive: bool = False,
        policy: Policy | None = None,
        max_rate: float | None = None,
        **options: Any,
    ) -> ContainerSubscription | RecursiveSubscription:
        """Return a subscription to new, changed and deleted children.

        Parameters
        ----------
        recursive
            Subscribe to this container and all nodes below it, data included.
        policy
            "block" (the default) delivers each update; "latest" skips to the newest one if this
            subscriber falls behind.
        max_rate
            Maximum number of updates per second.
        **options
            Fields of `StreamOptions`.

        Returns
        -------
        ContainerSubscription or RecursiveSubscription
            A subscription that has not been started; see `Subscription`.

        Examples
        --------
        >>> sub = client.subscribe()
        >>> _ = sub.child_created.add_callback(lambda update: print(update.key))
        >>> with sub.start_in_thread():
        ...     _ = client.create_container("c")
        ...     client.close_stream()
        ...     sub.wait()
        c
        True
        """
        recursive = flag(recursive, "recursive")
        filters = SubscriptionOptions.parse(policy=policy, max_rate=max_rate)
        kind = RecursiveSubscription if recursive else ContainerSubscription
        return kind(self, filters, **options)

    @overload
    def updates(
        self,
        start: Start = None,
        *,
        recursive: Literal[True],
        **options: Unpack[UpdatesOptions],
    ) -> Updates[ContainerUpdate | DataUpdate]: ...
    @overload
    def updates(
        self,
        start: Start = None,
        *,
        recursive: Literal[False] = False,
        **options: Unpack[UpdatesOptions],
    ) -> Updates[ContainerUpdate]: ...

    def updates(
        self,
        start: Start = None,
        *,
        recursive: bool = False,
        **options: Unpack[UpdatesOptions],
    ) -> Updates[Any]:
        """Return an iterator of updates, which ends when the stream is closed.

        Parameters
        ----------
        start
            Where to start; see `Subscription.start_in_thread`.
        recursive
            Include all nodes below this container.
        **options
            Further arguments of `Subscription.start_in_thread`, and those of `subscribe`.

        Returns
        -------
        Updates
            An iterator that has started.

        Raises
        ------
        TiledClientError
            As `Subscription.start_in_thread` raises it; also in the loop, if it ends the
            subscription.

        Examples
        --------
        >>> for update in client.updates(start=0):
        ...     print(update.key)
        ...     client.close_stream()
        x
        """
        start_options, rest = split_start_options(options)
        subscription: Subscription[Any]
        subscription = (
            self.subscribe(recursive=True, **rest) if recursive else self.subscribe(**rest)
        )
        return subscription.updates(start, **start_options)

    @overload
    def subscribe_async(
        self,
        *,
        recursive: Literal[True],
        policy: Policy | None = None,
        max_rate: float | None = None,
        **options: Any,
    ) -> AsyncRecursiveSubscription: ...
    @overload
    def subscribe_async(
        self,
        *,
        recursive: Literal[False] = False,
        policy: Policy | None = None,
        max_rate: float | None = None,
        **options: Any,
    ) -> AsyncContainerSubscription: ...

    @same_parameters(subscribe)
    def subscribe_async(
        self,
        *,
        recursive: bool = False,
        policy: Policy | None = None,
        max_rate: float | None = None,
        **options: Any,
    ) -> AsyncContainerSubscription | AsyncRecursiveSubscription:
        """Return an `AsyncSubscription` to this container, for asyncio; see `subscribe`.

        Returns
        -------
        AsyncContainerSubscription or AsyncRecursiveSubscription
            A subscription that has not been started.

        Examples
        --------
        >>> sub = client.subscribe_async()
        >>> _ = sub.child_created.add_callback(lambda update: print(update.key))
        >>> client.close_stream()
        >>> asyncio.run(sub.start(0))
        x
        """
        from ..stream.asyncio.subscription import (
            AsyncContainerSubscription,
            AsyncRecursiveSubscription,
        )

        recursive = flag(recursive, "recursive")
        filters = SubscriptionOptions.parse(policy=policy, max_rate=max_rate)
        kind = AsyncRecursiveSubscription if recursive else AsyncContainerSubscription
        return kind(self, filters, **options)

    @overload
    def updates_async(
        self,
        start: Start = None,
        *,
        recursive: Literal[True],
        **options: Unpack[UpdatesOptions],
    ) -> AsyncUpdates[ContainerUpdate | DataUpdate]: ...
    @overload
    def updates_async(
        self,
        start: Start = None,
        *,
        recursive: Literal[False] = False,
        **options: Unpack[UpdatesOptions],
    ) -> AsyncUpdates[ContainerUpdate]: ...

    @same_parameters(updates)
    def updates_async(
        self,
        start: Start = None,
        *,
        recursive: bool = False,
        **options: Unpack[UpdatesOptions],
    ) -> AsyncUpdates[Any]:
        """Return an asynchronous iterator of updates, for `async for`; see `updates`.

        Returns
        -------
        AsyncUpdates
            An iterator that starts with the loop.

        Examples
        --------
        >>> async def follow():
        ...     async for update in client.updates_async(start=0):
        ...         return update.key
        >>> asyncio.run(follow())
        'x'
        """
        start_options, rest = split_start_options(options)
        subscription: AsyncSubscription[Any] = (
            self.subscribe_async(recursive=True, **rest)
            if recursive
            else self.subscribe_async(**rest)
        )
        return subscription.updates(start, **start_options)

    @property
    def child_created(self) -> EventStream[ContainerSubscription]:
        """The events of new children; its `subscribe` is that of the container."""
        return EventStream(self.subscribe)

    @property
    def child_metadata_updated(self) -> EventStream[ContainerSubscription]:
        """The events of changed metadata of children; its `subscribe` is that of the container."""
        return EventStream(self.subscribe)

    @property
    def child_deleted(self) -> EventStream[ContainerSubscription]:
        """The events of deleted children; its `subscribe` is that of the container."""
        return EventStream(self.subscribe)
