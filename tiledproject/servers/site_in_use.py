"""Find out whether servers of a site are running, before a command replaces what they use."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from django.db import connection

from ..config.settings_model import Settings
from .valkey_address import is_locked

SERVERS_OF_DATABASE = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend'
AND usename = current_user AND pid <> pg_backend_pid()
"""


class SiteInUse(Exception):
    """A server of the site seems to be running."""


def refuse_running(site: Settings) -> None:
    """Raise SiteInUse if a server of the site seems to be running."""
    if is_locked(site.server.data_dir) or _is_database_in_use():
        raise SiteInUse(
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
