"""Listing, search and sorting of a container's children."""

from __future__ import annotations

import copy
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, ClassVar, Self

from ..arguments import names_of, whole_number
from ..documents import Resource
from ..errors import NodeNotFound
from ..http.operations import operation
from ..queries import KeyLookup
from ..query_base import Pairs, Query, as_query, filter_params
from ..uris import Path, split_path
from .base import NodeOperations, request_resource
from .display.tree import TreeOperations
from .pages import fetch_page, fetch_pages

Sort = str | tuple[str, int]
MAX_PAGE_ITEMS = 300


class ListingOperations(TreeOperations, NodeOperations):
    """A mapping of keys to nodes that can be searched and sorted."""

    _queries: tuple[Query, ...] = ()
    _sorting: tuple[tuple[str, int], ...] = ()
    __hash__: ClassVar[Any] = NodeOperations.__hash__

    def search(self, query: Query) -> Self:
        """Return this container restricted to the children that match a query.

        Parameters
        ----------
        query
            One of `tiled_client.queries`. Search again in the result to combine queries.

        Returns
        -------
        Container
            The same container; its views, iteration and length are those of the results.

        Raises
        ------
        TypeError
            If the argument is not a query.

        Examples
        --------
        >>> from tiled_client.queries import Key
        >>> client.search(Key("color") == "red").keys().head()
        []
        """
        return self._with(_queries=(*self._queries, as_query(query, "search()")))

    def sort(self, *sorting: Sort) -> Self:
        """Return this container with its children in another order.

        Parameters
        ----------
        *sorting
            Keys of the metadata, as ("color", 1) or "-start.time" (descending). `id` is the key of
            the child, and "-" alone sorts by creation, newest first. Ties are oldest first.

        Returns
        -------
        Container
            The same container, in that order.

        Examples
        --------
        >>> list(client.sort("-id"))
        ['x']
        """
        terms = (_parse_sort(term) for term in sorting)
        # ("", 1) is oldest first: the default order.
        return self._with(_sorting=tuple(term for term in terms if term != ("", 1)))

    @operation
    async def distinct(
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
        params = [("metadata", key) for key in names_of(metadata_keys, "metadata_keys")]
        flags = {"structure_families": structure_families, "specs": specs, "counts": counts}
        params += [(name, "true" if flag else "false") for name, flag in flags.items()]
        params += filter_params(self._queries)
        response = await self._requests.get("distinct", self._path, params=params)
        return dict(response.value())

    @operation
    async def __getitem__(self, key: str | tuple[str, ...]) -> Any:
        """Fetch the node of a key or path. Raises NodeNotFound, which is a KeyError."""
        return await self._node(key)

    async def _node(self, key: str | tuple[str, ...]) -> Any:
        parts = _parts(key)
        path = tuple(name for part in parts for name in split_path(part))
        if not path:
            raise NodeNotFound(f"{key!r} is not a key")
        full = (*self._path, *path)
        if self._queries:
            resource = await self._look_up(path[0])
            if len(path) == 1:
                return self.build(self._session, full, resource)
        resource = await request_resource(self._requests, full)
        return self.build(self._session, full, resource)

    async def fetch_count(self) -> int:
        """Return the number of children."""
        params = [("fields", "count"), ("page[limit]", "0"), *filter_params(self._queries)]
        page = await fetch_page(self._requests, "search", self._path, params)
        return int(page["meta"]["count"])

    async def _has(self, key: object) -> bool:
        try:
            await self._node(key)  # type: ignore[arg-type]
        except (NodeNotFound, TypeError):
            return False
        return True

    def __eq__(self, other: object) -> bool:
        # By URL, as for all nodes: Mapping's own __eq__ would fetch the contents of both.
        return (
            NodeOperations.__eq__(self, other)
            and isinstance(other, ListingOperations)
            and (self._queries, self._sorting) == (other._queries, other._sorting)
        )

    async def node_pages(
        self, *, offset: int = 0, limit: int | None = None, reverse: bool = False
    ) -> AsyncIterator[Sequence[tuple[str, Any]]]:
        """Yield pages of keys and nodes, from the front or the back."""
        async for page in self.document_pages({}, offset=offset, limit=limit, reverse=reverse):
            yield [(item["id"], self.child(item)) for item in page]

    async def document_pages(
        self,
        params: Mapping[str, str],
        *,
        offset: int = 0,
        limit: int | None = None,
        reverse: bool = False,
    ) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
        """Yield pages of the server's documents of the children, as selected by `params`."""
        left = sys.maxsize if limit is None else limit
        if not left:
            return
        fixed = [*params.items(), *filter_params(self._queries), *self._sort_params(reverse)]
        paging = {"page[offset]": str(offset)} if offset else {}
        if limit is not None:
            paging["page[limit]"] = str(min(limit, MAX_PAGE_ITEMS))
        async for page in fetch_pages(self._requests, "search", self._path, fixed, paging):
            yield page[:left]
            left -= len(page)
            if left <= 0:
                return

    async def _child_keys(self) -> list[str]:
        pages = self.document_pages({"fields": ""})
        return [item["id"] async for page in pages for item in page]

    async def children(
        self, limit: int, params: Mapping[str, str] | None = None
    ) -> tuple[Sequence[Mapping[str, Any]], int]:
        """Return the documents of the first children, and the number of all, with one request."""
        query = [
            *(params or {}).items(),
            ("page[limit]", str(limit)),
            *filter_params(self._queries),
            *self._sort_params(reverse=False),
        ]
        page = await fetch_page(self._requests, "search", self._path, query)
        return page["data"][:limit], int(page["meta"]["count"])

    def child(self, item: Mapping[str, Any]) -> Any:
        """Return the client object of a child, of its document in a listing."""
        path: Path = (*self._path, item["id"])
        return self.build(self._session, path, Resource.from_json(item))

    async def _look_up(self, key: str) -> Resource:
        params = filter_params((*self._queries, KeyLookup(key)))
        page = await fetch_page(self._requests, "search", self._path, params)
        found: Sequence[Any] = page["data"]
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


def deep_search_arguments(
    queries: Sequence[Query], max_depth: int | None
) -> tuple[tuple[Query, ...], int | None]:
    """Return the checked arguments of `search_deep`. Raises TypeError, ValueError."""
    if not queries:
        raise TypeError("search_deep() requires at least one query")
    if max_depth is not None:
        max_depth = whole_number(max_depth, "max_depth", minimum=1)
    return tuple(as_query(query, "search_deep()") for query in queries), max_depth


def _parts(key: Any) -> tuple[str, ...]:
    parts = (key,) if isinstance(key, str) else key
    if isinstance(parts, (tuple, list)) and all(isinstance(part, str) for part in parts):
        return tuple(parts)
    raise TypeError(
        f"a node is selected by its key or path, such as 'a' or 'a/b', not by {key!r}: select by "
        "position with keys(), values() or items(), as in c.values()[0]"
    )


def _parse_sort(term: Sort) -> tuple[str, int]:
    if isinstance(term, str) and term.lower() in ("asc", "desc", "ascending", "descending"):
        raise ValueError(f"the direction {term!r} is part of a term: use '-color' or ('color', -1)")
    if not isinstance(term, str) and not (isinstance(term, tuple) and len(term) == 2):
        raise TypeError(
            f"a sort is by the keys of metadata, as in sort('color', '-time'), not {term!r}"
        )
    if isinstance(term, str):
        return term.lstrip("+-"), -1 if term.startswith("-") else 1
    key, direction = term
    if direction not in (1, -1):
        raise ValueError(f"the direction of a sort is 1 or -1, not {direction!r}")
    return key, direction
