"""Classes of client objects that installed distributions declare by entry points.

The group is that of Tiled's client: the name of an entry point is that of a spec. Most classes in
it are subclasses of those of Tiled's client, whose constructors differ; they are skipped.
"""

from __future__ import annotations

import logging
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

GROUP = "tiled.special_client"

logger = logging.getLogger(__name__)


def load_entry_point(spec: str, base: type[Any]) -> type[Any] | None:
    """Return the class that a distribution declares for a spec, if it is a subclass of `base`."""
    for entry_point in _declared().get(spec, ()):
        found = _load(entry_point)
        if isinstance(found, type) and issubclass(found, base):
            return found
    return None


@cache
def _declared() -> dict[str, list[EntryPoint]]:
    found: dict[str, list[EntryPoint]] = {}
    for entry_point in entry_points(group=GROUP):
        found.setdefault(entry_point.name, []).append(entry_point)
    return found


@cache
def _load(entry_point: EntryPoint) -> Any:
    try:
        return entry_point.load()
    except Exception:
        # A broken distribution must not keep others from reading their nodes.
        logger.warning(
            "The class %s for the spec %s cannot be imported, so nodes of this spec have the "
            "class of their structure family.",
            entry_point.value,
            entry_point.name,
            exc_info=True,
        )
        return None
