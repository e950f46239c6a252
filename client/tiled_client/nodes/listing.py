"""Listing, search and sorting of a container's children."""

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
from .pages import fetch_items, fetch_page
from .views import Items, Keys, PagedMapping, Values

Sort = str | tuple[str, int]
MAX_PAGE_ITEMS = 300


class ListedContainer(StreamableContainer, PagedMapping):
    """A mapping of keys to nodes that can be searched and sorted."""

    _queries: tuple[Query, ...] = ()
    _sorting: tuple[tuple[str, int], ...] = ()
    __hash__: ClassVar[Any] = Node.__hash__

    def search(self, query: Query) -> Self:
        """Return this container restricted to the children that match a query.

        Parameters
        ----------
        query
            One of `tiled_client.queries`. Search again in the result to combine queries.

        Examples
        --------
        >>> from tiled_client.queries import Key
        >>> client.search(Key("color") == "red").keys().head()
        []
        """
        return self._with(_queries=(*self._queries, query))

    def sort(self, *sorting: Sort) -> Self:
        """Return this container with its children in another order.

        Parameters
        ----------
        *sorting
            Keys of the metadata, as ("color", 1) or "-start.time" (descending). `id` is the key of
            the child, and "-" alone sorts by creation, newest first. Ties are oldest first.

        Examples
        --------
        >>> list(client.sort("-id"))
        ['x']
        """
        terms = (_parse_sort(term) for term in sorting)
        # ("", 1) is oldest first: the default order.
        return self._with(_sorting=tuple(term for term in terms if term != ("", 1)))

    def search_deep(self, *queries: Query, max_depth: int | None = None) -> SearchResults:
        """Search all levels below this container.

        Parameters
        ----------
        *queries
            Results match all of them.
        max_depth
            Number of levels to search; by default all.

        Returns
        -------
        SearchResults
            A mapping of paths, relative to this container, to nodes.

        Examples
        --------
        >>> from tiled_client.queries import StructureFamilyQuery
        >>> list(client.search_deep(StructureFamilyQuery("array")))
        [('x',)]
        """
        if not queries:
            raise TypeError("search_deep() requires at least one query")
        return SearchResults(self._session, self._path, queries, max_depth)

    def distinct(
        self,
        *metadata_keys: str,
        structure_families: bool = False,
        specs: bool = False,
        counts: bool = False,
    ) -> dict[str, Any]:
        """Return the distinct values that the children have.

        Parameters
        ----------
        *metadata_keys
            Keys of the metadata.
        structure_families, specs
            Include the distinct structure families, and lists of specs.
        counts
            Include how many children have each value.

        Returns
        -------
        dict
            Lists of values, under "metadata", "structure_families" and "specs".

        Examples
        --------
        >>> client.distinct("color", counts=True)["metadata"]
        {'color': [{'value': None, 'count': 1}]}
        """
        params = [("metadata", key) for key in metadata_keys]
        flags = {"structure_families": structure_families, "specs": specs, "counts": counts}
        params += [(name, "true" if flag else "false") for name, flag in flags.items()]
        params += filter_params(self._queries)
        return dict(self._http.get("distinct", self._path, params=params).value())

    def keys(self) -> Keys:
        """Return a view of the keys, which can be sliced."""
        return Keys(self)

    def values(self) -> Values:
        """Return a view of the nodes; iterating makes one request per page, not per node."""
        return Values(self)

    def items(self) -> Items:
        """Return a view of keys and nodes; iterating makes one request per page, not per node."""
        return Items(self)

    def __getitem__(self, key: str | tuple[str, ...]) -> Any:
        """Fetch the node of a key or path. Raises NodeNotFound, which is a KeyError."""
        parts = (key,) if isinstance(key, str) else key
        path = tuple(name for part in parts for name in split_path(part))
        if not path:
            raise NodeNotFound(f"{key!r} is not a key")
        full = (*self._path, *path)
        if self._queries:
            resource = self._look_up(path[0])
            if len(path) == 1:
                return Node.build(self._session, full, resource)
        return Node.build(self._session, full, fetch_resource(self._http, full))

    def __len__(self) -> int:
        params = [("fields", "count"), ("page[limit]", "0"), *filter_params(self._queries)]
        return int(fetch_page(self._http, "search", self._path, params)["meta"]["count"])

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
        # By URL, as for all nodes: Mapping's own __eq__ would fetch the contents of both.
        return (
            Node.__eq__(self, other)
            and isinstance(other, ListedContainer)
            and (self._queries, self._sorting) == (other._queries, other._sorting)
        )

    def child_nodes(
        self, *, offset: int = 0, limit: int | None = None, reverse: bool = False
    ) -> Iterator[tuple[str, Node]]:
        """Yield keys and nodes, page by page, from the front or the back."""
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
        """Yield the server's documents of the children, as selected by `params`."""
        if limit == 0:
            return iter(())
        fixed = [*params.items(), *filter_params(self._queries), *self._sort_params(reverse)]
        paging = {"page[offset]": str(offset)} if offset else {}
        if limit is not None:
            paging["page[limit]"] = str(min(limit, MAX_PAGE_ITEMS))
        return islice(fetch_items(self._http, "search", self._path, fixed, paging), limit)

    def _look_up(self, key: str) -> Resource:
        params = filter_params((*self._queries, KeyLookup(key)))
        found: Sequence[Any] = fetch_page(self._http, "search", self._path, params)["data"]
        if not found:
            raise NodeNotFound(f"{key!r} is not among the search results in {self.uri}")
        return Resource.from_json(found[0])

    def _sort_params(self, reverse: bool) -> Pairs:
        sign = -1 if reverse else 1
        terms = [f"{'-' if sign * direction < 0 else ''}{key}" for key, direction in self._sorting]
        if reverse:
            # The reverse of "-" (newest first) is the default, and that of the default is "-".
            terms = [term for term in terms if term] + ([] if "" in terms else ["-"])
        return [("sort", term) for term in terms]

    def _with(self, **changes: Any) -> Self:
        changed = copy.copy(self)
        vars(changed).update(changes)
        return changed


def _parse_sort(term: Sort) -> tuple[str, int]:
    if isinstance(term, str):
        return term.lstrip("+-"), -1 if term.startswith("-") else 1
    key, direction = term
    if direction not in (1, -1):
        raise ValueError(f"the direction of a sort is 1 or -1, not {direction!r}")
    return key, direction
