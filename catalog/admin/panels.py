"""Panels: details that other packages add to the page of a node.

This package does not depend on those that register panels; each registers its own when its app is
ready.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from core.errors import ServiceError

from ..models import Node
from .details import DetailTable

PanelRows = Mapping[str, object]
"""Labels, each with a number, a string or a time."""


@dataclass(frozen=True, slots=True)
class WideTable:
    """A table in a separate section, as wide as the page, with a note."""

    title: str
    table: DetailTable | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class PanelContent:
    """The content of a panel: details, a note, and what is too wide for it."""

    rows: PanelRows = field(default_factory=dict)
    note: str = ""
    wide: WideTable | None = None


Describe = Callable[[Node], PanelContent]


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel with its content, or with a note that has the reason why there is none."""

    title: str
    content: PanelContent


_registered: dict[str, Describe] = {}


def register(title: str, describe: Describe) -> None:
    """Register the panel `title`, whose content `describe` returns; replace an earlier one.

    `describe` raises a ServiceError, such as Unavailable, if it has none; its text is shown.
    """
    _registered[title] = describe


def get_panels(node: Node) -> list[Panel]:
    """Return all panels of a node, in order of registration."""
    return [_panel(title, describe, node) for title, describe in _registered.items()]


def _panel(title: str, describe: Describe, node: Node) -> Panel:
    try:
        return Panel(title, describe(node))
    except ServiceError as error:
        return Panel(title, PanelContent(note=error.detail))
