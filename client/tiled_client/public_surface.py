"""The names that users see in completion and in the reference, of objects that have more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

F = TypeVar("F")

# Members without an underscore that only the client's own parts need of each other.
BETWEEN_PARTS = frozenset(
    {
        "api_root",
        "at",
        "begin_queue",
        "blocks",
        "build",
        "child",
        "children",
        "credentials",
        "described",
        "discard",
        "document_pages",
        "fetch_count",
        "find",
        "keep",
        "fetch_node",
        "fetch_reference",
        "handle",
        "http_options",
        "mark_ready",
        "node_id",
        "may_be_of_others",
        "node_pages",
        "origin",
        "pages",
        "perform",
        "require_new",
        "requests",
        "tally",
        "use_dispatcher",
        "write_all_blocks",
        "writers",
        "written",
    }
)


class Annotation(str):
    """An annotation as `help()` shows it: without quotes. It is evaluated like any other text."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class PublicSurface:
    """A class whose `dir()`, and so completion, has no names that are for internal use.

    The types in the signatures of its methods, which modules with postponed evaluation of
    annotations have as text, are shown as they are written.
    """

    __slots__ = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name, member in vars(cls).items():
            if is_public(name):
                show_types(member)

    def __dir__(self) -> Iterable[str]:
        return [name for name in super().__dir__() if is_public(name)]


def show_types(function: F) -> F:
    """Let `help()` show the types of a function without quotes."""
    # A class method or a static method holds its function.
    annotations = getattr(getattr(function, "__func__", function), "__annotations__", None)
    if isinstance(annotations, dict):
        # In place: wrappers of the function have the same dict.
        for name, text in annotations.items():
            if isinstance(text, str):
                annotations[name] = Annotation(text)
    return function


def is_public(name: str) -> bool:
    """Return whether an attribute is for users: named without underscore, or special."""
    if name.startswith("__") and name.endswith("__"):
        return True
    return not name.startswith("_") and name not in BETWEEN_PARTS
