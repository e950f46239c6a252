"""Make a backup of the site, while its servers write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import connection

from catalog.models import Node
from catalog.services.snapshot_files import SnapshotFile, snapshot_files
from catalog.services.stores.bucket.snapshot import snapshot_objects
from catalog.services.stores.removal_hold import (
    LEASE_SECONDS,
    HeldByAnother,
    Hold,
    HoldLost,
    hold_removals,
)
from catalog.services.stores.site_bucket import object_store

from ..config.directories import database_files, secret_files
from ..config.settings_model import Settings
from .copying import Copier, Counts, Previous
from .copying_objects import copy_objects
from .databases import opened, write_snapshot
from .errors import BackupError
from .manifest import new_manifest, open_manifest
from .repository import DATABASE, FILES, OBJECTS, STORAGE, Repository, read_summary
from .targets import storage_uri


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
    _check_place(site, repository.folder, link=link)
    with repository.locked(), ExitStack() as surroundings:
        previous = _previous(site, repository, surroundings)
        hold = surroundings.enter_context(_removals_held())
        folder, began = repository.begin(), datetime.now(UTC)
        write_snapshot(folder / DATABASE)
        with new_manifest(folder) as manifest:
            copier = Copier(folder, manifest, previous, link=link)
            nodes = _copy_stored(site, copier, folder / DATABASE)
            _copy_private(site, copier, folder)
            files, size = manifest.totals()
        summary: dict[str, Any] = {
            "format": FILES if site.storage.uri is None else OBJECTS,
            "time": began.isoformat(),
            "database": connection.vendor,
            "storage": storage_uri(site),
            "nodes": nodes,
            "files": files,
            "bytes": size,
            "problems": copier.counts.problems,
        }
        _check_held(hold)
        target = repository.complete(folder, summary)
    return Report(target, nodes, files, size, copier.counts)


def _previous(site: Settings, repository: Repository, surroundings: ExitStack) -> Previous | None:
    """Return the backup before, if it has data of the same form: files, or objects."""
    before = repository.backups()
    if not before or (read_summary(before[-1])["format"] == OBJECTS) != (
        site.storage.uri is not None
    ):
        return None
    return Previous(before[-1], surroundings.enter_context(open_manifest(before[-1])))


@contextmanager
def _removals_held() -> Iterator[Hold]:
    try:
        with hold_removals() as hold:
            yield hold
    except HeldByAnother:
        raise BackupError(
            "Another backup of this site is running, to another folder, or was killed less than "
            f"{LEASE_SECONDS:.0f} seconds ago; wait for its end."
        ) from None


def _check_held(hold: Hold) -> None:
    try:
        hold.check()
    except HoldLost:
        raise BackupError(
            f"The database did not respond for {LEASE_SECONDS:.0f} seconds while files were "
            "copied, so that servers may have removed some of them; make another backup."
        ) from None


def _check_place(site: Settings, folder: Path, *, link: bool) -> None:
    if site.storage.uri is not None:
        if link:
            raise BackupError(
                f"The data of this site are in {site.storage.uri}, to which files cannot be "
                "linked; back up without --link."
            )
    elif folder.resolve().is_relative_to(site.storage.directory.resolve()):
        raise BackupError(f"{folder} is in storage.directory; name a folder outside of it.")


def _copy_stored(site: Settings, copier: Copier, database: Path) -> int:
    """Copy the stored files or objects that the snapshot names; return the number of nodes."""
    root = site.storage.directory
    with opened(database) as alias:
        if site.storage.uri is not None:
            copy_objects(object_store(), snapshot_objects(alias), copier)
        else:
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
