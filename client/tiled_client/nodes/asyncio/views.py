"""Views of a container's keys, nodes and items, for asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Generic, TypeVar, overload

from ...http.operations import Asynchronous
from ...uris import Path, quoted_path
from ..deep_search import DeepSearchOperations
from ..view_operations import ItemOperations, KeyOperations, ValueOperations, ViewOperations
from .base import AsyncNode

T = TypeVar("T")


class AsyncView(Asynchronous, ViewOperations[T], Generic[T]):
    """A view for `async for`, and for `await view[:10]`, which fetches the slice alone."""

    def __init__(self, mapping: Any) -> None:
        self._mapping = mapping

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {quoted_path(self._mapping.path)}>"

    async def count(self) -> int:
        """Return the number of items."""
        count: int = await self._mapping.fetch_count()
        return count

    @overload
    async def __getitem__(self, index: int) -> T: ...
    @overload
    async def __getitem__(self, index: slice) -> list[T]: ...

    async def __getitem__(self, index: int | slice) -> T | list[T]:
        """Return an item or a slice; negative numbers count from the back. Raises IndexError."""
        return await (self._slice(index) if isinstance(index, slice) else self._item(index))

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages(0, None, False):
            for item in page:
                yield item


class AsyncKeys(AsyncView[str], KeyOperations):
    """View of the keys."""


class AsyncValues(AsyncView[AsyncNode], ValueOperations[AsyncNode]):
    """View of the nodes; iterating makes one request per page, not per node."""


class AsyncItems(AsyncView[tuple[str, AsyncNode]], ItemOperations[AsyncNode]):
    """View of keys and nodes; iterating makes one request per page, not per node."""


class AsyncSearchResults(DeepSearchOperations):
    """The nodes that match a search: `async for path, node in results.items()`."""

    async def count(self) -> int:
        """Return the number of results."""
        return await self.fetch_count()

    async def __getitem__(self, key: str | Path) -> Any:
        """Return the node at a path. Raises NodeNotFound, a KeyError, if it is not a result."""
        return await self.fetch_node(key)

    async def __aiter__(self) -> AsyncIterator[Path]:
        async for page in self.node_pages():
            for path, _ in page:
                yield path

    async def items(self) -> AsyncIterator[tuple[Path, AsyncNode]]:
        """Yield paths, relative to the searched container, and nodes."""
        async for page in self.node_pages():
            for item in page:
                yield item

    async def values(self) -> AsyncIterator[AsyncNode]:
        """Yield the nodes."""
        async for page in self.node_pages():
            for _, node in page:
                yield node
