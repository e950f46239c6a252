"""Base class of the client objects that block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..documents import Resource
from ..http.operations import Blocking
from ..http.session import ClientSession
from ..uris import Path
from .base import NodeOperations
from .classes import ANY, NUMPY, StructureClients, register_class
from .revisions import MetadataRevisions

if TYPE_CHECKING:
    from ..stream.asyncio.connection import AsyncStreamConnection
    from ..stream.sync.connection import StreamConnection


class Node(Blocking, NodeOperations):
    """A node on a server: its path, and its document as last fetched.

    Structure families without a specific class have this one.
    """

    def __init__(self, session: ClientSession, path: Path, resource: Resource) -> None:
        super().__init__(session, path, resource)
        self._http = session.http

    def _built_for(self, clients: StructureClients) -> Any:
        """Return the client object of this node for other structure clients, without a request."""
        session = self._session.with_structure_clients(clients)
        return self.build(session, self._path, self._resource)

    @property
    def metadata_revisions(self) -> MetadataRevisions:
        """The metadata and specs before each update."""
        return MetadataRevisions(self._requests, self._path)

    def connect_stream(self, **options: Any) -> StreamConnection:
        """Return one WebSocket connection for subscriptions to many nodes.

        Parameters
        ----------
        **options
            Fields of `StreamOptions`.

        Returns
        -------
        StreamConnection
            A connection that a `with` block opens.

        Examples
        --------
        >>> with client.connect_stream() as stream:
        ...     sub = stream.subscribe(x).start_in_thread(start=0)
        """
        from ..stream.sync.connection import StreamConnection

        return StreamConnection(self, **options)

    def connect_stream_async(self, **options: Any) -> AsyncStreamConnection:
        """Return one WebSocket connection for subscriptions to many nodes, for asyncio.

        Parameters
        ----------
        **options
            Fields of `StreamOptions`.

        Returns
        -------
        AsyncStreamConnection
            A connection that an `async with` block opens.

        Examples
        --------
        >>> async def follow():
        ...     async with client.connect_stream_async() as stream:
        ...         await stream.subscribe(x).start_in_task(start=0)
        >>> asyncio.run(follow())
        """
        from ..stream.asyncio.connection import AsyncStreamConnection

        return AsyncStreamConnection(self, **options)


register_class(Node, ANY, None, NUMPY)
