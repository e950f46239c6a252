"""Sections of docstrings that several methods share: of a twin for asyncio, for example."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

SHARED = ("Parameters", "Raises")
_HEADING = re.compile(r"^([A-Z][A-Za-z ]*)\n-{3,}\n", re.MULTILINE)
_ORDER = ("Parameters", "Returns", "Yields", "Raises", "See Also", "Examples")


def sections(docstring: str | None) -> tuple[str, dict[str, str]]:
    """Return the text of a docstring in numpydoc before its sections, and each section."""
    text, *found = _HEADING.split(inspect.cleandoc(docstring or ""))
    bodies = (body.rstrip() for body in found[1::2])
    return text.rstrip(), dict(zip(found[::2], bodies, strict=True))


def same_parameters(twin: Any) -> Callable[[F], F]:
    """Return a decorator that takes parameters and errors of the docstring from another function.

    Sections that the docstring has itself stay.
    """

    def complete(function: F) -> F:
        if function.__doc__ is None:  # python -OO
            return function
        text, own = sections(function.__doc__)
        shared = {name: body for name, body in sections(twin.__doc__)[1].items() if name in SHARED}
        all_sections = {**shared, **own}
        parts = [f"{n}\n{'-' * len(n)}\n{all_sections[n]}" for n in _ORDER if n in all_sections]
        function.__doc__ = "\n\n".join([text, *parts])
        return function

    return complete
