"""Base class of client objects with data, which can be subscribed to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from ..arguments import require_columns
from ..docstrings import same_parameters
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
from ..wire.structures import TableStructure
from .base import NodeOperations
from .node import Node
from .stream_entry import EventStream

if TYPE_CHECKING:
    from ..stream.asyncio.iteration import AsyncUpdates
    from ..stream.asyncio.subscription import AsyncDataSubscription


class DataOperations(NodeOperations):
    """A node with data, as both clients have it."""

    _sliced: ClassVar[bool] = False
    _has_columns: ClassVar[bool] = False
    _is_dense: ClassVar[bool] = False

    def _filters(self, **options: Any) -> SubscriptionOptions:
        supported = {
            "slice": self._sliced,
            "columns": self._has_columns,
            "reduce": self._is_dense,
            "roi": self._is_dense,
            "accept_encoding": self._is_dense,
        }
        for name, is_supported in supported.items():
            if options[name] is not None and not is_supported:
                raise TypeError(f"{super().__repr__()} does not support the option {name}")
        # A column of a table may have this name.
        ndim = None if self._has_columns else getattr(self, "ndim", None)
        filters = SubscriptionOptions.parse(**options, ndim=ndim)
        structure = self._resource.structure
        if filters.columns is not None and isinstance(structure, TableStructure):
            require_columns(filters.columns, structure.columns)
        return filters


class DataNode(DataOperations, Node):
    """A node with data; subscriptions receive the data that are written to it."""

    def subscribe(
        self,
        *,
        policy: Policy | None = None,
        max_rate: float | None = None,
        slice: Any = None,
        columns: Sequence[str] | None = None,
        reduce: str | None = None,
        roi: Any = None,
        accept_encoding: str | Sequence[str] | None = None,
        **options: Any,
    ) -> DataSubscription:
        """Return a subscription to the data that are written to this node.

        Updates that are skipped are announced by a `Gap`.

        Parameters
        ----------
        policy
            "block" (the default) delivers each update as it was written; "latest" skips to the
            newest update if this subscriber falls behind.
        max_rate
            Maximum number of updates per second.
        slice
            The part of an array to receive, as `numpy.s_[::4, ::4]` or its text; the server cuts it
            out.
        columns
            The columns of a table to receive.
        reduce
            How the server makes updates of a dense array smaller, after `slice`: "mean:4,4" sends
            the mean of each cell of 4 x 4 elements along the last axes; also "sum", "min", "max".
        roi
            Regions of the last axes of a dense array, after `slice`, whose statistics the server
            sends instead of the data, as `RegionUpdate`: `numpy.s_[100:200, 50:80]`, a list of
            several, or "100:200,50:80;0:10,0:10".
        accept_encoding
            Encodings in which a dense array's data that were written compressed are sent as they
            are, as ["bitshuffle-lz4", "zstd"]: `update.data()` decompresses them.
        **options
            Fields of `StreamOptions`.

        Returns
        -------
        DataSubscription
            A subscription that has not been started; see `Subscription`.

        Raises
        ------
        TypeError
            If the node does not support `slice`, `columns`, `reduce`, `roi` or `accept_encoding`.
        ValueError
            If one of them is invalid, or `reduce` and `roi` are combined.

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
        filters = self._filters(
            policy=policy,
            max_rate=max_rate,
            slice=slice,
            columns=columns,
            reduce=reduce,
            roi=roi,
            accept_encoding=accept_encoding,
        )
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
        >>> x.close_stream()
        >>> for update in x.updates(start=0):
        ...     print(update.sequence, update.data())
        1 [1 2 3]
        """
        start_options, rest = split_start_options(options)
        return self.subscribe(**rest).updates(start, **start_options)

    @same_parameters(subscribe)
    def subscribe_async(
        self,
        *,
        policy: Policy | None = None,
        max_rate: float | None = None,
        slice: Any = None,
        columns: Sequence[str] | None = None,
        reduce: str | None = None,
        roi: Any = None,
        accept_encoding: str | Sequence[str] | None = None,
        **options: Any,
    ) -> AsyncDataSubscription:
        """Return an `AsyncSubscription` to this node, for asyncio; see `subscribe`.

        Returns
        -------
        AsyncDataSubscription
            A subscription that has not been started.

        Examples
        --------
        >>> sub = x.subscribe_async(policy="latest")
        >>> _ = sub.new_data.add_callback(lambda update: print(update.data()))
        >>> x.close_stream()
        >>> asyncio.run(sub.start("latest"))
        [1 2 3]
        """
        from ..stream.asyncio.subscription import AsyncDataSubscription

        filters = self._filters(
            policy=policy,
            max_rate=max_rate,
            slice=slice,
            columns=columns,
            reduce=reduce,
            roi=roi,
            accept_encoding=accept_encoding,
        )
        return AsyncDataSubscription(self, filters, **options)

    @same_parameters(updates)
    def updates_async(
        self, start: Start = None, **options: Unpack[DataUpdatesOptions]
    ) -> AsyncUpdates[DataUpdate]:
        """Return an asynchronous iterator of updates, for `async for`; see `updates`.

        Returns
        -------
        AsyncUpdates
            An iterator that starts with the loop.

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

    def writer(self, *, persist: bool = True, **options: Any) -> Any:
        """Return a writer for an array or a table: many small writes over one connection.

        Parameters
        ----------
        persist
            If False, data are streamed to subscribers and not stored.
        **options
            Fields of `WriterOptions`.

        Returns
        -------
        ArrayWriter or TableWriter
            A writer that a `with` block connects.

        Raises
        ------
        NotSupported
            If the node is neither an array nor a table.

        Examples
        --------
        >>> with x.writer() as w:
        ...     w.write([7, 8, 9])
        1
        >>> x.read()
        array([7, 8, 9])
        """
        from ..ingest.sync.writer import IngestWriter

        return IngestWriter(self, **options).open(self, persist=persist)

    @same_parameters(writer)
    def writer_async(self, *, persist: bool = True, **options: Any) -> Any:
        """Return a writer for asyncio; see `writer`.

        Returns
        -------
        AsyncArrayWriter or AsyncTableWriter
            A writer that an `async with` block connects.

        Examples
        --------
        >>> async def write():
        ...     async with x.writer_async() as w:
        ...         await w.write([7, 8, 9])
        >>> asyncio.run(write())
        >>> x.read()
        array([7, 8, 9])
        """
        from ..ingest.asyncio.writer import AsyncIngestWriter

        return AsyncIngestWriter(self, **options).open(self, persist=persist)

    @property
    def new_data(self) -> EventStream[DataSubscription]:
        """The events of written data; its `subscribe` is that of the node."""
        return EventStream(self.subscribe)
