"""Base class of all client objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..arguments import flag
from ..auth.credentials import Credentials
from ..documents import Resource
from ..errors import NODE_REPLACED, InvalidResponse, NodeReplaced
from ..http.cache import Cache
from ..http.operations import operation
from ..http.request_client import NODE_HEADER, RequestClient
from ..http.session import NodeSession
from ..public_surface import PublicSurface
from ..settings import HttpOptions
from ..uris import Path, node_url, path_text, quoted_path, split_path
from ..wire.data_sources import DataSource
from ..wire.structure_family import StructureFamily
from .account import AccountMixin
from .assets import AssetsMixin
from .classes import find_class, register_class
from .description import MetadataMixin
from .display.html import node_html
from .display.texts import joined
from .exporting import ExportRequest, File, export


class NodeOperations(AccountMixin, MetadataMixin, AssetsMixin, PublicSurface):
    """What the nodes of the blocking client and of the asyncio client have in common."""

    _full_endpoint: ClassVar[str | None] = None

    def __init_subclass__(
        cls,
        family: StructureFamily | None = None,
        *,
        spec: str | None = None,
        clients: str = "numpy",
    ) -> None:
        super().__init_subclass__()
        if family is not None:
            register_class(cls, family, spec, clients)

    def __init__(self, session: NodeSession, path: Path, resource: Resource) -> None:
        self._session: Any = session
        self._path = path
        self._resource = resource

    @classmethod
    def build(cls, session: NodeSession, path: Path, resource: Resource) -> Any:
        """Return the client object for a node, of the class of its first known spec or family."""
        specs = [spec.name for spec in resource.specs]
        kind = find_class(session.structure_clients, resource.family, specs)
        return kind(session, path, resource)

    @property
    def uri(self) -> str:
        """The node's URL, which `from_uri` accepts."""
        return node_url(self._requests.root, "metadata", self._path)

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
        return self._requests.root

    @property
    def credentials(self) -> Credentials:
        """The credentials of requests, for connections other than HTTP."""
        return self._requests.credentials

    @property
    def node_id(self) -> str | None:
        """The UUID of the node, which its path may lose to another one; None if unknown."""
        return self._resource.node_id

    @property
    def requests(self) -> RequestClient:
        """Sends the requests."""
        return self._requests

    @property
    def _requests(self) -> RequestClient:
        requests: RequestClient = self._session.requests
        return requests

    @property
    def http_options(self) -> HttpOptions:
        """The options of requests."""
        return self._requests.options

    @property
    def cache(self) -> Cache | None:
        """The responses that are reused; shared by all client objects of the same `from_uri`."""
        return self._requests.cache

    @property
    def structure_family(self) -> StructureFamily:
        """The kind of node."""
        return StructureFamily(self._resource.family)

    @property
    def may_be_of_others(self) -> bool:
        """Whether the request that created it found it there, possibly made by another client."""
        return self._resource.adopted

    @operation
    async def refresh(self) -> None:
        """Fetch metadata, specs and structure again.

        Raises
        ------
        NodeNotFound
            If the node is gone.
        NodeReplaced
            If another node has its path.

        Examples
        --------
        >>> other = client["x"]
        >>> x.patch(np.array([4]), offset=3, extend=True)
        >>> other.refresh()
        >>> other.shape
        (4,)
        """
        await self._refresh()

    async def _refresh(self) -> None:
        found = await request_resource(self._requests, self._path)
        known = self._resource.node_id
        if known is not None and found.node_id not in (known, None):
            raise NodeReplaced(
                f"The node {path_text(self._path)} was replaced by another since it was "
                "opened. Get the new one from its container.",
                code=NODE_REPLACED,
            )
        self._resource = found

    @operation
    async def data_sources(self) -> tuple[DataSource, ...]:
        """Fetch the data sources of the node: its files, their format and structure.

        Returns
        -------
        tuple of DataSource
            One for most nodes; none for containers.

        Examples
        --------
        >>> [source.mimetype for source in x.data_sources()]
        ['application/x-zarr']
        """
        return await self._fetch_data_sources()

    async def _fetch_data_sources(self) -> tuple[DataSource, ...]:
        resource = await request_resource(self._requests, self._path, include_data_sources=True)
        return resource.data_sources or ()

    @operation
    async def at(self, path: Path | str) -> Any:
        """Fetch the node at a path of this server, and return its client object."""
        path = split_path(path) if isinstance(path, str) else path
        return self.build(self._session, path, await request_resource(self._requests, path))

    def described(self, path: Path, resource: Resource) -> Any:
        """Return the client object for a document that is already known, without a request."""
        return self.build(self._session, path, resource)

    async def _put_data_source(self, source: DataSource, params: Mapping[str, Any]) -> None:
        body = {"data_source": source.to_json()}
        node = self._resource.node_id
        await self._requests.put("data_source", self._path, body, params=params, node=node)
        self._resource.structure = source.structure

    @operation
    async def delete(self, *, recursive: bool = False, external_only: bool = True) -> None:
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

        Examples
        --------
        >>> x.delete(external_only=False)
        >>> "x" in client
        False
        """
        await self._delete(
            recursive=flag(recursive, "recursive"),
            external_only=flag(external_only, "external_only"),
        )

    async def discard(self) -> None:
        """Delete a node that was just created, with its data."""
        await self._delete(external_only=False)

    async def _delete(self, *, recursive: bool = False, external_only: bool = True) -> None:
        params = {"recursive": recursive, "external_only": external_only}
        node = self._resource.node_id
        await self._requests.delete("metadata", self._path, params=params, node=node)

    @operation
    async def export(self, file: File, *, format: str | None = None) -> None:
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

        Examples
        --------
        >>> import io
        >>> file = io.BytesIO()
        >>> x.export(file, format="csv")
        >>> file.getvalue().split()
        [b'1', b'2', b'3']
        """
        if self._full_endpoint is None:
            raise TypeError(f"{self!r} has no data to export")
        await self._export(ExportRequest(self._full_endpoint), file, format)

    async def _export(self, request: ExportRequest, file: File, format: str | None) -> None:
        await export(self._requests, self._path, request, file, format)

    @operation
    async def close_stream(self) -> None:
        """Close the stream of this node: its subscriptions end, until data are written again.

        Examples
        --------
        >>> x.close_stream()
        >>> [update.sequence for update in x.updates(start=0)]
        [1]
        """
        node = self._resource.node_id
        await self._requests.delete("stream/close", self._path, idempotent=False, node=node)

    def __repr__(self) -> str:
        return self._text(self._facts())

    def _repr_html_(self) -> str:
        """Return the node as HTML, for notebooks, with a preview of its data."""
        return node_html(self)

    def _facts(self) -> str:
        """Return the facts about the data that `repr` has, without a request."""
        return f"family={self._resource.family}"

    def _text(self, facts: str) -> str:
        return f"<{joined(type(self).__name__, quoted_path(self._path), facts)}>"

    def __eq__(self, other: object) -> bool:
        is_node = isinstance(other, NodeOperations) and type(other) is type(self)
        return is_node and other.uri == self.uri  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash(self.uri)


async def request_resource(
    requests: RequestClient, path: Path, *, include_data_sources: bool = False
) -> Resource:
    """Fetch the document of a node. Raises NodeNotFound, InvalidResponse."""
    params = {"include_data_sources": True} if include_data_sources else {}
    response = await requests.get("metadata", path, params=params)
    value = response.value()
    if not isinstance(value, Mapping):
        raise InvalidResponse("The server sent no document of the node.")
    resource = Resource.from_json(value.get("data"))
    resource.node_id = response.headers.get(NODE_HEADER)
    return resource
