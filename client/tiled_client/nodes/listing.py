"""What a container lists: all its children, or those that were searched for, in some order."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar, Self

from ..documents import Resource
from ..errors import NodeNotFound
from ..queries import KeyLookup, Pairs, Query, filter_params
from ..uris import Path, split_path
from .base import Node, fetch_resource
from .container_streams import StreamableContainer
from .deep_search import SearchResults
from .pages import items_of, page_of
from .views import Items, Keys, Values

Sort = str | tuple[str, int]
MOST_PER_PAGE = 300


class ListedContainer(StreamableContainer, Mapping[str, Any]):
    """A mapping of keys to nodes, read page by page."""

    _queries: tuple[Query, ...] = ()
    _sorting: tuple[tuple[str, int], ...] = ()
    __hash__: ClassVar[Any] = Node.__hash__

    def search(self, query: Query) -> Self:
        """This container with those of its children alone that `query` finds.

        >>> from tiled_client.queries import Key
        >>> client.search(Key("color") == "red").keys().head()
        []
        """
        return self._with(_queries=(*self._queries, query))

    def sort(self, *sorting: Sort) -> Self:
        """This container with its children in another order: by ("color", 1) or "-start.time".

        `id` is the key; a `-` alone is the newest first. Where that is equal, the oldest come
        first.
        """
        terms = (_sort(one) for one in sorting)
        # The oldest first is how they stand anyway.
        return self._with(_sorting=tuple(term for term in terms if term != ("", 1)))

    def search_deep(self, *queries: Query, max_depth: int | None = None) -> SearchResults:
        """What all `queries` find anywhere below, by the keys that lead there from here."""
        if not queries:
            raise TypeError("search_deep() needs a query")
        return SearchResults(self._session, self._path, queries, max_depth)

    def distinct(
        self,
        *metadata_keys: str,
        structure_families: bool = False,
        specs: bool = False,
        counts: bool = False,
    ) -> dict[str, Any]:
        """Which values the children have under these keys of their metadata, and how often.

        >>> client.distinct("color", counts=True)["metadata"]
        {'color': [{'value': None, 'count': 1}]}
        """
        params = [("metadata", key) for key in metadata_keys]
        flags = {"structure_families": structure_families, "specs": specs, "counts": counts}
        params += [(name, "true" if wanted else "false") for name, wanted in flags.items()]
        params += filter_params(self._queries)
        found = self._http.get("distinct", self._path, params=params).value()
        return dict(found)

    def keys(self) -> Keys:
        """The keys."""
        return Keys(self)

    def values(self) -> Values:
        """The nodes; going through them takes one request per page, not per node."""
        return Values(self)

    def items(self) -> Items:
        """Keys and nodes; going through them takes one request per page, not per node."""
        return Items(self)

    def __getitem__(self, key: str | tuple[str, ...]) -> Any:
        """The node of that key. Raises NodeNotFound, which is a KeyError."""
        parts = (key,) if isinstance(key, str) else key
        path = tuple(name for part in parts for name in split_path(part))
        if not path:
            raise NodeNotFound(f"{key!r} is not a key")
        full = (*self._path, *path)
        if self._queries:
            resource = self._looked_up(path[0])
            if len(path) == 1:
                return Node.build(self._session, full, resource)
        return Node.build(self._session, full, fetch_resource(self._http, full))

    def __len__(self) -> int:
        params = [("fields", "count"), ("page[limit]", "0"), *filter_params(self._queries)]
        return int(page_of(self._http, "search", self._path, params)["meta"]["count"])

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, (str, tuple)):
            return False
        try:
            self[key]
        except NodeNotFound:
            return False
        return True

    def __eq__(self, other: object) -> bool:
        # Nodes are the same if they have the same address: comparing contents would fetch them all.
        return (
            Node.__eq__(self, other)
            and isinstance(other, ListedContainer)
            and (self._queries, self._sorting) == (other._queries, other._sorting)
        )

    def child_nodes(
        self, *, offset: int = 0, limit: int | None = None, reverse: bool = False
    ) -> Iterator[tuple[str, Node]]:
        """Keys and nodes, page by page, from the front or the back."""
        for item in self.listed({}, offset=offset, limit=limit, reverse=reverse):
            path: Path = (*self._path, item["id"])
            yield item["id"], Node.build(self._session, path, Resource.from_json(item))

    def listed(
        self,
        params: Mapping[str, str],
        *,
        offset: int = 0,
        limit: int | None = None,
        reverse: bool = False,
    ) -> Iterator[Mapping[str, Any]]:
        """What the server says of the children, or of some of them, asked for with `params`."""
        if limit == 0:
            return iter(())
        asked = [*params.items(), *filter_params(self._queries), *self._sort_params(reverse)]
        paging = {"page[offset]": str(offset)} if offset else {}
        if limit is not None:
            paging["page[limit]"] = str(min(limit, MOST_PER_PAGE))
        return islice(items_of(self._http, "search", self._path, asked, paging), limit)

    def _looked_up(self, key: str) -> Resource:
        params = filter_params((*self._queries, KeyLookup(key)))
        found: Sequence[Any] = page_of(self._http, "search", self._path, params)["data"]
        if not found:
            raise NodeNotFound(f"{key!r} is not among what was searched for in {self.uri}")
        return Resource.from_json(found[0])

    def _sort_params(self, reverse: bool) -> Pairs:
        sign = -1 if reverse else 1
        terms = [f"{'-' if sign * direction < 0 else ''}{key}" for key, direction in self._sorting]
        if reverse:
            # What the wish for the newest first, if there is one, is turned into.
            terms = [term for term in terms if term] + ([] if "" in terms else ["-"])
        return [("sort", term) for term in terms]

    def _with(self, **changes: Any) -> Self:
        changed = copy.copy(self)
        vars(changed).update(changes)
        return changed


def _sort(term: Sort) -> tuple[str, int]:
    if isinstance(term, str):
        return term.lstrip("+-"), -1 if term.startswith("-") else 1
    key, direction = term
    if direction not in (1, -1):
        raise ValueError("the direction of a sort is 1 or -1")
    return key, direction
