"""Recognize what is between this server and its PostgreSQL: nothing, or a connection pooler."""

from __future__ import annotations

from typing import Any

import psycopg

UNSUPPORTED = "unsupported startup parameter"


def connect(**parameters: Any) -> psycopg.Connection[Any]:
    """Open a connection; without `options` if a pooler does not know these.

    Raises psycopg.OperationalError.
    """
    try:
        return psycopg.connect(**parameters)
    except psycopg.OperationalError as error:
        if UNSUPPORTED not in str(error) or not parameters.get("options"):
            raise
    return psycopg.connect(**{**parameters, "options": ""})


def has_transactions(uri: str, connect_timeout: int) -> bool:
    """Return whether a transaction at `uri` may have several statements.

    It may not behind a pooler in statement mode. Raises psycopg.OperationalError.
    """
    session = connect(
        conninfo=uri, autocommit=True, prepare_threshold=None, connect_timeout=connect_timeout
    )
    with session:
        try:
            with session.transaction():
                session.execute("SELECT 1")
        except psycopg.errors.ProtocolViolation:
            return False
    return True
