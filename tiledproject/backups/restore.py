"""Restore a backup into an empty site, or in place of another."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection
from django.db.models import Value
from django.db.models.functions import Concat, Substr
from redis.exceptions import RedisError

from catalog.models import Asset, Node, StorageMark
from catalog.services.site_marker import adopt_storage
from catalog.services.stores.folder.cleanup import node_folders
from catalog.services.stores.folder.mark import FILE as MARK
from catalog.storage.files import file_uri, node_directory
from core.text import format_count
from streaming.writing.forgetting import forget_streams

from ..config.directories import database_files, secret_files
from ..config.settings_model import Settings
from ..servers.valkey_address import is_locked
from .copying import restore_file
from .databases import check_version, migrate_copy, restore_database
from .errors import BackupError
from .manifest import Manifest, open_manifest
from .repository import DATABASE, STORAGE, find_backup

SERVERS_OF_DATABASE = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend'
AND usename = current_user AND pid <> pg_backend_pid()
"""


@dataclass
class RestoreReport:
    """A restored backup; `warnings` are sentences."""

    folder: Path
    files: int = 0
    nodes: int = 0
    damaged: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def contents(site: Settings) -> str:
    """Return what a restore replaces, as a phrase; empty if the site is."""
    tables = connection.introspection.table_names()
    nodes = 0
    if Node._meta.db_table in tables:
        nodes = Node.objects.exclude(path="").count()
    folders = sum(1 for _ in node_folders(site.storage.directory))
    if not nodes and not folders:
        return ""
    return (
        f"{format_count(nodes, 'node')} in the database, and "
        f"{format_count(folders, 'folder')} of nodes in {site.storage.directory}"
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
    if site.storage.uri is not None:
        raise BackupError(
            f"The data of this site are in {site.storage.uri}, and a backup is restored into a "
            "folder: remove storage.uri, restore, and move the data with `storage copy --to`."
        )
    folder, summary = find_backup(place)
    refuse_running(site)
    if found := contents(site):
        if not force:
            raise BackupError(
                f"This site has {found}; restore into an empty site, or delete all of that and "
                "replace it by the backup with --force."
            )
        warn(f"Deleting {found}, and all users and keys.")
    report = RestoreReport(folder)
    with open_manifest(folder) as manifest, _database_to_restore(folder, manifest) as database:
        _remove_stored(site)
        _restore_files(site, folder, manifest, report, skip_damaged=skip_damaged)
        restore_database(database)
    call_command("migrate", interactive=False, verbosity=0)
    _move_assets(summary["storage"], file_uri(site.storage.directory.absolute()))
    StorageMark.objects.update(mark=uuid.uuid4())  # a copy is another site than its original
    adopt_storage()
    _forget_streams(report)
    report.nodes = Node.objects.exclude(path="").count()
    return report


def refuse_running(site: Settings) -> None:
    """Raise BackupError if a server of the site seems to be running."""
    if is_locked(site.server.data_dir) or _is_database_in_use():
        raise BackupError(
            "Other processes use the database or the data directory of this site; stop its servers "
            "first."
        )


def _is_database_in_use() -> bool:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(SERVERS_OF_DATABASE)
            return bool(cursor.fetchone()[0])
    connection.close()
    with closing(sqlite3.connect(connection.settings_dict["NAME"], timeout=0)) as database:
        try:
            # Leaving WAL needs the file alone, and servers keep their connections open.
            database.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.OperationalError:
            return True
    return False


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


def _remove_stored(site: Settings) -> None:
    # Without the mark, no server starts until the restore is complete.
    (site.storage.directory / MARK).unlink(missing_ok=True)
    for node in node_folders(site.storage.directory):
        shutil.rmtree(node_directory(site.storage.directory, node))


def _restore_files(
    site: Settings, folder: Path, manifest: Manifest, report: RestoreReport, *, skip_damaged: bool
) -> None:
    own = set(database_files(site))
    places = {path.name: path for path in secret_files(site) if path not in own}
    for entry in manifest:
        if entry.name == DATABASE:
            continue
        target = places.get(entry.name)
        if target is None:
            target = site.storage.directory / Path(entry.name).relative_to(STORAGE)
        if restore_file(folder, entry, target):
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
    """Let the addresses of stored files name the storage directory that they are in now."""
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
