"""Make a backup of the site, while its servers write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import connection

from catalog.locks.removal_hold import HeldByAnother, hold_removals
from catalog.models import Node
from catalog.services.snapshot_files import SnapshotFile, snapshot_files
from catalog.storage.files import file_uri

from ..config.directories import database_files, secret_files
from ..config.settings_model import Settings
from .copying import Copier, Counts, Previous
from .databases import opened, write_snapshot
from .errors import BackupError
from .manifest import new_manifest, open_manifest
from .repository import DATABASE, STORAGE, Repository


@dataclass(frozen=True)
class Report:
    """A complete backup."""

    folder: Path
    nodes: int
    files: int
    size: int
    counts: Counts


def make_backup(site: Settings, repository: Repository, *, link: bool = False) -> Report:
    """Back the site up into a new folder of `repository`. Raises BackupError, OSError.

    Files that have not changed since the newest backup there are linked to it. With `link`, files
    that the server never changes in place are linked to those of the site.
    """
    _refuse_bucket(site)
    _check_place(site, repository.folder)
    with repository.locked(), ExitStack() as surroundings:
        before = repository.backups()
        previous = None
        if before:
            manifest = surroundings.enter_context(open_manifest(before[-1]))
            previous = Previous(before[-1], manifest)
        surroundings.enter_context(_removals_held())
        folder, began = repository.begin(), datetime.now(UTC)
        write_snapshot(folder / DATABASE)
        with new_manifest(folder) as manifest:
            copier = Copier(folder, manifest, previous, link=link)
            nodes = _copy_stored(site, copier, folder / DATABASE)
            _copy_private(site, copier, folder)
            files, size = manifest.totals()
        summary: dict[str, Any] = {
            "time": began.isoformat(),
            "database": connection.vendor,
            "storage": file_uri(site.storage.directory.absolute()),
            "nodes": nodes,
            "files": files,
            "bytes": size,
            "problems": copier.counts.problems,
        }
        target = repository.complete(folder, summary)
    return Report(target, nodes, files, size, copier.counts)


@contextmanager
def _removals_held() -> Iterator[None]:
    try:
        with hold_removals():
            yield
    except HeldByAnother:
        raise BackupError(
            "Another backup of this site is running, to another folder; wait for its end."
        ) from None


def _refuse_bucket(site: Settings) -> None:
    """Raise BackupError if the data are in a bucket: backups have files."""
    if site.storage.uri is not None:
        raise BackupError(
            f"The data of this site are in {site.storage.uri}, which this command cannot back up: "
            "switch on the versioning of the bucket and back up the database with its own tools "
            "(objects that the database names stay for at least 15 minutes), or copy the data to a "
            "folder with `storage copy --to FOLDER`."
        )


def _check_place(site: Settings, folder: Path) -> None:
    if site.storage.uri is not None:
        raise BackupError(
            f"The data of this site are in {site.storage.uri}, which this command does not copy: "
            "replicate the bucket, or keep versions of its objects, and back up the database by "
            "its own means."
        )
    if folder.resolve().is_relative_to(site.storage.directory.resolve()):
        raise BackupError(f"{folder} is in storage.directory; name a folder outside of it.")


def _copy_stored(site: Settings, copier: Copier, database: Path) -> int:
    """Copy the stored files that the snapshot names; return the number of nodes."""
    root = site.storage.directory
    with opened(database) as alias:
        for file in snapshot_files(alias):
            copier.add(file, f"{STORAGE}/{file.path.relative_to(root)}")
        return Node.objects.using(alias).exclude(path="").count()


def _copy_private(site: Settings, copier: Copier, folder: Path) -> None:
    """Copy the keys, and record the database that is in the folder already."""
    own = set(database_files(site))
    for path in secret_files(site):
        if path not in own:
            copier.add(SnapshotFile(path, optional=True), path.name)
    copier.record(DATABASE)
