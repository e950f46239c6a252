"""What was found anywhere below a container."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping, Sequence, ValuesView
from typing import Any

from ..documents import Resource
from ..errors import InvalidResponse, NodeNotFound
from ..http.session import Session
from ..queries import KeysFilter, Pairs, Query, filter_params
from ..uris import Path, split_path
from .base import Node
from .pages import items_of, page_of


class SearchResults(Mapping[Path, Node]):
    """A mapping of keys, those that lead there from the container, to nodes; read page by page."""

    def __init__(
        self, session: Session, path: Path, queries: Sequence[Query], max_depth: int | None
    ) -> None:
        self._session, self._path = session, path
        self._queries, self._max_depth = tuple(queries), max_depth

    def __len__(self) -> int:
        params = [("fields", "count"), ("page[limit]", "0"), *self._params(self._queries)]
        return int(page_of(self._session.http, "search-deep", self._path, params)["meta"]["count"])

    def __iter__(self) -> Iterator[Path]:
        return (key for key, _ in self._listed(self._queries))

    def __getitem__(self, key: str | Path) -> Node:
        """The node there. Raises NodeNotFound, which is a KeyError, if it was not found."""
        path = split_path(key) if isinstance(key, str) else key
        for found, node in self._listed((*self._queries, KeysFilter(path[-1:]))):
            if found == path:
                return node
        raise NodeNotFound(f"{key!r} is not among what was searched for")

    def values(self) -> ValuesView[Node]:
        """The nodes; going through them takes one request per page, not per node."""
        return _Nodes(self)

    def items(self) -> ItemsView[Path, Node]:
        """Keys and nodes; going through them takes one request per page, not per node."""
        return _KeysAndNodes(self)

    def child_nodes(self) -> Iterator[tuple[Path, Node]]:
        """Keys and nodes, page by page."""
        return self._listed(self._queries)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} ({len(self)} below {'/' + '/'.join(self._path)})>"

    def _listed(self, queries: Sequence[Query]) -> Iterator[tuple[Path, Node]]:
        for item in items_of(
            self._session.http, "search-deep", self._path, self._params(queries), {}
        ):
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


class _KeysAndNodes(ItemsView[Path, Node]):
    _mapping: SearchResults

    def __iter__(self) -> Iterator[tuple[Path, Node]]:
        return self._mapping.child_nodes()


def _ancestors(item: Mapping[str, Any]) -> Path:
    try:
        return tuple(item["attributes"]["ancestors"])
    except (KeyError, TypeError) as error:
        raise InvalidResponse("The server did not say where the node is.") from error
