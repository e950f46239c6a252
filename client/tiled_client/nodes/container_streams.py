"""How containers are watched: the ways from a container to its stream, and to those below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from ..stream.engine.callbacks import ContainerUpdate
from ..stream.protocol.subscription_options import Policy, Start, StartTime, SubscriptionOptions
from ..stream.sync.dispatcher import SharedDispatcher
from ..stream.sync.iteration import Updates
from ..stream.sync.subscription import ContainerSubscription, RecursiveSubscription, Subscription
from ..stream.updates import DataUpdate
from .base import Node
from .stream_entry import StreamEntry

if TYPE_CHECKING:
    from ..stream.asyncio.dispatcher import AsyncSharedDispatcher
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
        wants = SubscriptionOptions.parse(policy=policy, max_rate=max_rate)
        kind = RecursiveSubscription if recursive else ContainerSubscription
        return kind(self, wants, **options)

    @overload
    def updates(
        self,
        start: Start = None,
        *,
        recursive: Literal[True],
        start_time: StartTime | None = None,
        epoch: str | None = None,
        timeout: float = 15.0,
        **wants: Any,
    ) -> Updates[ContainerUpdate | DataUpdate]: ...
    @overload
    def updates(
        self,
        start: Start = None,
        *,
        recursive: Literal[False] = False,
        start_time: StartTime | None = None,
        epoch: str | None = None,
        timeout: float = 15.0,
        **wants: Any,
    ) -> Updates[ContainerUpdate]: ...

    def updates(
        self,
        start: Start = None,
        *,
        recursive: bool = False,
        start_time: StartTime | None = None,
        epoch: str | None = None,
        timeout: float = 15.0,
        **wants: Any,
    ) -> Updates[Any]:
        """What becomes of the children, update by update, until the stream is closed.

        The arguments are those of `Subscription.start_in_thread` and of `subscribe`.

            >>> for update in client.updates(start=0):
            ...     print(update.key)
            ...     client.close_stream()
            x
        """
        subscription: Subscription[Any]
        subscription = (
            self.subscribe(recursive=True, **wants) if recursive else self.subscribe(**wants)
        )
        return subscription.updates(start, start_time=start_time, epoch=epoch, timeout=timeout)

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

        wants = SubscriptionOptions.parse(policy=policy, max_rate=max_rate)
        kind = AsyncRecursiveSubscription if recursive else AsyncContainerSubscription
        return kind(self, wants, **options)

    @overload
    def updates_async(
        self,
        start: Start = None,
        *,
        recursive: Literal[True],
        start_time: StartTime | None = None,
        epoch: str | None = None,
        timeout: float = 15.0,
        **wants: Any,
    ) -> AsyncUpdates[ContainerUpdate | DataUpdate]: ...
    @overload
    def updates_async(
        self,
        start: Start = None,
        *,
        recursive: Literal[False] = False,
        start_time: StartTime | None = None,
        epoch: str | None = None,
        timeout: float = 15.0,
        **wants: Any,
    ) -> AsyncUpdates[ContainerUpdate]: ...

    def updates_async(
        self,
        start: Start = None,
        *,
        recursive: bool = False,
        start_time: StartTime | None = None,
        epoch: str | None = None,
        timeout: float = 15.0,
        **wants: Any,
    ) -> AsyncUpdates[Any]:
        """As `updates`, for `async for`; no thread is needed.

        >>> async def follow():
        ...     async for update in client.updates_async(start=0):
        ...         return update.key
        >>> asyncio.run(follow())
        'x'
        """
        subscription: AsyncSubscription[Any] = (
            self.subscribe_async(recursive=True, **wants)
            if recursive
            else self.subscribe_async(**wants)
        )
        return subscription.updates(start, start_time=start_time, epoch=epoch, timeout=timeout)

    def subscription_over(
        self, dispatcher: SharedDispatcher | AsyncSharedDispatcher, **wants: Any
    ) -> Any:
        """As `subscribe`, over a connection that there is."""
        subscription: Any = (
            self.subscribe(**wants)
            if isinstance(dispatcher, SharedDispatcher)
            else self.subscribe_async(**wants)
        )
        return subscription.use_dispatcher(dispatcher)

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
