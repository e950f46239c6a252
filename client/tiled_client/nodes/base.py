"""Base class of all client objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from ..auth.credentials import Credentials
from ..documents import Resource
from ..errors import InvalidResponse
from ..http.client import HttpClient
from ..http.session import ClientSession
from ..uris import Path, node_url
from ..wire.data_sources import DataSource
from ..wire.structure_family import StructureFamily
from .account import AccountMixin
from .assets import AssetsMixin
from .description import MetadataMixin
from .exporting import ExportRequest, File, export

if TYPE_CHECKING:
    from ..stream.asyncio.connection import AsyncStreamConnection
    from ..stream.sync.connection import StreamConnection


class Node(AccountMixin, MetadataMixin, AssetsMixin):
    """A node on a server: its path, and its document as last fetched.

    Structure families without a class of their own have this one.
    """

    _classes: ClassVar[dict[str, type[Node]]] = {}
    _full_endpoint: ClassVar[str | None] = None

    def __init_subclass__(cls, family: StructureFamily | None = None) -> None:
        super().__init_subclass__()
        if family is not None:
            Node._classes[family] = cls

    def __init__(self, session: ClientSession, path: Path, resource: Resource) -> None:
        self._session = session
        self._http = session.http
        self._path = path
        self._resource = resource

    @staticmethod
    def build(session: ClientSession, path: Path, resource: Resource) -> Node:
        """Return the client object for a node, of the class of its structure family."""
        return Node._classes.get(resource.family, Node)(session, path, resource)

    @property
    def uri(self) -> str:
        """The node's URL, which `from_uri` accepts."""
        return node_url(self._http.root, "metadata", self._path)

    @property
    def path(self) -> Path:
        """The keys from the root to the node."""
        return self._path

    @property
    def key(self) -> str:
        """The node's key in its container; empty for the root."""
        return self._path[-1] if self._path else ""

    @property
    def api_root(self) -> str:
        """The URL of the server's API."""
        return self._http.root

    @property
    def credentials(self) -> Credentials:
        """The credentials of requests, for connections other than HTTP."""
        return self._http.credentials

    @property
    def structure_family(self) -> StructureFamily:
        """The kind of node."""
        return StructureFamily(self._resource.family)

    @property
    def may_be_of_others(self) -> bool:
        """Whether the request that created it found it there, possibly made by another client."""
        return self._resource.adopted

    def refresh(self) -> None:
        """Fetch metadata, specs and structure again. Raises NodeNotFound if the node is gone."""
        self._resource = fetch_resource(self._http, self._path)

    def data_sources(self) -> tuple[DataSource, ...]:
        """Fetch the data sources of the node: its files, their format and structure."""
        resource = fetch_resource(self._http, self._path, include_data_sources=True)
        return resource.data_sources or ()

    def at(self, path: Path) -> Node:
        """Fetch the node at a path of this server, and return its client object."""
        return Node.build(self._session, path, fetch_resource(self._http, path))

    def described(self, path: Path, resource: Resource) -> Node:
        """Return the client object for a document that is already known, without a request."""
        return Node.build(self._session, path, resource)

    def _put_data_source(self, source: DataSource, params: Mapping[str, Any]) -> None:
        body = {"data_source": source.to_json()}
        self._http.put("data_source", self._path, body, params=params)
        self._resource.structure = source.structure

    def delete(self, *, recursive: bool = False, external_only: bool = True) -> None:
        """Delete the node.

        Parameters
        ----------
        recursive
            Delete a container with all nodes below it.
        external_only
            Reject the request for data that the server manages; if False, these are deleted.

        Raises
        ------
        Conflict
            If the container is not empty, or the data are managed by the server.
        """
        params = {"recursive": recursive, "external_only": external_only}
        self._http.delete("metadata", self._path, params=params)

    def export(self, file: File, *, format: str | None = None) -> None:
        """Export the data to a file, in a format that other programs read.

        Parameters
        ----------
        file
            A path, or a file object to write bytes to.
        format
            File extension or media type; by default the extension of the path. The formats depend
            on the structure family.

        Raises
        ------
        NotAcceptable
            If the server does not have the format, or the data do not fit it.
        """
        if self._full_endpoint is None:
            raise TypeError(f"{self!r} has no data to export")
        self._export(ExportRequest(self._full_endpoint), file, format)

    def _export(self, request: ExportRequest, file: File, format: str | None) -> None:
        export(self._http, self._path, request, file, format)

    def close_stream(self) -> None:
        """Close the stream of this node: its subscriptions end, until data are written again."""
        self._http.delete("stream/close", self._path, idempotent=False)

    def connect_stream(self, **options: Any) -> StreamConnection:
        """Return one WebSocket connection for subscriptions to many nodes.

        Parameters
        ----------
        **options
            Fields of `StreamOptions`.

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

        Examples
        --------
        >>> async def follow():
        ...     async with client.connect_stream_async() as stream:
        ...         await stream.subscribe(x).start_in_task(start=0)
        >>> asyncio.run(follow())
        """
        from ..stream.asyncio.connection import AsyncStreamConnection

        return AsyncStreamConnection(self, **options)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._resource.family} {'/' + '/'.join(self._path)}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and type(other) is type(self) and other.uri == self.uri

    def __hash__(self) -> int:
        return hash(self.uri)


def fetch_resource(http: HttpClient, path: Path, *, include_data_sources: bool = False) -> Resource:
    """Fetch the document of a node. Raises NodeNotFound, InvalidResponse."""
    params = {"include_data_sources": True} if include_data_sources else {}
    value = http.get("metadata", path, params=params).value()
    if not isinstance(value, Mapping):
        raise InvalidResponse("The server sent no document of the node.")
    return Resource.from_json(value.get("data"))
