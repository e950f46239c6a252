"""Views of a container's keys, nodes and items that can be sliced without listing all of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import (
    AsyncIterator,
    ItemsView,
    Iterator,
    KeysView,
    Mapping,
    Sequence,
    Sized,
    ValuesView,
)
from typing import Any, Generic, TypeVar, overload

from ..http.operations import Blocking, iterate, run
from ..uris import quoted_path
from .display.keys import keys_text
from .node import Node
from .view_operations import ItemOperations, KeyOperations, ValueOperations, ViewOperations

T = TypeVar("T")


class PagedMapping(Mapping[str, Any]):
    """A mapping of keys to nodes that is listed page by page, from either end."""

    @abstractmethod
    def document_pages(
        self,
        params: Mapping[str, str],
        *,
        offset: int = 0,
        limit: int | None = None,
        reverse: bool = False,
    ) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
        """Yield pages of the server's documents of the children."""

    @abstractmethod
    def node_pages(
        self, *, offset: int = 0, limit: int | None = None, reverse: bool = False
    ) -> AsyncIterator[Sequence[tuple[str, Any]]]:
        """Yield pages of keys and nodes."""


class SliceableView(Blocking, ViewOperations[T], Sized, Generic[T]):
    """A view that supports slices; only the items of the slice are fetched."""

    _mapping: Any

    def __iter__(self) -> Iterator[T]:
        return items_of(self.pages(0, None, False))

    def __repr__(self) -> str:
        path = quoted_path(self._mapping.path)
        return f"<{type(self).__name__} of {path} {keys_text(self._mapping, '[]')}>"

    def __reversed__(self) -> Iterator[T]:
        return items_of(self.pages(0, None, True))

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...

    def __getitem__(self, index: int | slice) -> T | list[T]:
        """Return an item or a slice; negative numbers count from the back. Raises IndexError."""
        return run(self._slice(index)) if isinstance(index, slice) else run(self._item(index))


class Keys(SliceableView[str], KeyOperations, KeysView[str]):
    """View of the keys."""


class Values(SliceableView[Node], ValueOperations[Node], ValuesView[Node]):
    """View of the nodes; iterating makes one request per page, not per node."""

    def __contains__(self, node: object) -> bool:
        return any(node == other for other in self)


class Items(SliceableView[tuple[str, Node]], ItemOperations[Node], ItemsView[str, Node]):
    """View of keys and nodes; iterating makes one request per page, not per node."""

    def __contains__(self, item: Any) -> bool:
        if not isinstance(item, tuple) or len(item) != 2:
            return False
        key, node = item
        return key in self._mapping and self._mapping[key] == node


def items_of(pages: AsyncIterator[Sequence[T]]) -> Iterator[T]:
    """Yield the items of all pages, which are fetched when they are needed."""
    for page in iterate(pages):
        yield from page
