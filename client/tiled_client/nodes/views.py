"""The keys, the nodes, or both, of what a container lists: in part, from the front or the back."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import ItemsView, Iterator, KeysView, Sized, ValuesView
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from .base import Node

if TYPE_CHECKING:
    from .listing import ListedContainer

T = TypeVar("T")


class Sliced(Sized, Generic[T]):
    """A view that can be cut: only what is in the part is asked for."""

    _mapping: ListedContainer

    @abstractmethod
    def _listed(self, offset: int, limit: int | None, reverse: bool) -> Iterator[T]:
        """What stands there, from the front or from the back."""

    def __iter__(self) -> Iterator[T]:
        return self._listed(0, None, False)

    def __reversed__(self) -> Iterator[T]:
        return self._listed(0, None, True)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...

    def __getitem__(self, index: int | slice) -> T | list[T]:
        """What stands there, counted from the back if negative. Raises IndexError."""
        if isinstance(index, slice):
            return self._part(index)
        place = index if index >= 0 else -1 - index
        for found in self._listed(place, 1, index < 0):
            return found
        raise IndexError(f"there is no number {index}")

    def first(self) -> T:
        """The first. Raises IndexError if there is none."""
        return self[0]

    def last(self) -> T:
        """The last. Raises IndexError if there is none."""
        return self[-1]

    def head(self, n: int = 5) -> list[T]:
        """The first `n`."""
        return self[:n]

    def tail(self, n: int = 5) -> list[T]:
        """The last `n`."""
        return self[-n:] if n else []

    def _part(self, part: slice) -> list[T]:
        start, stop, step = part.start or 0, part.stop, part.step or 1
        if start < 0 and (stop is None or stop < 0) and step > 0:
            # Counted from the back on both sides: what comes meanwhile does not shift it.
            end = -(stop or 0)
            return list(self._listed(end, max(-start - end, 0), True))[::-1][::step]
        if start < 0 or step < 0 or (stop is not None and stop < 0):
            places = range(*part.indices(len(self)))
            return self._at(places) if places else []
        limit = None if stop is None else max(stop - start, 0)
        return list(islice(self._listed(start, limit, False), 0, None, step))

    def _at(self, places: range) -> list[T]:
        low, high = min(places[0], places[-1]), max(places[0], places[-1])
        found = list(self._listed(low, high - low + 1, False))
        return [found[place - low] for place in places if place - low < len(found)]


class Keys(Sliced[str], KeysView[str]):
    """The keys."""

    def _listed(self, offset: int, limit: int | None, reverse: bool) -> Iterator[str]:
        found = self._mapping.listed({"fields": ""}, offset=offset, limit=limit, reverse=reverse)
        return (item["id"] for item in found)


class Values(Sliced[Node], ValuesView[Node]):
    """The nodes; going through them takes one request per page, not per node."""

    def _listed(self, offset: int, limit: int | None, reverse: bool) -> Iterator[Node]:
        found = self._mapping.child_nodes(offset=offset, limit=limit, reverse=reverse)
        return (node for _, node in found)

    def __contains__(self, node: object) -> bool:
        return any(node == other for other in self)


class Items(Sliced[tuple[str, Node]], ItemsView[str, Node]):
    """Keys and nodes; going through them takes one request per page, not per node."""

    def _listed(self, offset: int, limit: int | None, reverse: bool) -> Iterator[tuple[str, Node]]:
        return self._mapping.child_nodes(offset=offset, limit=limit, reverse=reverse)

    def __contains__(self, item: Any) -> bool:
        key, node = item
        return key in self._mapping and self._mapping[key] == node
