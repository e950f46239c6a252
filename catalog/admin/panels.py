"""Panels: details that other packages add to the page of a node.

This package does not depend on those that register panels; each registers its own when its app is
ready.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from core.errors import ServiceError

from ..models import Node

PanelRows = Mapping[str, object]
"""Labels, each with a number, a string or a time."""

Describe = Callable[[Node], PanelRows]


@dataclass(frozen=True, slots=True)
class Panel:
    """A titled list of details; `problem` explains why there are none."""

    title: str
    rows: PanelRows = field(default_factory=dict)
    problem: str = ""


_registered: dict[str, Describe] = {}


def register(title: str, describe: Describe) -> None:
    """Register the panel `title`, whose rows `describe` returns; replace an earlier one.

    `describe` raises a ServiceError, such as Unavailable, if it has no rows; its text is shown.
    """
    _registered[title] = describe


def get_panels(node: Node) -> list[Panel]:
    """Return all panels of a node, in order of registration."""
    return [_panel(title, describe, node) for title, describe in _registered.items()]


def _panel(title: str, describe: Describe, node: Node) -> Panel:
    try:
        return Panel(title, describe(node))
    except ServiceError as error:
        return Panel(title, problem=error.detail)
