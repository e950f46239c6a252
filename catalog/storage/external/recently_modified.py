"""Detection of files that are still being written, by their modification time."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from ..bucket_files.paths import ObjectPath

# A file modified within this many seconds counts as still being written.
RECENT_SECONDS = 10


def is_being_written(paths: Iterable[Path]) -> bool:
    """Return whether one of these files was modified within the last seconds.

    Objects never are being written: a put makes one visible as a whole.
    """
    return time.time() - max(map(_modified, paths), default=0.0) < RECENT_SECONDS


def _modified(path: Path) -> float:
    if isinstance(path, ObjectPath):
        return 0.0
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
