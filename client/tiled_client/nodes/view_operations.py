"""What the views of a container's children have in common, blocking or for asyncio."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from ..arguments import whole_number
from ..http.operations import operation

T = TypeVar("T")


class Paged(Protocol):
    """A mapping of keys to nodes that is listed page by page, from either end."""

    def document_pages(
        self,
        params: Mapping[str, str],
        *,
        offset: int = 0,
        limit: int | None = None,
        reverse: bool = False,
    ) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
        """Yield pages of the server's documents of the children."""

    def node_pages(
        self, *, offset: int = 0, limit: int | None = None, reverse: bool = False
    ) -> AsyncIterator[Sequence[tuple[str, Any]]]:
        """Yield pages of keys and nodes."""

    async def fetch_count(self) -> int:
        """Return the number of children."""


class ViewOperations(Generic[T]):
    """A view that supports slices; only the items of the slice are fetched."""

    _mapping: Any

    @abstractmethod
    def pages(self, offset: int, limit: int | None, reverse: bool) -> AsyncIterator[Sequence[T]]:
        """Yield pages of the items, from the front or from the back."""

    @operation
    async def first(self) -> T:
        """Return the first item. Raises IndexError if there is none."""
        return await self._item(0)

    @operation
    async def last(self) -> T:
        """Return the last item. Raises IndexError if there is none."""
        return await self._item(-1)

    @operation
    async def head(self, n: int = 5) -> list[T]:
        """Return the first `n` items."""
        return await self._slice(slice(None, n))

    @operation
    async def tail(self, n: int = 5) -> list[T]:
        """Return the last `n` items."""
        return await self._slice(slice(-n, None)) if n else []

    async def _item(self, index: int) -> T:
        index = whole_number(index, "index")
        for item in await self._listed(index if index >= 0 else -1 - index, 1, index < 0):
            return item
        raise IndexError(f"index {index} is out of range")

    async def _slice(self, part: slice) -> list[T]:
        bounds = (part.start, part.stop, part.step)
        start, stop, step = (n if n is None else whole_number(n, "index") for n in bounds)
        start, step = start or 0, 1 if step is None else step
        if not step:
            raise ValueError("the step of a slice must not be zero")
        if start < 0 and (stop is None or stop < 0) and step > 0:
            # Both ends count from the back, so the length is not needed; were it fetched first,
            # items that are added meanwhile would shift the slice.
            end = -(stop or 0)
            return (await self._listed(end, max(-start - end, 0), True))[::-1][::step]
        if start < 0 or step < 0 or (stop is not None and stop < 0):
            positions = range(
                *slice(part.start and start, stop, step).indices(await self._mapping.fetch_count())
            )
            return await self._at(positions) if positions else []
        limit = None if stop is None else max(stop - start, 0)
        return (await self._listed(start, limit, False))[::step]

    async def _at(self, positions: range) -> list[T]:
        low, high = min(positions[0], positions[-1]), max(positions[0], positions[-1])
        items = await self._listed(low, high - low + 1, False)
        return [items[position - low] for position in positions if position - low < len(items)]

    async def _listed(self, offset: int, limit: int | None, reverse: bool) -> list[T]:
        return [item async for page in self.pages(offset, limit, reverse) for item in page]


class KeyOperations(ViewOperations[str]):
    """A view of keys."""

    async def pages(
        self, offset: int, limit: int | None, reverse: bool
    ) -> AsyncIterator[Sequence[str]]:
        """Yield pages of keys."""
        mapping: Paged = self._mapping
        async for page in mapping.document_pages(
            {"fields": ""}, offset=offset, limit=limit, reverse=reverse
        ):
            yield [item["id"] for item in page]


class ValueOperations(ViewOperations[T]):
    """A view of nodes."""

    async def pages(
        self, offset: int, limit: int | None, reverse: bool
    ) -> AsyncIterator[Sequence[T]]:
        """Yield pages of nodes."""
        mapping: Paged = self._mapping
        async for page in mapping.node_pages(offset=offset, limit=limit, reverse=reverse):
            yield [node for _, node in page]


class ItemOperations(ViewOperations[tuple[str, T]]):
    """A view of keys and nodes."""

    def pages(
        self, offset: int, limit: int | None, reverse: bool
    ) -> AsyncIterator[Sequence[tuple[str, T]]]:
        """Yield pages of keys and nodes."""
        mapping: Paged = self._mapping
        return mapping.node_pages(offset=offset, limit=limit, reverse=reverse)
