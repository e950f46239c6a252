"""Writers of one node for asyncio: many writes over a connection, acknowledged later."""

from __future__ import annotations

from typing import Self

from ...http.operations import Asynchronous
from ..operations.base import CONNECT_SECONDS, AwaitedCalls, SingleNodeOperations
from ..operations.data import ArrayWriterOperations, TableWriterOperations
from ..operations.nested import (
    AwkwardWriterOperations,
    RaggedWriterOperations,
    SparseWriterOperations,
)


class AsyncSingleNodeWriter(AwaitedCalls, Asynchronous, SingleNodeOperations):
    """Writes to one node, over the connection of an `AsyncIngestWriter`."""

    async def __aenter__(self) -> Self:
        await self._driver.connect(CONNECT_SECONDS)
        return self

    async def __aexit__(self, kind: object, *_: object) -> None:
        if kind is None:
            await self._driver.close()
        else:
            await self._driver.stop()


class AsyncContainerWriter(AsyncSingleNodeWriter):
    """The async counterpart of `ContainerWriter`."""


class AsyncArrayWriter(AsyncSingleNodeWriter, ArrayWriterOperations):
    """The async counterpart of `ArrayWriter`."""


class AsyncTableWriter(AsyncSingleNodeWriter, TableWriterOperations):
    """The async counterpart of `TableWriter`."""


class AsyncRaggedWriter(AsyncSingleNodeWriter, RaggedWriterOperations):
    """The async counterpart of `RaggedWriter`."""


class AsyncSparseWriter(AsyncSingleNodeWriter, SparseWriterOperations):
    """The async counterpart of `SparseWriter`."""


class AsyncAwkwardWriter(AsyncSingleNodeWriter, AwkwardWriterOperations):
    """The async counterpart of `AwkwardWriter`."""
