"""Compare the files of a backup with the digests in its manifest."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .copying import is_intact
from .manifest import open_manifest
from .repository import find_backup


@dataclass
class CheckReport:
    """A backup that was read, and its files that are damaged or missing."""

    folder: Path
    files: int = 0
    damaged: list[str] = field(default_factory=list)


def check_backup(place: Path) -> CheckReport:
    """Read all files of the backup at `place`, or of the newest one there. Raises BackupError."""
    folder, _ = find_backup(place)
    report = CheckReport(folder)
    with open_manifest(folder) as manifest:
        for entry in manifest:
            report.files += 1
            if not is_intact(folder, entry):
                report.damaged.append(entry.name)
    return report
