"""The keys of a container as text."""

from __future__ import annotations

from typing import Any

from ...http.operations import run
from .brief import briefly
from .texts import counted, listed, reason

# Keys that are fetched: as many are shown as fit a line, or offered by completion.
KEYS, COMPLETIONS = 20, 300
NO_FIELDS = {"fields": ""}


def keys_to_complete(container: Any) -> list[str]:
    """Return the first keys, for completion; none if they are not known. Never raises."""
    try:
        found, _ = briefly(container, lambda it: run(it.children(COMPLETIONS, NO_FIELDS)))
    except Exception:  # noqa: BLE001 - completion must not fail
        return []
    return [item["id"] for item in found]


def keys_text(container: Any, brackets: str) -> str:
    """Return the first keys and the number of all, or why they are not known. Never raises."""
    try:
        found, count = briefly(container, lambda limited: run(limited.children(KEYS, NO_FIELDS)))
    except Exception as error:  # noqa: BLE001 - a representation has to be one
        return f"(entries unknown: {reason(error)})"
    noun = ("result", None) if container._queries else ("entry", "entries")
    keys = [item["id"] for item in found]
    return f"{listed(keys, count, brackets)} {counted(count, *noun)}"
