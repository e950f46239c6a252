"""Searches on a read replica of PostgreSQL (`database.replica_uri`).

A replica answers only if it has replayed everything that the primary had committed when the search
began. So a search finds all acknowledged writes, also those of other clients. Otherwise, and after
any failure of the replica, the primary answers.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, Error, connection, connections

from ..config import database_settings

logger = logging.getLogger(__name__)

ALIAS = "replica"
# How long a replica is not asked again, in seconds, after it failed or was behind.
AWAY_SECONDS = 10.0
BEHIND_SECONDS = 1.0
POLL_SECONDS = 0.005

Found = TypeVar("Found")


class _State:
    """When the replica may be asked again, by the monotonic clock of this process."""

    next_attempt = 0.0


def search(find: Callable[[], Found]) -> Found:
    """Return what `find` finds, on the replica if there is one that is up to date.

    `find` only reads, and may be called twice. Do not call this in a transaction.
    """
    if (
        database_settings().replica_uri is None
        or time.monotonic() < _State.next_attempt
        or connection.in_atomic_block
    ):
        return find()
    position = _position()
    try:
        with _replica() as replica:
            if _has_replayed(replica, position):
                return find()
        _State.next_attempt = time.monotonic() + BEHIND_SECONDS
        logger.info("The replica of the database is behind; the primary answers searches.")
    except Error as error:
        _State.next_attempt = time.monotonic() + AWAY_SECONDS
        logger.warning("The replica failed; the primary answers searches meanwhile: %s", error)
    return find()


def _position() -> str:
    """Return the position in the log up to which all acknowledged transactions are."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_flush_lsn()::text")
        return str(cursor.fetchone()[0])


@contextmanager
def _replica() -> Iterator[Any]:
    """Let this thread use the replica in place of the default connection."""
    primary, replica = connections[DEFAULT_DB_ALIAS], connections[ALIAS]
    connections[DEFAULT_DB_ALIAS] = replica
    try:
        yield replica
    finally:
        connections[DEFAULT_DB_ALIAS] = primary
        replica.close()


def _has_replayed(replica: Any, position: str) -> bool:
    """Wait until the replica has replayed the log up to `position`; return whether it has.

    A replica that was promoted has another log, and does not count any more.
    """
    deadline = time.monotonic() + database_settings().replica_wait
    while True:
        with replica.cursor() as cursor:
            cursor.execute(
                "SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= %s::pg_lsn", [position]
            )
            if cursor.fetchone()[0]:
                return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
