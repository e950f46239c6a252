"""Publish stored writes to their streams through the outbox (transactional outbox pattern).

Called while the lock of the node is held. An entry is recorded in the transaction of the write;
after the commit it is published under its token, and removed. A process may die at any step:

=====================  =========================================================================
dies                   what happens
=====================  =========================================================================
before the commit      there is no entry, and no write
after the commit       the entry stays in flight. The outbox worker of any process finds it. So
                       does the next write to the node, which is published only behind that token
after the publication  the same, but the script finds the token in the stream and does nothing
=====================  =========================================================================
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import DatabaseError

from core.errors import NotFound, Unavailable
from core.mapped_files import BytesLike
from tiled_client.wire.messages import Message

from ..metrics import OUTBOX_DEFERRED
from . import outbox, outbox_recording, outbox_removal, outbox_worker, retained
from .log import OutboxPosition, StreamLog, stream_log
from .outbox_recording import RecordedEntry
from .scripts import CacheUnreachable, OrderConflict
from .updates import EncodedUpdate, UpdateTooLarge, encode

# The number of streams that are removed in one round trip to Redis.
DELETION_BATCH = 1000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RecordedUpdate:
    """An update that was recorded in the outbox with its write, to be published."""

    entry: RecordedEntry
    update: EncodedUpdate

    def is_stored(self) -> bool:
        """Return whether the write was committed. Raises Unavailable.

        The outbox worker may have taken over the entry meanwhile; then it is in the stream.
        """
        if self.entry.is_stored() or retained.has(self.entry.node, self.entry.token):
            return True
        log = stream_log(self.entry.node)
        return log is not None and log.has_published(self.entry.node, self.entry.token)


@dataclass(frozen=True, slots=True)
class RecordedDeletions:
    """The deletion of nodes, recorded in the outbox with its transaction."""

    nodes: Sequence[UUID]

    def is_stored(self) -> bool:
        """Return whether the deletion was committed."""
        return outbox.has_entries(self.nodes[-1:])


def record(
    node: UUID, message: Message, payload: BytesLike | None = None, token: str = ""
) -> RecordedUpdate:
    """Record an update within the transaction of its write, under `token` or a new one.

    The token must not have been used before.
    """
    update = encode(message, payload)
    # A row that is retained is not reused.
    last = None if retained.is_on() else outbox_removal.last_published(node)
    return RecordedUpdate(outbox_recording.record(node, update, token, last), update)


def is_recorded(node: UUID, token: str) -> bool:
    """Return whether an update of `node` is in the outbox under `token`."""
    return outbox.has_token(node, token)


def record_deletions(nodes: Sequence[UUID]) -> RecordedDeletions:
    """Record the deletion of nodes within its transaction."""
    outbox.record_deletions(nodes)
    return RecordedDeletions(nodes)


def publish(log: StreamLog, node: UUID, message: Message, payload: BytesLike | None = None) -> None:
    """Publish an update that was not recorded yet, behind everything that was stored before it."""
    publish_recorded(log, record(node, message, payload))


def publish_recorded(log: StreamLog, recorded: RecordedUpdate) -> None:
    """Publish an update, or leave it waiting behind those before it.

    The database is not queried for that: the write is committed, and the outbox worker publishes
    the entry if this process does not.
    """
    entry = recorded.entry
    if entry.waits:
        outbox_worker.wake()
        return
    try:
        log.put(entry.node, recorded.update, entry.token, position_of(entry))
    except OrderConflict:
        defer_refused([recorded])
    except NotFound:
        logger.info("The stream of node %s was dropped: the node was deleted", entry.node)
        remove(entry)
    except UpdateTooLarge as error:
        logger.warning("An update of node %s becomes a gap in its stream: %s", entry.node, error)
        update_outbox(lambda: outbox.mark_lost([entry.pk]))
        outbox_worker.wake()
    except Unavailable as error:
        log_deferred(entry.node, error)
        tried = may_have_arrived(error)
        update_outbox(lambda: outbox.defer(entry.pk, entry.token, recorded.update, tried=tried))
        outbox_worker.wake()
    else:
        remove(entry)


def defer_refused(updates: Sequence[RecordedUpdate]) -> None:
    """Let updates of one node wait that Redis has refused, behind those before them.

    Another entry was left behind by its writer, or Redis was emptied. No subscriber has received
    these updates, so they are streamed whatever Redis has lost, and need all of their content.
    """

    def defer() -> None:
        for entry, update in ((one.entry, one.update) for one in updates):
            outbox.defer(entry.pk, entry.token, update, tried=True)
        outbox.defer_all([updates[0].entry.node])

    update_outbox(defer)
    outbox_worker.wake()


def position_of(entry: RecordedEntry) -> OutboxPosition | None:
    """Return the position behind the preceding entry, if that may be missing in the stream.

    Another process wrote it, or a failover may have lost it.
    """
    before = entry.before
    if before is None:
        return None
    if not retained.is_on() and outbox_removal.is_published(before.pk, before.token):
        return None
    return OutboxPosition(before.token)


def remove(entry: RecordedEntry) -> None:
    """Remove an entry that is in its stream, and older ones that were left behind."""
    before = entry.before
    older = before is not None and not (
        before.retained or outbox_removal.is_published(before.pk, before.token)
    )
    update_outbox(lambda: outbox_removal.remove(entry, older=older))


def update_outbox(change: Callable[[], object]) -> None:
    """Change an entry; if that fails, the outbox worker determines its state."""
    try:
        change()
    except DatabaseError as error:
        # The write itself is committed and must not fail because of this.
        logger.warning("Cannot update the outbox; its worker takes over: %s", error)


def publish_left_behind(node: UUID) -> None:
    """Have all entries of `node` that their writers left behind published.

    Call it under the lock of the node.
    """
    nodes = [node, *outbox.deletions_in_flight()]
    if outbox.defer_all(nodes) or outbox.has_backlog(node):
        outbox_worker.wake()


def publish_end(log: StreamLog, node: UUID, *, token: str = "") -> None:
    """Publish an end of stream behind everything that was stored before it. Raises Unavailable.

    If nothing waits and Redis is unreachable it fails, like everything that is not stored: its
    producer tries again. Of ends with the same `token`, only the first is published.
    """
    if outbox.has_backlog(node):
        outbox.add_end(node, token)
        outbox_worker.wake()
    else:
        log.close(node, token)


def publish_deletions(log: StreamLog, nodes: Sequence[UUID]) -> None:
    """Remove the streams of deleted nodes at once, and all their entries in the outbox."""
    for first in range(0, len(nodes), DELETION_BATCH):
        _drop(log, nodes[first : first + DELETION_BATCH])


def _drop(log: StreamLog, nodes: Sequence[UUID]) -> None:
    try:
        log.drop(nodes)
    except Unavailable as error:
        log_deferred(nodes[0], error)
        update_outbox(lambda: outbox.add_deletions(nodes))
        outbox_worker.wake()
    else:
        update_outbox(lambda: outbox.remove_nodes(nodes))


def may_have_arrived(error: Unavailable) -> bool:
    """Return whether Redis may have executed a command that failed."""
    return isinstance(error, CacheUnreachable) and error.tried


def log_deferred(node: UUID, error: Unavailable) -> None:
    """Log that an update waits in the outbox, and count it."""
    OUTBOX_DEFERRED.add()
    # One warning by the request that met the outage; those spared by the circuit breaker are many.
    spared = isinstance(error, CacheUnreachable) and not error.tried
    level = logging.DEBUG if spared else logging.WARNING
    logger.log(level, "Deferred a stream update of node %s to the outbox: %s", node, error.detail)
