"""Telling files that somebody is still writing from those that stay as they are."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

# A file changed more recently (seconds) is taken to be still growing.
RECENT_SECONDS = 10


def is_being_written(paths: Iterable[Path]) -> bool:
    """Return whether one of these files was just written to."""
    return time.time() - max(map(_modified, paths), default=0.0) < RECENT_SECONDS


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
