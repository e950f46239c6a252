"""Results of a search in all levels below a container."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping, Sequence, ValuesView
from typing import Any

from ..documents import Resource
from ..errors import InvalidResponse, NodeNotFound
from ..http.session import ClientSession
from ..queries import KeysFilter, Pairs, Query, filter_params
from ..uris import Path, split_path
from .base import Node
from .pages import fetch_items, fetch_page

ENDPOINT = "search-deep"


class SearchResults(Mapping[Path, Node]):
    """A mapping of paths, relative to the searched container, to nodes; fetched page by page."""

    def __init__(
        self, session: ClientSession, path: Path, queries: Sequence[Query], max_depth: int | None
    ) -> None:
        self._session, self._path = session, path
        self._queries, self._max_depth = tuple(queries), max_depth

    def __len__(self) -> int:
        params = [("fields", "count"), ("page[limit]", "0"), *self._params(self._queries)]
        page = fetch_page(self._session.http, ENDPOINT, self._path, params)
        return int(page["meta"]["count"])

    def __iter__(self) -> Iterator[Path]:
        return (key for key, _ in self._listed(self._queries))

    def __getitem__(self, key: str | Path) -> Node:
        """Return the node at a path. Raises NodeNotFound, a KeyError, if it is not a result."""
        path = split_path(key) if isinstance(key, str) else key
        for found, node in self._listed((*self._queries, KeysFilter(path[-1:]))):
            if found == path:
                return node
        raise NodeNotFound(f"{key!r} is not among the search results")

    def values(self) -> ValuesView[Node]:
        """Return a view of the nodes; iterating makes one request per page, not per node."""
        return _Nodes(self)

    def items(self) -> ItemsView[Path, Node]:
        """Return a view of paths and nodes; iterating makes one request per page, not per node."""
        return _PathsAndNodes(self)

    def child_nodes(self) -> Iterator[tuple[Path, Node]]:
        """Yield paths and nodes, page by page."""
        return self._listed(self._queries)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} ({len(self)} below {'/' + '/'.join(self._path)})>"

    def _listed(self, queries: Sequence[Query]) -> Iterator[tuple[Path, Node]]:
        params = self._params(queries)
        for item in fetch_items(self._session.http, ENDPOINT, self._path, params, {}):
            full = (*_ancestors(item), item["id"])
            node = Node.build(self._session, full, Resource.from_json(item))
            yield full[len(self._path) :], node

    def _params(self, queries: Sequence[Query]) -> Pairs:
        depth = [] if self._max_depth is None else [("max_depth", str(self._max_depth))]
        return [*filter_params(queries), *depth]


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
