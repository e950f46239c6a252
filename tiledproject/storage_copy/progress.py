"""What was copied already, in a file of the data directory, so that the next run skips it."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from pathlib import Path
from typing import Protocol

# A file that changed so recently may change again within the resolution of its time stamp.
UNSETTLED_SECONDS = 2.0


class CopiedBefore(Protocol):
    """What was copied by earlier runs."""

    def is_copied(self, name: str, state: str) -> bool:
        """Return whether the original has not changed since it was copied."""
        ...


class NoProgress:
    """The progress of a copy that is made in one run."""

    def is_copied(self, name: str, state: str) -> bool:
        """Return False."""
        return False


class CopiedNames:
    """For each copied file or object, by its name in the target: the state of the original."""

    def __init__(self, data_dir: Path, target: str) -> None:
        digest = hashlib.sha256(target.encode()).hexdigest()[:12]
        self.path = data_dir / f"storage-copy-{digest}.db"
        self.is_new = not self.path.exists()
        self._database = sqlite3.connect(self.path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS copied (name TEXT PRIMARY KEY, state TEXT) WITHOUT ROWID"
        )

    def is_copied(self, name: str, state: str) -> bool:
        """Return whether the original has not changed since it was copied."""
        row = self._database.execute("SELECT state FROM copied WHERE name = ?", [name]).fetchone()
        return row is not None and row[0] == state

    def note(self, name: str, state: str) -> None:
        """Record the state of an original before it was copied."""
        self._database.execute("INSERT OR REPLACE INTO copied VALUES (?, ?)", [name, state])

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def remove(self) -> None:
        """Remove the file: the copy is complete."""
        self.close()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)


def file_state(path: Path, size: int | None = None) -> str:
    """Return the state of a file, empty if it may be changing. Raises OSError."""
    found = path.stat()
    if time.time() - found.st_mtime < UNSETTLED_SECONDS:
        return ""
    return f"{found.st_mtime_ns} {found.st_ino} {found.st_size if size is None else size}"
