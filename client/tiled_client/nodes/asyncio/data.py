"""Client objects with data, for asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Unpack

from ...docstrings import same_parameters
from ...stream.asyncio.iteration import AsyncUpdates
from ...stream.asyncio.subscription import AsyncDataSubscription
from ...stream.protocol.subscription_options import (
    DataUpdatesOptions,
    Policy,
    Start,
    split_start_options,
)
from ...stream.updates import DataUpdate
from ...wire.structure_family import StructureFamily
from ..array import ArrayOperations
from ..awkward import AwkwardOperations
from ..classes import ASYNCIO
from ..data_node import DataNode, DataOperations
from ..ragged import RaggedOperations
from ..raw import BytesOperations
from ..sparse import SparseOperations
from ..table import TableOperations
from .base import AsyncNode


class AsyncDataNode(DataOperations, AsyncNode):
    """A node with data; subscriptions receive the data that are written to it."""

    @same_parameters(DataNode.subscribe)
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
    ) -> AsyncDataSubscription:
        """Return a subscription to the data that are written to this node.

        What updates fetch is awaited: `await update.data()` of an `ArrayReference` or a
        `TableReference`.

        Returns
        -------
        AsyncDataSubscription
            A subscription that has not been started.
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
        return AsyncDataSubscription(self, filters, **options)

    @same_parameters(DataNode.writer)
    def writer(self, *, persist: bool = True, **options: Any) -> Any:
        """Return a writer for an array or a table: many small writes over one connection.

        Returns
        -------
        AsyncArrayWriter or AsyncTableWriter
            A writer that an `async with` block connects.
        """
        from ...ingest.asyncio.writer import AsyncIngestWriter

        return AsyncIngestWriter(self, **options).open(self, persist=persist)

    @same_parameters(DataNode.updates)
    def updates(
        self, start: Start = None, **options: Unpack[DataUpdatesOptions]
    ) -> AsyncUpdates[DataUpdate]:
        """Return an asynchronous iterator of updates, for `async for`.

        Returns
        -------
        AsyncUpdates
            An iterator that starts with the loop.
        """
        start_options, rest = split_start_options(options)
        return self.subscribe(**rest).updates(start, **start_options)


class AsyncArrayClient(
    ArrayOperations, AsyncDataNode, family=StructureFamily.array, clients=ASYNCIO
):
    """The asyncio counterpart of `ArrayClient`: `await x.read()`, `await x[1:]`."""

    async def __aiter__(self) -> AsyncIterator[Any]:
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        start = 0
        for size in self.chunks[0]:
            for row in await self._read_slice(slice(start, start + size)):
                yield row
            start += size


class AsyncTableClient(
    TableOperations, AsyncDataNode, family=StructureFamily.table, clients=ASYNCIO
):
    """The asyncio counterpart of `TableClient`: `await table.read()`, `await table["x"]`."""

    async def count(self) -> int:
        """Return the number of rows.

        Returns
        -------
        int
            A request; servers of Tiled send a column for it.
        """
        return await self._count_rows([])


class AsyncSparseClient(
    SparseOperations, AsyncDataNode, family=StructureFamily.sparse, clients=ASYNCIO
):
    """The asyncio counterpart of `SparseClient`."""


class AsyncRaggedClient(
    RaggedOperations, AsyncDataNode, family=StructureFamily.ragged, clients=ASYNCIO
):
    """The asyncio counterpart of `RaggedClient`."""


class AsyncAwkwardClient(
    AwkwardOperations, AsyncDataNode, family=StructureFamily.awkward, clients=ASYNCIO
):
    """The asyncio counterpart of `AwkwardClient`."""


class AsyncBytesClient(BytesOperations, AsyncNode, family=StructureFamily.bytes, clients=ASYNCIO):
    """The asyncio counterpart of `BytesClient`."""
