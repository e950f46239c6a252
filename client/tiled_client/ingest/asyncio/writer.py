"""Writers for asyncio: one connection for writes to many nodes."""

from __future__ import annotations

from typing import Any, Self

from ...http.operations import Asynchronous
from ...settings import WriterOptions
from ...stream.protocol.streamed_node import StreamedNode
from ...wire.structures import (
    ArrayStructure,
    AwkwardStructure,
    RaggedStructure,
    SparseStructure,
    TableStructure,
)
from ..operations.base import CONNECT_SECONDS, AwaitedCalls
from ..operations.many import IngestWriterOperations
from .node_writers import (
    AsyncArrayWriter,
    AsyncAwkwardWriter,
    AsyncContainerWriter,
    AsyncRaggedWriter,
    AsyncSparseWriter,
    AsyncTableWriter,
)


class AsyncIngestWriter(AwaitedCalls, Asynchronous, IngestWriterOperations):
    """The async counterpart of `IngestWriter`.

    Examples
    --------
    >>> async def write():
    ...     async with client.writer_async() as writer:
    ...         await writer.open(x).write([7, 8, 9])
    >>> asyncio.run(write())
    >>> x.read()
    array([7, 8, 9])
    """

    writers = {
        None: AsyncContainerWriter,
        ArrayStructure: AsyncArrayWriter,
        TableStructure: AsyncTableWriter,
        RaggedStructure: AsyncRaggedWriter,
        SparseStructure: AsyncSparseWriter,
        AwkwardStructure: AsyncAwkwardWriter,
    }

    def __init__(self, node: StreamedNode, **options: Any) -> None:
        # Imported late: msgpack, and the WebSocket library.
        from ..engine.creation import writer_parts
        from .driver import AsyncIngestDriver

        self._driver = AsyncIngestDriver(*writer_parts(node, WriterOptions(**options)))

    async def __aenter__(self) -> Self:
        await self._driver.connect(CONNECT_SECONDS)
        return self

    async def __aexit__(self, kind: object, *_: object) -> None:
        if kind is None:
            await self._driver.close()
        else:
            await self._driver.stop()
