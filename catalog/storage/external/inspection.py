"""Inspection of files before their registration."""

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
    """Inspect a file, or a sequence of files of one format.

    The default mimetype is that of the first file's name. Raises Unsupported, OutsideReadable,
    MissingFile, NotReady (not complete yet), Unreadable.
    """
    mimetype = mimetype or mimetype_of(paths[0])
    if mimetype is None:
        raise Unsupported(f"The name of {paths[0]} has no known extension: give its mimetype.")
    inspected_by(mimetype)
    named = Sources(tuple(paths), {}, tuple(readable))
    sources = Sources(tuple(map(named.confined, paths)), {}, tuple(readable))
    return as_inspected(call("inspect", sources, {"mimetype": mimetype})[0])
