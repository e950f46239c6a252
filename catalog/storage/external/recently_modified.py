"""Detection of files that are still being written, by their modification time."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

# A file modified within this many seconds counts as still being written.
RECENT_SECONDS = 10


def is_being_written(paths: Iterable[Path]) -> bool:
    """Return whether one of these files was modified within the last seconds."""
    return time.time() - max(map(_modified, paths), default=0.0) < RECENT_SECONDS


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
