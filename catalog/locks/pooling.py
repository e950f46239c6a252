"""Recognize a connection pooler, behind which a session serves other clients between transactions.

PostgreSQL names the process that serves a connection twice: when the connection is opened, and when
it is queried. A pooler answers the first itself, so the two differ. In that case locks must belong
to transactions (`transaction_locks`), whatever the mode of the pooler.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from django.db import connection

from ..config import database_settings

# By connection of the driver.
_pids: WeakKeyDictionary[Any, int] = WeakKeyDictionary()


def is_pooled(database: Any = connection) -> bool:
    """Return whether a pooler may give the session of this connection to other clients.

    `database` is a connection of Django to a PostgreSQL; it may be opened.
    """
    pooling = database_settings().pooling
    if pooling != "auto":
        return pooling == "transaction"
    return bool(backend_pid(database) != database.connection.info.backend_pid)


def backend_pid(database: Any = connection) -> int:
    """Return the process id of the backend that served this connection first.

    It is queried once per connection.
    """
    database.ensure_connection()
    session = database.connection
    found = _pids.get(session)
    if found is None:
        with database.wrap_database_errors:
            found = _pids[session] = session.execute("SELECT pg_backend_pid()").fetchone()[0]
    return found
