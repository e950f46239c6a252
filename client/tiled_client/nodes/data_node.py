"""How nodes are watched: the ways from a node to its stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from ..stream.protocol.subscription_options import (
    DataUpdatesOptions,
    Policy,
    Start,
    SubscriptionOptions,
    split_start_options,
)
from ..stream.sync.iteration import Updates
from ..stream.sync.subscription import DataSubscription
from ..stream.updates import DataUpdate
from .base import Node
from .stream_entry import StreamEntry

if TYPE_CHECKING:
    from ..stream.asyncio.iteration import AsyncUpdates
    from ..stream.asyncio.subscription import AsyncDataSubscription


class DataNode(Node):
    """A node that has data, which can be watched while they are written."""

    _sliced: ClassVar[bool] = False
    _has_columns: ClassVar[bool] = False

    def subscribe(
        self,
        *,
        policy: Policy | None = None,
        max_rate: float | None = None,
        slice: Any = None,
        columns: Sequence[str] | None = None,
        **options: Any,
    ) -> DataSubscription:
        """A subscription to what is written to this node; see `Subscription`.

        By default each update comes, as it was written. With the `policy` "latest", whoever falls
        behind gets the newest next. With `max_rate`, no more than so many updates per second come.
        Of an array, `slice` chooses a part (`numpy.s_[::4, ::4]` or its text), of a table
        `columns` some columns: the server cuts them out. What is skipped is told as a `Gap`.

            >>> sub = x.subscribe(policy="latest", slice=np.s_[::2])
            >>> _ = sub.new_data.add_callback(lambda update: print(update.data()))
            >>> with sub.start_in_thread("latest"):
            ...     x.close_stream()
            ...     sub.wait()
            [1 3]
            True

        Further options are those of `StreamOptions`.
        """
        filters = self._filters(policy, max_rate, slice, columns)
        return DataSubscription(self, filters, **options)

    def updates(
        self, start: Start = None, **options: Unpack[DataUpdatesOptions]
    ) -> Updates[DataUpdate]:
        """What is written to this node, update by update, until the producer closes the stream.

        The arguments are those of `Subscription.start_in_thread` and of `subscribe`.

            >>> x.close_stream()
            >>> for update in x.updates(start=0):
            ...     print(update.sequence, update.data())
            1 [1 2 3]
        """
        start_options, rest = split_start_options(options)
        return self.subscribe(**rest).updates(start, **start_options)

    def subscribe_async(
        self,
        *,
        policy: Policy | None = None,
        max_rate: float | None = None,
        slice: Any = None,
        columns: Sequence[str] | None = None,
        **options: Any,
    ) -> AsyncDataSubscription:
        """As `subscribe`, for an event loop; see `AsyncSubscription`.

        >>> sub = x.subscribe_async(policy="latest")
        >>> _ = sub.new_data.add_callback(lambda update: print(update.data()))
        >>> x.close_stream()
        >>> asyncio.run(sub.start("latest"))
        [1 2 3]
        """
        from ..stream.asyncio.subscription import AsyncDataSubscription

        filters = self._filters(policy, max_rate, slice, columns)
        return AsyncDataSubscription(self, filters, **options)

    def updates_async(
        self, start: Start = None, **options: Unpack[DataUpdatesOptions]
    ) -> AsyncUpdates[DataUpdate]:
        """As `updates`, for `async for`; no thread is needed.

        >>> async def follow():
        ...     async for update in x.updates_async(start=0):
        ...         print(update.sequence, update.data())
        >>> x.close_stream()
        >>> asyncio.run(follow())
        1 [1 2 3]
        """
        start_options, rest = split_start_options(options)
        return self.subscribe_async(**rest).updates(start, **start_options)

    @property
    def new_data(self) -> StreamEntry[DataSubscription]:
        """What a subscription to this node is about: `x.new_data.subscribe()`."""
        return StreamEntry(self.subscribe)

    def _filters(
        self,
        policy: Policy | None,
        max_rate: float | None,
        slice: Any,
        columns: Sequence[str] | None,
    ) -> SubscriptionOptions:
        if slice is not None and not self._sliced:
            raise TypeError(f"{self!r} cannot be sliced")
        if columns is not None and not self._has_columns:
            raise TypeError(f"{self!r} has no columns")
        ndim = getattr(self, "ndim", None)
        return SubscriptionOptions.parse(
            policy=policy, max_rate=max_rate, slice=slice, columns=columns, ndim=ndim
        )
