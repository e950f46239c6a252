"""Restore a backup into an empty site, or in place of another."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection
from django.db.models import Value
from django.db.models.functions import Concat, Substr
from redis.exceptions import RedisError

from catalog.models import Asset, Node, StorageMark
from catalog.services.site_marker import adopt_storage
from core.text import format_count
from streaming.writing.forgetting import forget_streams

from ..config.directories import database_files, secret_files
from ..config.settings_model import Settings
from ..servers.site_in_use import SiteInUse, refuse_running
from .converting import ConvertingTarget
from .copying import restore_file
from .databases import check_version, migrate_copy, restore_database
from .errors import BackupError
from .manifest import Manifest, open_manifest
from .repository import DATABASE, OBJECTS, STORAGE, find_backup
from .targets import BucketTarget, FolderTarget, Target


@dataclass
class RestoreReport:
    """A restored backup; `warnings` are sentences."""

    folder: Path
    files: int = 0
    nodes: int = 0
    damaged: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def contents(target: Target) -> str:
    """Return what a restore replaces, as a phrase; empty if the site is. Raises BackupError."""
    tables = connection.introspection.table_names()
    nodes = 0
    if Node._meta.db_table in tables:
        nodes = Node.objects.exclude(path="").count()
    stored = target.count_nodes()
    if not nodes and not stored:
        return ""
    return (
        f"{format_count(nodes, 'node')} in the database, and data of "
        f"{format_count(stored, 'node')} in {target.uri}"
    )


def restore_backup(
    site: Settings,
    place: Path,
    *,
    force: bool = False,
    skip_damaged: bool = False,
    warn: Callable[[str], object],
) -> RestoreReport:
    """Restore the backup at `place`, or the newest one in that folder. Raises BackupError.

    Without `force` the site must be empty; with it, `warn` is called with what is about to be
    deleted. A damaged file ends the restore, unless `skip_damaged` leaves it out.
    """
    folder, summary = find_backup(place)
    target = _target(site, folder, summary, skip_damaged=skip_damaged)
    try:
        refuse_running(site)
    except SiteInUse as error:
        raise BackupError(str(error)) from None
    if found := contents(target):
        if not force:
            raise BackupError(
                f"This site has {found}; restore into an empty site, or delete all of that and "
                "replace it by the backup with --force."
            )
        warn(f"Deleting {found}, and all users and keys.")
    report = RestoreReport(folder)
    with open_manifest(folder) as manifest, _database_to_restore(folder, manifest) as database:
        target.clear()
        _restore_files(site, target, folder, manifest, report, skip_damaged=skip_damaged)
        restore_database(database)
    call_command("migrate", interactive=False, verbosity=0)
    _move_assets(summary["storage"], target.uri)
    target.finish()
    StorageMark.objects.update(mark=uuid.uuid4())  # a copy is another site than its original
    adopt_storage()
    _forget_streams(report)
    report.nodes = Node.objects.exclude(path="").count()
    return report


def _target(site: Settings, folder: Path, summary: dict[str, Any], *, skip_damaged: bool) -> Target:
    is_bucket = site.storage.uri is not None
    target = BucketTarget() if is_bucket else FolderTarget(site.storage.directory)
    if is_bucket == (summary["format"] == OBJECTS):
        return target
    if skip_damaged:
        raise BackupError(
            "--skip-damaged leaves out files, and a site whose storage is of another kind than in "
            f"the backup ({summary['storage']}) needs all of them: restore into a site of the same "
            "kind, and move it with `storage copy --to`."
        )
    return ConvertingTarget(target, folder)


@contextmanager
def _database_to_restore(folder: Path, manifest: Manifest) -> Iterator[Path]:
    """Yield a copy of the backup's database that is intact and of this version."""
    entry = manifest.find(DATABASE)
    with tempfile.TemporaryDirectory(prefix="tiled-restore-") as temporary:
        copy = Path(temporary) / DATABASE
        if entry is None or not restore_file(folder, entry, copy):
            raise BackupError(
                f"The database of the backup {folder} is damaged: its digest differs from that in "
                "the manifest. Restore another backup."
            )
        if not check_version(copy) and connection.vendor != "sqlite":
            migrate_copy(copy)
        yield copy


def _restore_files(
    site: Settings,
    target: Target,
    folder: Path,
    manifest: Manifest,
    report: RestoreReport,
    *,
    skip_damaged: bool,
) -> None:
    own = set(database_files(site))
    places = {path.name: path for path in secret_files(site) if path not in own}
    keys = [entry for name in places if (entry := manifest.find(name)) is not None]
    stored = (entry for entry in manifest if entry.name.startswith(f"{STORAGE}/"))
    restored = ((entry, restore_file(folder, entry, places[entry.name])) for entry in keys)
    for entry, is_intact in chain(restored, target.store(folder, stored)):
        if is_intact:
            report.files += 1
            continue
        report.damaged.append(entry.name)
        if not skip_damaged:
            raise BackupError(
                f"{folder / entry.name} is damaged: its digest differs from that in the manifest. "
                "The site is incomplete now; restore another backup with --force, or this one "
                "without the damaged files with --force --skip-damaged."
            )


def _move_assets(before: str, after: str) -> None:
    """Let the addresses of stored files name the storage that they are in now."""
    if before == after:
        return
    moved: Any = Concat(Value(f"{after}/"), Substr("data_uri", len(before) + 2))
    Asset.objects.filter(data_uri__startswith=f"{before}/").update(data_uri=moved)


def _forget_streams(report: RestoreReport) -> None:
    try:
        forget_streams()
    except RedisError as error:
        report.warnings.append(
            f"The streams in the streaming cache could not be removed ({error}): subscribers may "
            "receive updates from after the backup. Remove the keys with the prefix of "
            "streaming_cache.prefix."
        )
