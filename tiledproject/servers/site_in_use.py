"""Find out whether servers of a site are running, before a command replaces what they use."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

from django.db import connection
from redis.exceptions import RedisError

from catalog.database_vendor import on_postgresql
from catalog.locks.pooling import is_pooled
from streaming.config import StreamingCacheSettings
from streaming.server_exchange import LIFETIME_MILLISECONDS, running_servers
from streaming.shards import shards

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
    """Raise SiteInUse if a server of the site seems to be running.

    Behind a connection pooler, whose sessions outlive their clients, servers are found by Redis.
    """
    pooled = on_postgresql() and is_pooled()
    in_use = _has_servers(site.streaming_cache) if pooled else _is_database_in_use()
    if in_use or is_locked(site.server.data_dir):
        raise SiteInUse(
            "Other processes use the database or the data directory of this site; stop its servers "
            "first."
        )


def _has_servers(cache: StreamingCacheSettings) -> bool:
    if cache.uri is None:
        return False  # a server would have its own, and a lock on the data directory
    # What a server has published expires soon after its end.
    deadline = time.monotonic() + 2 * LIFETIME_MILLISECONDS / 1000
    try:
        while any(map(running_servers, shards(cache))):
            if time.monotonic() > deadline:
                return True
            time.sleep(0.1)
    except (RedisError, OSError) as error:
        raise SiteInUse(
            "Whether servers of this site run cannot be found out behind a connection pooler "
            f"while Redis does not respond ({error}); start Redis, or name PostgreSQL itself in "
            "database.uri for this command."
        ) from None
    return False


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
