"""Let one server at a time migrate a database that several servers share."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.utils import CursorWrapper

# Any number that nothing else locks in this database.
LOCK = 0x7469_6C65_6400
POLL_SECONDS = 0.2


@contextmanager
def migration_lock() -> Iterator[None]:
    """Hold an advisory lock of PostgreSQL; with SQLite there is one server only.

    A server that waits asks again and again: one that waited inside of a statement would keep a
    snapshot, and `CREATE INDEX CONCURRENTLY` waits until all older snapshots are gone.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        while not _try_lock(cursor):
            time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _try_lock(cursor: CursorWrapper) -> bool:
    cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
    row = cursor.fetchone()
    return row is not None and bool(row[0])
