"""A folder of backups: one folder for each, named by the time of its snapshot.

| name | content |
| --- | --- |
| `20261130T190000Z` | a complete backup |
| `.incomplete-20261130T190000Z` | a backup in progress, or interrupted; the next one removes it |
| `.lock` | held by the command that makes a backup |

A complete backup has `backup.json`, `manifest.db`, `catalog.db`, the keys, and `storage/`.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .errors import BackupError

# Formats: `storage/` has files of a folder, or objects of a bucket.
FILES, OBJECTS = 1, 2
SUMMARY = "backup.json"
STORAGE = "storage"
DATABASE = "catalog.db"
INCOMPLETE = ".incomplete-"
_COMPLETE = re.compile(r"\d{8}T\d{6}Z(-\d+)?")


class Repository:
    """A folder of backups, which is created when the first is made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def backups(self) -> list[Path]:
        """Return the complete backups, the oldest first."""
        if not self.folder.is_dir():
            return []
        found = (path for path in self.folder.iterdir() if _COMPLETE.fullmatch(path.name))
        return sorted(path for path in found if (path / SUMMARY).is_file())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let one command at a time change the folder. Raises BackupError, OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / ".lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BackupError(
                    f"Another backup to {self.folder} is running; wait for its end."
                ) from None
            for left in self.folder.glob(f"{INCOMPLETE}*"):
                shutil.rmtree(left)
            yield

    def begin(self) -> Path:
        """Create the folder of a new backup."""
        name = stem = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        number = 1
        while (self.folder / name).exists():
            number += 1
            name = f"{stem}-{number}"
        folder = self.folder / f"{INCOMPLETE}{name}"
        folder.mkdir(mode=0o700)
        return folder

    def complete(self, folder: Path, summary: dict[str, Any]) -> Path:
        """Make the backup in `folder` a complete one, and return its folder."""
        file = folder / SUMMARY
        file.touch(mode=0o600)
        file.write_text(json.dumps(summary, indent=2) + "\n")
        os.sync()
        target = self.folder / folder.name.removeprefix(INCOMPLETE)
        folder.rename(target)
        os.sync()
        return target

    def remove_oldest(self, kept: int) -> list[Path]:
        """Remove all complete backups but the newest `kept`; return those removed."""
        gone = self.backups()[:-kept]
        for folder in gone:
            # Without its summary it is not a backup any more, even if the removal is interrupted.
            (folder / SUMMARY).unlink()
            shutil.rmtree(folder)
        return gone


def find_backup(path: Path) -> tuple[Path, dict[str, Any]]:
    """Return the backup at `path`, or the newest one in that folder, with its summary.

    Raises BackupError.
    """
    folder = path
    if not (path / SUMMARY).is_file():
        if not (found := Repository(path).backups()):
            raise BackupError(f"{path} has no complete backup; name a folder of `backup`.")
        folder = found[-1]
    return folder, read_summary(folder)


def read_summary(folder: Path) -> dict[str, Any]:
    """Return the summary of a backup. Raises BackupError."""
    try:
        summary: dict[str, Any] = json.loads((folder / SUMMARY).read_text())
    except (OSError, ValueError) as error:
        raise BackupError(f"{folder / SUMMARY} cannot be read: {error}.") from None
    if summary.get("format") not in (FILES, OBJECTS):
        raise BackupError(
            f"{folder} has the format {summary.get('format')}, and this version reads {FILES} "
            f"and {OBJECTS}: restore it with the version that made it."
        )
    return summary
