"""A container as a mapping, of the client that blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Self

from ..http.operations import run
from ..query_base import Query
from .base import NodeOperations
from .classes import DASK
from .container_streams import StreamableContainer
from .deep_search import SearchResults
from .display.keys import keys_text
from .listing import ListingOperations, deep_search_arguments
from .views import Items, Keys, PagedMapping, Values


class ListedContainer(ListingOperations, StreamableContainer, PagedMapping):
    """A mapping of keys to nodes, as Python's `Mapping`."""

    __hash__: ClassVar[Any] = NodeOperations.__hash__

    @property
    def dask(self) -> Self:
        """The same container, whose arrays and tables are read lazily, with dask."""
        changed: Self = self._built_for(DASK)
        changed._queries, changed._sorting = self._queries, self._sorting
        return changed

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

        Raises
        ------
        TypeError
            If there is no query.

        Examples
        --------
        >>> from tiled_client.queries import StructureFamilyQuery
        >>> list(client.search_deep(StructureFamilyQuery("array")))
        [('x',)]
        """
        return SearchResults(self, *deep_search_arguments(queries, max_depth))

    def keys(self) -> Keys:
        """Return a view of the keys, which can be sliced.

        Returns
        -------
        Keys
            A view that fetches pages of keys as they are needed.

        Examples
        --------
        >>> client.keys()[:10]
        ['x']
        """
        return Keys(self)

    def values(self) -> Values:
        """Return a view of the nodes; iterating makes one request per page, not per node.

        Returns
        -------
        Values
            A view that fetches pages of nodes as they are needed.

        Examples
        --------
        >>> client.values().last().shape
        (3,)
        """
        return Values(self)

    def items(self) -> Items:
        """Return a view of keys and nodes; iterating makes one request per page, not per node.

        Returns
        -------
        Items
            A view that fetches pages of nodes as they are needed.

        Examples
        --------
        >>> [(key, node.size) for key, node in client.items()]
        [('x', 3)]
        """
        return Items(self)

    def __repr__(self) -> str:
        return self._text(keys_text(self, "{}"))

    def __len__(self) -> int:
        return run(self.fetch_count())

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __contains__(self, key: object) -> bool:
        return run(self._has(key))
