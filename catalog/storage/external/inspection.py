"""Finding out what files should be registered as."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import Unsupported
from .formats import Inspected
from .reader_results import as_inspected
from .readers import call
from .registry import inspected_by, mimetype_of
from .sources import Sources


def inspect(
    paths: Sequence[Path], mimetype: str | None = None, *, readable: Sequence[Path]
) -> Inspected:
    """What a file is, or what several of one kind make up together, in their order.

    Without a mimetype, the name of the first says which it is. Raises Unsupported, OutsideReadable,
    MissingFile, NotReady (not complete yet), Unreadable.
    """
    mimetype = mimetype or mimetype_of(paths[0])
    if mimetype is None:
        raise Unsupported(f"The name of {paths[0]} is of no known format.")
    inspected_by(mimetype)
    named = Sources(tuple(paths), {}, tuple(readable))
    sources = Sources(tuple(map(named.confined, paths)), {}, tuple(readable))
    return as_inspected(call("inspect", sources, {"mimetype": mimetype})[0])
