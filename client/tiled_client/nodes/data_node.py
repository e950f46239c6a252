"""Base class of client objects with data, which can be subscribed to."""

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
from .stream_entry import EventStream

if TYPE_CHECKING:
    from ..stream.asyncio.iteration import AsyncUpdates
    from ..stream.asyncio.subscription import AsyncDataSubscription


class DataNode(Node):
    """A node with data; subscriptions receive the data that are written to it."""

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
        """Return a subscription to the data that are written to this node.

        Updates that are skipped are announced by a `Gap`.

        Parameters
        ----------
        policy
            "all" (the default) delivers each update as it was written; "latest" skips to the newest
            update if this subscriber falls behind.
        max_rate
            Maximum number of updates per second.
        slice
            The part of an array to receive, as `numpy.s_[::4, ::4]` or its text; the server cuts it
            out.
        columns
            The columns of a table to receive.
        **options
            Fields of `StreamOptions`.

        Returns
        -------
        DataSubscription
            A subscription that has not been started; see `Subscription`.

        Raises
        ------
        TypeError
            If the node does not support `slice` or `columns`.

        Examples
        --------
        >>> sub = x.subscribe(policy="latest", slice=np.s_[::2])
        >>> _ = sub.new_data.add_callback(lambda update: print(update.data()))
        >>> with sub.start_in_thread("latest"):
        ...     x.close_stream()
        ...     sub.wait()
        [1 3]
        True
        """
        filters = self._filters(policy, max_rate, slice, columns)
        return DataSubscription(self, filters, **options)

    def updates(
        self, start: Start = None, **options: Unpack[DataUpdatesOptions]
    ) -> Updates[DataUpdate]:
        """Return an iterator of updates, which ends when the producer closes the stream.

        Parameters
        ----------
        start
            Where to start; see `Subscription.start_in_thread`.
        **options
            Further arguments of `Subscription.start_in_thread`, and those of `subscribe`.

        Examples
        --------
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
        """Return an `AsyncSubscription` to this node, for asyncio; see `subscribe`.

        Examples
        --------
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
        """Return an asynchronous iterator of updates, for `async for`; see `updates`.

        Examples
        --------
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
    def new_data(self) -> EventStream[DataSubscription]:
        """The events of written data; its `subscribe` is that of the node."""
        return EventStream(self.subscribe)

    def _filters(
        self,
        policy: Policy | None,
        max_rate: float | None,
        slice: Any,
        columns: Sequence[str] | None,
    ) -> SubscriptionOptions:
        if slice is not None and not self._sliced:
            raise TypeError(f"{self!r} does not support the option slice")
        if columns is not None and not self._has_columns:
            raise TypeError(f"{self!r} does not support the option columns")
        ndim = getattr(self, "ndim", None)
        return SubscriptionOptions.parse(
            policy=policy, max_rate=max_rate, slice=slice, columns=columns, ndim=ndim
        )
