"""How containers are watched: the ways from a container to its stream, and to those below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

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
from .base import Node
from .stream_entry import StreamEntry

if TYPE_CHECKING:
    from ..stream.asyncio.iteration import AsyncUpdates
    from ..stream.asyncio.subscription import (
        AsyncContainerSubscription,
        AsyncRecursiveSubscription,
        AsyncSubscription,
    )


class StreamableContainer(Node):
    """A node that has children, which come, go and change, and have streams themselves."""

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
        """A subscription to new children and their metadata; see `Subscription`.

        With `recursive`, to everything at and below this container, data included; see
        `RecursiveSubscription`. `policy`, `max_rate` and further options are those that an array's
        `subscribe` has.

            >>> sub = client.subscribe()
            >>> _ = sub.child_created.add_callback(lambda update: print(update.key))
            >>> with sub.start_in_thread():
            ...     _ = client.create_container("c")
            ...     client.close_stream()
            ...     sub.wait()
            c
            True
        """
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
        """What becomes of the children, update by update, until the stream is closed.

        The arguments are those of `Subscription.start_in_thread` and of `subscribe`.

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

    def subscribe_async(
        self,
        *,
        recursive: bool = False,
        policy: Policy | None = None,
        max_rate: float | None = None,
        **options: Any,
    ) -> AsyncContainerSubscription | AsyncRecursiveSubscription:
        """As `subscribe`, for an event loop; see `AsyncSubscription`.

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

    def updates_async(
        self,
        start: Start = None,
        *,
        recursive: bool = False,
        **options: Unpack[UpdatesOptions],
    ) -> AsyncUpdates[Any]:
        """As `updates`, for `async for`; no thread is needed.

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
    def child_created(self) -> StreamEntry[ContainerSubscription]:
        """One of the things that a subscription to this container is about."""
        return StreamEntry(self.subscribe)

    @property
    def child_metadata_updated(self) -> StreamEntry[ContainerSubscription]:
        """One of the things that a subscription to this container is about."""
        return StreamEntry(self.subscribe)

    @property
    def child_deleted(self) -> StreamEntry[ContainerSubscription]:
        """One of the things that a subscription to this container is about."""
        return StreamEntry(self.subscribe)
