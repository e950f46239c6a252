"""What other rooms have to say about a node, for whoever inspects it.

The catalog does not know who speaks. A room registers a panel when its app is ready.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from core.errors import ServiceError

from ..models import Node

PanelRows = Mapping[str, object]
"""Labels, each with a number, a text or a time."""

Describe = Callable[[Node], PanelRows]


@dataclass(frozen=True, slots=True)
class Panel:
    """A titled list of facts; `problem` is a sentence that says why there are none."""

    title: str
    rows: PanelRows = field(default_factory=dict)
    problem: str = ""


_registered: dict[str, Describe] = {}


def register(title: str, describe: Describe) -> None:
    """Show what `describe` says about a node under `title`, in place of what was there before.

    It raises a ServiceError, such as Unavailable, where it has nothing to say; that is shown.
    """
    _registered[title] = describe


def get_panels(node: Node) -> list[Panel]:
    """All panels of a node, in the order in which they were first registered."""
    return [_panel(title, describe, node) for title, describe in _registered.items()]


def _panel(title: str, describe: Describe, node: Node) -> Panel:
    try:
        return Panel(title, describe(node))
    except ServiceError as error:
        return Panel(title, problem=error.detail)
