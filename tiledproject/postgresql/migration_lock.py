"""Let one server at a time migrate a database that several servers share."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

# Any number that nothing else locks in this database.
LOCK = 0x7469_6C65_6400
POLL_SECONDS = 0.2


@contextmanager
def migration_lock() -> Iterator[None]:
    """Hold an advisory lock of PostgreSQL; with SQLite there is one server only.

    The lock belongs to an open transaction of another connection, since a pooler may give the
    session of this one to others. A server that waits asks again and again: one that waited inside
    of a statement would keep a snapshot, and `CREATE INDEX CONCURRENTLY` waits until all older
    snapshots are gone. A transaction between two statements has none.
    """
    if connection.vendor != "postgresql":
        yield
        return
    wrapper: Any = connection.copy()
    wrapper.ensure_connection()
    try:
        while not _try_lock(wrapper.connection):
            time.sleep(POLL_SECONDS)
        yield
    finally:
        wrapper.close()  # the pool ends the transaction


def _try_lock(session: Any) -> bool:
    session.execute("BEGIN")
    is_held = bool(session.execute(f"SELECT pg_try_advisory_xact_lock({LOCK})").fetchone()[0])
    if not is_held:
        session.execute("ROLLBACK")
    return is_held
