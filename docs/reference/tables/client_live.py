"""Live plots of the client, with what their docstrings say."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from tiled_client import live

from .markdown import code, first_sentence, table

FUNCTIONS = ("image", "line", "table")


def live_plots() -> Iterator[str]:
    """Return a row for each function, and for each member of a plot."""
    rows = [[code(_signature(name)), first_sentence(getattr(live, name))] for name in FUNCTIONS]
    yield from table(["function", "what it does"], rows)
    yield "\nA plot, `live.LivePlot`, has:\n"
    members = [
        [code(name), first_sentence(member)]
        for name, member in vars(live.LivePlot).items()
        if not name.startswith("_") and _is_documented(member)
    ]
    yield from table(["member", "what it does"], members)


def _signature(name: str) -> str:
    parameters = inspect.signature(getattr(live, name)).parameters.values()
    named = [
        one.name if one.default is one.empty else f"{one.name}={one.default!r}"
        for one in parameters
    ]
    return f"{name}({', '.join(named)})"


def _is_documented(member: Any) -> bool:
    return isinstance(member, property) or inspect.isfunction(member)
