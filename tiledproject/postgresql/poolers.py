"""Recognize a connection pooler that does not keep a session for each connection.

Writes to a node are kept apart by locks of PostgreSQL that belong to a session. A pooler in
transaction or statement mode hands a session from one client to the next, its locks included: one
writer would then hold another's lock, or never release its own.
"""

from __future__ import annotations

import secrets
from typing import Any

import psycopg

MAX_ATTEMPTS = 3


def keeps_sessions(uri: str, connect_timeout: int) -> bool:
    """Return whether each connection to `uri` has its own session between transactions.

    Raises psycopg.OperationalError.
    """

    def connect() -> psycopg.Connection[Any]:
        return psycopg.connect(
            uri, autocommit=True, prepare_threshold=None, connect_timeout=connect_timeout
        )

    with connect() as first, connect() as second:
        # A pooler may happen to have a session for each at one time, and not at another.
        return all(_kept(first, second) for _ in range(MAX_ATTEMPTS))


def _kept(first: psycopg.Connection[Any], second: psycopg.Connection[Any]) -> bool:
    """Return whether a lock that `first` takes keeps `second` out, and is released by `first`."""
    key = secrets.randbits(62)
    first.execute("SELECT pg_advisory_lock(%s)", [key])
    try:
        with second.transaction():
            # While this transaction lasts, no pooler gives its session to the other connection.
            shared = _value(second, "SELECT pg_try_advisory_lock(%s)", key)
            if shared:
                second.execute("SELECT pg_advisory_unlock(%s)", [key])
                second.execute("SELECT pg_advisory_unlock(%s)", [key])
                return False
            return bool(_value(first, "SELECT pg_advisory_unlock(%s)", key))
    except psycopg.errors.ProtocolViolation:
        return False  # a pooler in statement mode has no transactions


def _value(connection: psycopg.Connection[Any], statement: str, key: int) -> Any:
    row = connection.execute(statement, [key]).fetchone()
    assert row is not None
    return row[0]
