"""Copy the files of a site into a backup, or link those that have not changed."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from catalog.services.snapshot_files import SnapshotFile

from .manifest import Manifest, ManifestEntry

BLOCK = 1 << 20
# A file that changed less than this before it was copied might change again within one tick of the
# file system's clock, and keep size and time.
SETTLED_NS = 2_000_000_000


@dataclass
class Counts:
    """The files of a backup by how they got into it, and its problems."""

    copied: int = 0
    copied_bytes: int = 0
    linked: int = 0
    unchanged: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Previous:
    """The backup before, whose files are linked where they have not changed."""

    folder: Path
    manifest: Manifest


class Copier:
    """Copies files into the folder of a new backup and records them in its manifest.

    With `link`, fixed files become hard links to the site's files, where the file system allows it.
    """

    def __init__(
        self, folder: Path, manifest: Manifest, previous: Previous | None, *, link: bool = False
    ) -> None:
        self.counts = Counts()
        self._folder = folder
        self._manifest = manifest
        self._previous = previous
        self._link = link

    def known(self, name: str) -> ManifestEntry | None:
        """Return the entry of a name in the backup before."""
        return self._previous.manifest.find(name) if self._previous else None

    def place(self, name: str) -> Path:
        """Return the path of a name in the backup, whose folder exists then."""
        target = self._folder / name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return target

    def note(self, entry: ManifestEntry, *, is_linked: bool) -> None:
        """Record a file that was linked to the backup before, or copied, by the caller."""
        if is_linked:
            self.counts.unchanged += 1
        else:
            self.counts.copied += 1
            self.counts.copied_bytes += entry.size
        self._manifest.add(entry)

    def add(self, file: SnapshotFile, name: str) -> None:
        """Add a file under `name`; a missing or short one becomes a problem of the counts."""
        target, known = self.place(name), self.known(name)
        try:
            entry = self._reuse(file, known, target) or self._take(file, known, name)
        except (FileNotFoundError, NotADirectoryError):
            if not file.optional:
                self.counts.problems.append(f"{file.path} does not exist")
            return
        if file.size is not None and entry.size < file.size:
            self.counts.problems.append(f"{file.path} has {entry.size} bytes of {file.size}")
        self._manifest.add(entry)

    def record(self, name: str) -> None:
        """Record a file that is in the folder of the backup already."""
        entry = replace(_record(self._folder / name, name), fixed=False)
        self.note(entry, is_linked=False)

    def link_previous(self, known: ManifestEntry, target: Path) -> bool:
        """Link a file of the backup before; return False if the file system cannot."""
        assert self._previous is not None
        return _try_link(self._previous.folder / known.name, target)

    def _reuse(
        self, file: SnapshotFile, known: ManifestEntry | None, target: Path
    ) -> ManifestEntry | None:
        """Link the previous backup's file if it is the same without reading it."""
        if known is None or not self._is_unchanged(file, known):
            return None
        return known if self._reuse_previous(known, target) else None

    def _is_unchanged(self, file: SnapshotFile, known: ManifestEntry) -> bool:
        found = file.path.stat()
        if not file.fixed and file.size is not None:
            # Rows are appended under names that are never reused.
            return known.size == file.size <= found.st_size
        same = (known.size, known.mtime_ns) == (found.st_size, found.st_mtime_ns)
        return file.fixed and known.fixed and same

    def _take(self, file: SnapshotFile, known: ManifestEntry | None, name: str) -> ManifestEntry:
        target = self._folder / name
        if file.fixed and self._link and _try_link(file.path, target):
            self.counts.linked += 1
            return _record(target, name)
        entry = _copy(file, target, name)
        if known is not None and (known.size, known.sha256) == (entry.size, entry.sha256):
            draft = target.with_name(f"{target.name}.copy")
            target.rename(draft)
            if self._reuse_previous(known, target):
                draft.unlink()
                return entry
            draft.rename(target)
        self.counts.copied += 1
        self.counts.copied_bytes += entry.size
        return entry

    def _reuse_previous(self, known: ManifestEntry, target: Path) -> bool:
        if not self.link_previous(known, target):
            return False
        self.counts.unchanged += 1
        return True


def _try_link(source: Path, target: Path) -> bool:
    """Create a hard link; return False if the file systems cannot. Raises FileNotFoundError."""
    try:
        os.link(source, target, follow_symlinks=True)
    except FileNotFoundError:
        raise
    except OSError:
        return False
    return True


def _copy(file: SnapshotFile, target: Path, name: str) -> ManifestEntry:
    digest, size, rest = hashlib.sha256(), 0, file.size
    with file.path.open("rb") as source:
        found = os.fstat(source.fileno())
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as copy:
            while block := source.read(BLOCK if rest is None else min(BLOCK, rest - size)):
                digest.update(block)
                copy.write(block)
                size += len(block)
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
    return _entry(name, size, found, digest.digest(), fixed=file.fixed)


def _record(target: Path, name: str) -> ManifestEntry:
    with target.open("rb") as file:
        found = os.fstat(file.fileno())
        digest = hashlib.file_digest(file, "sha256").digest()
    return _entry(name, found.st_size, found, digest, fixed=True)


def _entry(
    name: str, size: int, found: os.stat_result, digest: bytes, *, fixed: bool
) -> ManifestEntry:
    settled = time.time_ns() - found.st_mtime_ns > SETTLED_NS
    return ManifestEntry(name, size, found.st_mtime_ns, digest, fixed and settled)


def restore_file(backup: Path, entry: ManifestEntry, target: Path) -> bool:
    """Copy a file of a backup to `target`; return False, without it, if it is damaged."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = hashlib.sha256()
    try:
        with (backup / entry.name).open("rb") as source:
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as copy:
                while block := source.read(BLOCK):
                    digest.update(block)
                    copy.write(block)
    except FileNotFoundError:
        return False
    if digest.digest() != entry.sha256:
        target.unlink()
        return False
    shutil.copystat(backup / entry.name, target)
    target.chmod(0o600)
    return True


def is_intact(backup: Path, entry: ManifestEntry) -> bool:
    """Read a file of a backup; return whether it has the recorded bytes."""
    try:
        with (backup / entry.name).open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest() == entry.sha256
    except OSError:
        return False
