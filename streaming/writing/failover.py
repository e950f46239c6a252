"""Find the writes that a failover of Redis has lost, and let them be streamed again.

Nothing is done where no entries are retained (`retained`). A write notices that the entry before it
is missing in the stream. For nodes without another write, each server process polls which primary
Redis has, by the ID of its replication, and compares all streams with the database when it changes.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from uuid import UUID

from catalog.locks.node_locks import try_site_lock
from core.errors import Unavailable

from ..config import streaming_cache_settings
from . import retained
from .log import StreamLog

logger = logging.getLogger(__name__)

LOCK = "outbox"


def restore_lost(log: StreamLog, node: UUID, last: str) -> int:
    """Let the entries of `node` wait that were published behind `last`, the token in its stream.

    The caller must hold the lock of the outbox worker. Raises Unavailable.
    """
    if not retained.is_on():
        return 0
    count = retained.restore(node, last, log.memory_id())
    if count:
        logger.warning("A failover of Redis lost %s updates of node %s; resending", count, node)
    return count


class FailoverWatch:
    """Notices that another Redis is the primary, and compares the streams with the database."""

    def __init__(self) -> None:
        # None at first: a failover while no server ran is noticed as well.
        self._primary: str | None = None

    def check(self, log: StreamLog) -> None:
        """Compare if the primary is another one; else delete entries that no replica lacks."""
        if not retained.is_on():
            return
        with suppress(Unavailable):
            # While Redis is unreachable nothing expires: the next primary may lack all of it.
            found = log.replication_id()
            if found == self._primary and found is not None:
                settings = streaming_cache_settings()
                retained.expire(list(_newest_tokens(log)), settings.retained_seconds)
                return
            with try_site_lock(log.lock_name(LOCK)) as is_leader:
                if is_leader:
                    _restore_all(log)
                    self._primary = found


def _restore_all(log: StreamLog) -> None:
    newest = _newest_tokens(log)
    # Older entries may belong to streams that have expired.
    retained.expire(list(newest), streaming_cache_settings().data_ttl)
    for node, last in log.last_tokens(list(newest)).items():
        if last != newest[node]:
            restore_lost(log, node, last)


def _newest_tokens(log: StreamLog) -> dict[UUID, str]:
    """Return the token of the newest retained entry of each node of a shard."""
    among, found = log.node_filter, retained.newest_tokens()
    return found if among is None else {node: found[node] for node in filter(among, found)}
