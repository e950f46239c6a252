"""Dicts and lists that cannot be changed: a change would not reach the server."""

from __future__ import annotations

import copy
from typing import Any, NoReturn

_METHODS_OF_DICTS = "__setitem__ __delitem__ __ior__ clear pop popitem setdefault update".split()
_METHODS_OF_LISTS = (
    "__setitem__ __delitem__ __iadd__ __imul__ append clear extend insert pop remove reverse sort"
).split()


class ReadOnlyDict(dict[str, Any]):
    """A dict of metadata. `copy()` and `copy.deepcopy` return one that can be changed."""

    __slots__ = ()

    def copy(self) -> dict[str, Any]:
        """Return a dict that can be changed; nested values cannot, unlike those of `deepcopy`."""
        return dict(self)

    def __copy__(self) -> dict[str, Any]:
        return dict(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return {key: copy.deepcopy(value, memo) for key, value in self.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)


class ReadOnlyList(list[Any]):
    """A list in metadata. `copy()` and `copy.deepcopy` return one that can be changed."""

    __slots__ = ()

    def copy(self) -> list[Any]:
        """Return a list that can be changed."""
        return list(self)

    def __copy__(self) -> list[Any]:
        return list(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Any]:
        return [copy.deepcopy(value, memo) for value in self]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (list(self),)


def read_only(value: Any) -> Any:
    """Return a view of JSON that cannot be changed, at any level."""
    if isinstance(value, dict):
        return ReadOnlyDict((key, read_only(item)) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ReadOnlyList(map(read_only, value))
    return value


def _reject_change(self: Any, *_: object, **__: object) -> NoReturn:
    raise TypeError(
        "metadata and access tags of a node are read-only here: use update_metadata to change "
        "them on the server, or metadata_copy() for a copy to change"
    )


for _kind, _names in ((ReadOnlyDict, _METHODS_OF_DICTS), (ReadOnlyList, _METHODS_OF_LISTS)):
    for _name in _names:
        setattr(_kind, _name, _reject_change)
