"""Copies of the site's database, as of one moment, in an SQLite file.

The file has the same tables whether the site's database is SQLite or PostgreSQL, so that a backup
of one can be restored to the other.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.migrations.recorder import MigrationRecorder

from core.migration_state import migration_state

from ..config.locations import PROJECT
from .errors import BackupError

ALIAS = "backup"
READ_ROWS = 2000
INSERT_ROWS = 1000


def write_snapshot(path: Path) -> None:
    """Write all tables, as of one moment, to the new SQLite file `path`.

    Writers are not blocked.
    """
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(connection.settings_dict["NAME"])) as source:
            _copy_sqlite(source, path)
        return
    with opened(path):
        _create_tables()
        with transaction.atomic(), transaction.atomic(using=ALIAS):
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            copy_tables(DEFAULT_DB_ALIAS, ALIAS)
            recorder = MigrationRecorder(connections[ALIAS])
            for app, name in MigrationRecorder(connection).applied_migrations():
                recorder.record_applied(app, name)


def _copy_sqlite(source: sqlite3.Connection, path: Path) -> None:
    with closing(sqlite3.connect(path)) as target:
        # All pages at once: in several steps, each write meanwhile would begin the copy again.
        source.backup(target)
        # A copy has the mode of the original, which has its log in another file.
        target.execute("PRAGMA journal_mode = DELETE")


@contextmanager
def opened(path: Path) -> Iterator[str]:
    """Open an SQLite file as a database of Django; yield its alias."""
    options = {"init_command": "PRAGMA synchronous = OFF", "transaction_mode": "IMMEDIATE"}
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path), "OPTIONS": options}
    known: Any = connections
    settings = known.configure_settings({DEFAULT_DB_ALIAS: {}, ALIAS: database})
    known.settings[ALIAS] = settings[ALIAS]
    try:
        yield ALIAS
    finally:
        connections[ALIAS].close()
        del connections[ALIAS], known.settings[ALIAS]


def restore_database(path: Path) -> None:
    """Replace the contents of the site's database by those of the SQLite file `path`.

    The file may be of an earlier version; run the migrations afterwards. Raises BackupError.
    """
    if connection.vendor == "sqlite":
        connection.close()
        own = connection.settings_dict["NAME"]
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(own)) as target:
            source.backup(target)
        return
    with opened(path), transaction.atomic():
        _empty_tables()
        copy_tables(ALIAS, DEFAULT_DB_ALIAS)
        _reset_sequences()


def migrate_copy(path: Path) -> None:
    """Apply this version's migrations to an SQLite file, in another process. Raises BackupError."""
    environment = {**os.environ, "TILED_DATABASE_URI": f"sqlite:///{path}"}
    done = subprocess.run(
        [sys.executable, "-m", "django", "migrate", "--verbosity", "0"],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BackupError(f"The backup's database could not be migrated: {done.stderr.strip()}.")


def check_version(path: Path) -> bool:
    """Return whether the file has all migrations of this version.

    Raises BackupError if it has some that this version does not know.
    """
    with opened(path):
        state = migration_state(connections[ALIAS])
    if state.later:
        raise BackupError(
            f"The backup was made by a later version, which has the migration {state.later[-1]}: "
            "install that version to restore it."
        )
    return not state.pending


def copy_tables(source: str, target: str) -> None:
    """Copy the rows of all models from one database to another, unchanged."""
    for model in _models():
        fields = model._meta.local_concrete_fields
        rows = iter(model._base_manager.using(source).order_by("pk").iterator(chunk_size=READ_ROWS))
        while batch := list(islice(rows, INSERT_ROWS)):
            # Raw: fields such as `time_updated` keep their values. The compiler splits batches
            # that exceed the number of parameters of a query.
            size = connections[target].ops.bulk_batch_size(fields, batch)
            for start in range(0, len(batch), size):
                part = batch[start : start + size]
                model._base_manager._insert(part, fields=fields, using=target, raw=True)


def _models() -> list[Any]:
    """Return all models with a table, the tables of many-to-many relations included."""
    models = apps.get_models(include_auto_created=True)
    return [model for model in models if model._meta.managed and not model._meta.proxy]


def _create_tables() -> None:
    with connections[ALIAS].schema_editor() as editor:
        for model in _models():
            # The tables of its many-to-many relations are created with it.
            if not model._meta.auto_created:
                editor.create_model(model)
    MigrationRecorder(connections[ALIAS]).ensure_schema()


def _empty_tables() -> None:
    tables = [model._meta.db_table for model in _models()]
    with connection.cursor() as cursor:
        for statement in connection.ops.sql_flush(no_style(), tables):
            cursor.execute(statement)


def _reset_sequences() -> None:
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), _models()):
            cursor.execute(statement)
