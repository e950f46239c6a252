"""Results of a search in all levels below a container."""

from __future__ import annotations

from collections.abc import AsyncIterator, ItemsView, Iterator, Mapping, Sequence, ValuesView
from typing import Any

from ..documents import Resource
from ..errors import InvalidResponse, NodeNotFound
from ..http.operations import run
from ..public_surface import PublicSurface
from ..queries import KeysFilter
from ..query_base import Pairs, Query, filter_params
from ..uris import Path, quoted_path, split_path
from .base import NodeOperations
from .node import Node
from .pages import fetch_page, fetch_pages
from .views import items_of

ENDPOINT = "search-deep"


class DeepSearchOperations(PublicSurface):
    """The results of a search, as both clients fetch them."""

    def __init__(
        self, container: NodeOperations, queries: Sequence[Query], max_depth: int | None
    ) -> None:
        self._container = container
        self._queries, self._max_depth = tuple(queries), max_depth

    async def fetch_count(self) -> int:
        """Return the number of results."""
        params = [("fields", "count"), ("page[limit]", "0"), *self._params(self._queries)]
        page = await fetch_page(self._container.requests, ENDPOINT, self._container.path, params)
        return int(page["meta"]["count"])

    async def fetch_node(self, key: str | Path) -> Any:
        """Return the node at a path. Raises NodeNotFound, a KeyError, if it is not a result."""
        path = split_path(key) if isinstance(key, str) else key
        async for page in self.node_pages((*self._queries, KeysFilter(path[-1:]))):
            for found, node in page:
                if found == path:
                    return node
        raise NodeNotFound(f"{key!r} is not among the search results")

    def __repr__(self) -> str:
        queries = ", ".join(map(repr, self._queries))
        return f"<{type(self).__name__} below {quoted_path(self._container.path)} of {queries}>"

    async def node_pages(
        self, queries: Sequence[Query] | None = None
    ) -> AsyncIterator[Sequence[tuple[Path, Any]]]:
        """Yield pages of paths and nodes."""
        params = self._params(self._queries if queries is None else queries)
        node = self._container
        async for page in fetch_pages(node.requests, ENDPOINT, node.path, params, {}):
            paths = [(*_ancestors(item), item["id"]) for item in page]
            yield [
                (path[len(node.path) :], node.described(path, Resource.from_json(item)))
                for path, item in zip(paths, page, strict=True)
            ]

    def _params(self, queries: Sequence[Query]) -> Pairs:
        depth = [] if self._max_depth is None else [("max_depth", str(self._max_depth))]
        return [*filter_params(queries), *depth]


class SearchResults(DeepSearchOperations, Mapping[Path, Node]):
    """A mapping of paths, relative to the searched container, to nodes; fetched page by page."""

    def __len__(self) -> int:
        return run(self.fetch_count())

    def __iter__(self) -> Iterator[Path]:
        return (key for key, _ in self.child_nodes())

    def __getitem__(self, key: str | Path) -> Node:
        """Return the node at a path. Raises NodeNotFound, a KeyError, if it is not a result."""
        node: Node = run(self.fetch_node(key))
        return node

    def values(self) -> ValuesView[Node]:
        """Return a view of the nodes; iterating makes one request per page, not per node."""
        return _Nodes(self)

    def items(self) -> ItemsView[Path, Node]:
        """Return a view of paths and nodes; iterating makes one request per page, not per node."""
        return _PathsAndNodes(self)

    def child_nodes(self) -> Iterator[tuple[Path, Node]]:
        """Yield paths and nodes, page by page."""
        return items_of(self.node_pages())


class _Nodes(ValuesView[Node]):
    _mapping: SearchResults

    def __iter__(self) -> Iterator[Node]:
        return (node for _, node in self._mapping.child_nodes())


class _PathsAndNodes(ItemsView[Path, Node]):
    _mapping: SearchResults

    def __iter__(self) -> Iterator[tuple[Path, Node]]:
        return self._mapping.child_nodes()


def _ancestors(item: Mapping[str, Any]) -> Path:
    try:
        return tuple(item["attributes"]["ancestors"])
    except (KeyError, TypeError) as error:
        raise InvalidResponse("A search result has no list of ancestors.") from error
