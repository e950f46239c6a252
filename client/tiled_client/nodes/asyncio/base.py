"""Base class of the client objects for asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from typing import Any, Self, overload

from ...http.operations import Asynchronous
from ...stream.asyncio.connection import AsyncStreamConnection
from ..base import NodeOperations
from ..classes import ANY, ASYNCIO, register_class
from ..revisions import Revision, RevisionOperations


class AsyncNode(Asynchronous, NodeOperations):
    """The asyncio counterpart of `Node`: the same methods, as coroutines.

    A client object, and all that were got from it, use the connections of one `AsyncClient`, which
    `async with` or `aclose()` closes.
    """

    @property
    def metadata_revisions(self) -> AsyncMetadataRevisions:
        """The metadata and specs before each update."""
        return AsyncMetadataRevisions(self._requests, self._path)

    def writer(self, **options: Any) -> Any:
        """Return a connection that writes to many nodes.

        Parameters
        ----------
        **options
            Fields of `WriterOptions`.

        Returns
        -------
        AsyncIngestWriter
            A connection that an `async with` block opens.
        """
        from ...ingest.asyncio.writer import AsyncIngestWriter

        return AsyncIngestWriter(self, **options)

    def connect_stream(self, **options: Any) -> AsyncStreamConnection:
        """Return one WebSocket connection for subscriptions to many nodes.

        Parameters
        ----------
        **options
            Fields of `StreamOptions`.

        Returns
        -------
        AsyncStreamConnection
            A connection that an `async with` block opens.
        """
        return AsyncStreamConnection(self, **options)

    async def aclose(self) -> None:
        """Close the connections, also of the other client objects of the same `AsyncClient`."""
        await self._session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __await__(self) -> Generator[Any, Any, Self]:
        """Return the node: `await update.node` works whether or not it has to be fetched."""
        yield from ()
        return self


register_class(AsyncNode, ANY, None, ASYNCIO)


class AsyncMetadataRevisions(Asynchronous, RevisionOperations):
    """The asyncio counterpart of `MetadataRevisions`, for `async for` and `await revisions[0]`."""

    async def count(self) -> int:
        """Return the number of revisions."""
        return await self.fetch_count()

    @overload
    async def __getitem__(self, item: int) -> Revision: ...
    @overload
    async def __getitem__(self, item: slice) -> list[Revision]: ...
    async def __getitem__(self, item: int | slice) -> Revision | list[Revision]:
        """Return a revision by position (not by number), or a slice. Raises IndexError."""
        return await (self._slice(item) if isinstance(item, slice) else self._item(item))

    async def __aiter__(self) -> AsyncIterator[Revision]:
        async for page in self.pages(0, None):
            for revision in page:
                yield revision
