"""Client objects of runs, their streams and catalogs, for asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ..nodes.asyncio import AsyncContainer
from ..nodes.classes import ASYNCIO
from ..wire.structure_family import StructureFamily
from .catalog import CATALOG, CatalogOperations
from .documents import Document, fetch_documents
from .event_stream import STREAM, EventStreamOperations
from .run import RUN, RunOperations


class AsyncCatalogOfBlueskyRuns(
    CatalogOperations,
    AsyncContainer,
    family=StructureFamily.container,
    spec=CATALOG,
    clients=ASYNCIO,
):
    """The asyncio counterpart of `CatalogOfBlueskyRuns`: `await catalog[-1]`."""


class AsyncBlueskyRun(
    RunOperations, AsyncContainer, family=StructureFamily.container, spec=RUN, clients=ASYNCIO
):
    """The asyncio counterpart of `BlueskyRun`: `await run["primary"]`."""

    async def documents(self) -> AsyncIterator[Document]:
        """Fetch all documents of the run, and yield them; see `BlueskyRun.documents`.

        Returns
        -------
        async iterator of (str, dict)
            The name of each document, and the document.

        Raises
        ------
        NotAcceptable
            If the server does not export the documents of this run.
        """
        for document in await fetch_documents(self._requests, self._path):
            yield document


class AsyncBlueskyEventStream(
    EventStreamOperations,
    AsyncContainer,
    family=StructureFamily.container,
    spec=STREAM,
    clients=ASYNCIO,
):
    """The asyncio counterpart of `BlueskyEventStream`: `await stream.read()`."""

    _container = AsyncContainer
