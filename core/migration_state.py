"""Compare the migrations that a database has with those that this version knows."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader


@dataclass(frozen=True, slots=True)
class MigrationState:
    """Migrations, as `app.name`: those not applied yet, and those of a later version."""

    pending: list[str]
    later: list[str]


def migration_state(connection: BaseDatabaseWrapper) -> MigrationState:
    """Return how the migrations of a database differ from those of this version.

    Migrations of apps that this version does not have are ignored.
    """
    loader = MigrationLoader(connection)
    known, applied = set(loader.disk_migrations), set(loader.applied_migrations)
    apps = {app for app, _ in known}
    pending = known - applied
    later = {(app, name) for app, name in applied - known if app in apps}
    return MigrationState(_named(pending), _named(later))


def _named(migrations: set[tuple[str, str]]) -> list[str]:
    return sorted(".".join(each) for each in migrations)
