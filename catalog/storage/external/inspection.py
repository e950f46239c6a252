"""Finding out what files should be registered as."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import Unsupported
from .faults import faults_told
from .formats import Inspected
from .registry import format_by_name
from .sources import Sources


def inspectable(path: Path) -> bool:
    """Whether the name is that of a file, or folder, of a known format."""
    return format_by_name(path) is not None


def inspect(path: Path, *others: Path, readable: Sequence[Path]) -> Inspected:
    """What a file is, or what several of one kind make up together, in their order.

    Of several, only the first is opened. Raises Unsupported for names that say nothing, and what
    reading raises: OutsideReadable, MissingFile, NotReady, Unreadable.
    """
    format_ = format_by_name(path)
    if format_ is None or format_.inspect is None:
        raise Unsupported(f"The name of {path} is of no known format.")
    alone = Sources((path,), {}, tuple(readable))
    sources = Sources(tuple(map(alone.confined, (path, *others))), {}, tuple(readable))
    with faults_told(path, sources.paths):
        return format_.inspect(sources)
