"""Views of a container's keys, nodes and items that can be sliced without listing all of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import ItemsView, Iterator, KeysView, Mapping, Sized, ValuesView
from itertools import islice
from typing import Any, Generic, TypeVar, overload

from .base import Node

T = TypeVar("T")


class PagedMapping(Mapping[str, Any]):
    """A mapping of keys to nodes that is listed page by page, from either end."""

    @abstractmethod
    def listed(
        self,
        params: Mapping[str, str],
        *,
        offset: int = 0,
        limit: int | None = None,
        reverse: bool = False,
    ) -> Iterator[Mapping[str, Any]]:
        """Yield the server's documents of the children."""

    @abstractmethod
    def child_nodes(
        self, *, offset: int = 0, limit: int | None = None, reverse: bool = False
    ) -> Iterator[tuple[str, Node]]:
        """Yield keys and nodes."""


class SliceableView(Sized, Generic[T]):
    """A view that supports slices; only the items of the slice are fetched."""

    _mapping: PagedMapping

    @abstractmethod
    def _listed(self, offset: int, limit: int | None, reverse: bool) -> Iterator[T]:
        """Yield the items, from the front or from the back."""

    def __iter__(self) -> Iterator[T]:
        return self._listed(0, None, False)

    def __reversed__(self) -> Iterator[T]:
        return self._listed(0, None, True)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...

    def __getitem__(self, index: int | slice) -> T | list[T]:
        """Return an item or a slice; negative numbers count from the back. Raises IndexError."""
        if isinstance(index, slice):
            return self._slice(index)
        position = index if index >= 0 else -1 - index
        for item in self._listed(position, 1, index < 0):
            return item
        raise IndexError(f"index {index} is out of range")

    def first(self) -> T:
        """Return the first item. Raises IndexError if there is none."""
        return self[0]

    def last(self) -> T:
        """Return the last item. Raises IndexError if there is none."""
        return self[-1]

    def head(self, n: int = 5) -> list[T]:
        """Return the first `n` items."""
        return self[:n]

    def tail(self, n: int = 5) -> list[T]:
        """Return the last `n` items."""
        return self[-n:] if n else []

    def _slice(self, part: slice) -> list[T]:
        start, stop, step = part.start or 0, part.stop, part.step or 1
        if start < 0 and (stop is None or stop < 0) and step > 0:
            # Both ends count from the back, so the length is not needed; were it fetched first,
            # items that are added meanwhile would shift the slice.
            end = -(stop or 0)
            return list(self._listed(end, max(-start - end, 0), True))[::-1][::step]
        if start < 0 or step < 0 or (stop is not None and stop < 0):
            positions = range(*part.indices(len(self)))
            return self._at(positions) if positions else []
        limit = None if stop is None else max(stop - start, 0)
        return list(islice(self._listed(start, limit, False), 0, None, step))

    def _at(self, positions: range) -> list[T]:
        low, high = min(positions[0], positions[-1]), max(positions[0], positions[-1])
        items = list(self._listed(low, high - low + 1, False))
        return [items[position - low] for position in positions if position - low < len(items)]


class Keys(SliceableView[str], KeysView[str]):
    """View of the keys."""

    def _listed(self, offset: int, limit: int | None, reverse: bool) -> Iterator[str]:
        items = self._mapping.listed({"fields": ""}, offset=offset, limit=limit, reverse=reverse)
        return (item["id"] for item in items)


class Values(SliceableView[Node], ValuesView[Node]):
    """View of the nodes; iterating makes one request per page, not per node."""

    def _listed(self, offset: int, limit: int | None, reverse: bool) -> Iterator[Node]:
        children = self._mapping.child_nodes(offset=offset, limit=limit, reverse=reverse)
        return (node for _, node in children)

    def __contains__(self, node: object) -> bool:
        return any(node == other for other in self)


class Items(SliceableView[tuple[str, Node]], ItemsView[str, Node]):
    """View of keys and nodes; iterating makes one request per page, not per node."""

    def _listed(self, offset: int, limit: int | None, reverse: bool) -> Iterator[tuple[str, Node]]:
        return self._mapping.child_nodes(offset=offset, limit=limit, reverse=reverse)

    def __contains__(self, item: Any) -> bool:
        key, node = item
        return key in self._mapping and self._mapping[key] == node
