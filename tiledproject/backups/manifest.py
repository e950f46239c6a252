"""The manifest of a backup: size and digest of each file, in an SQLite database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

NAME = "manifest.db"
_CREATE = """
CREATE TABLE files (
    name TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, sha256 BLOB, fixed INTEGER
) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """A file of a backup; `name` is relative to the backup's folder.

    If it is `fixed`, a file of the site with the same size and modification time is the same.
    """

    name: str
    size: int
    mtime_ns: int
    sha256: bytes
    fixed: bool


class Manifest:
    """The entries of one backup."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def add(self, entry: ManifestEntry) -> None:
        """Add an entry; replace that of the same name."""
        row = (entry.name, entry.size, entry.mtime_ns, entry.sha256, entry.fixed)
        self._database.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", row)

    def find(self, name: str) -> ManifestEntry | None:
        """Return the entry of a file."""
        row = self._database.execute("SELECT * FROM files WHERE name = ?", [name]).fetchone()
        return None if row is None else ManifestEntry(*row)

    def __iter__(self) -> Iterator[ManifestEntry]:
        for row in self._database.execute("SELECT * FROM files ORDER BY name"):
            yield ManifestEntry(*row)

    def totals(self) -> tuple[int, int]:
        """Return the number of files, and of their bytes."""
        count, size = self._database.execute(
            "SELECT count(*), coalesce(sum(size), 0) FROM files"
        ).fetchone()
        return count, size


@contextmanager
def new_manifest(folder: Path) -> Iterator[Manifest]:
    """Create the manifest of a new backup; commit it at the end of the block."""
    with closing(sqlite3.connect(folder / NAME)) as database:
        (folder / NAME).chmod(0o600)
        database.execute(_CREATE)
        yield Manifest(database)
        database.commit()


@contextmanager
def open_manifest(folder: Path) -> Iterator[Manifest]:
    """Open the manifest of a backup. Raises sqlite3.DatabaseError."""
    uri = f"{(folder / NAME).absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as database:
        yield Manifest(database)
