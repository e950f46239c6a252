"""Publish the entries that wait in the outbox, in the background of every server process.

Each shard has a thread, so that one that does not answer delays no other. It polls: every
POLL_SECONDS while nothing waits, every RETRY_SECONDS otherwise. Of all processes, the one that gets
the site lock `outbox` of the shard drains, one node after the other:

============================================  ====================================================
a batch of one node                           then
============================================  ====================================================
all of it tried, the stream is further on     remove published entries (`_may_be_published`)
up to some token, it is in the stream         skip that part (`_already_published`)
the rest                                      publish in order, each behind the token before
`OrderConflict` on the way                    a late reply or an emptied Redis: next round
`NotFound`                                    the node was deleted: remove all its entries
`UpdateTooLarge`, or unreachable each time    the entry becomes a gap (`_give_up`)
`CacheUnreachable`                            stop; discard what exceeds `outbox_bytes`
============================================  ====================================================

Published entries are removed at the end of the batch in all cases.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from uuid import UUID

from django.db import connection

from catalog.locks.node_locks import try_site_lock
from catalog.services.stores.site import storage
from core.backend_failures import log_outage
from core.errors import NotFound, ServiceError, Unavailable

from ..config import streaming_cache_settings
from ..models import EntryKind, Waiting
from . import outbox, outbox_limit, outbox_removal
from .failover import LOCK, FailoverWatch, restore_lost
from .log import OutboxPosition, StreamLog, stream_logs
from .scripts import CacheUnreachable, OrderConflict
from .updates import EncodedUpdate, UpdateTooLarge

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
# Entries that another process left behind are found after this time at the latest.
POLL_SECONDS = 2.0
WARNING_SECONDS = 60.0
MAX_FAILURES = 5


class OutboxWorker(threading.Thread):
    """Drains the outbox of the nodes of one shard for as long as the process lives."""

    def __init__(self, log: StreamLog) -> None:
        super().__init__(name="tiled-outbox", daemon=True)
        self._log = log
        self._wakeup = threading.Event()
        self._seen: set[tuple[int, str]] = set()
        self._next_take_over = 0.0
        self._failovers = FailoverWatch()

    def wake(self) -> None:
        """Drain now: an entry waits."""
        self._wakeup.set()

    def run(self) -> None:
        """Poll until the process ends; more often while entries wait."""
        while True:
            if self._poll():
                self._wakeup.wait(POLL_SECONDS)
                self._wakeup.clear()
            else:
                time.sleep(RETRY_SECONDS)

    def _poll(self) -> bool:
        """Return whether nothing waits any more, as far as this process can tell."""
        try:
            with suppress(Unavailable):
                # For the entries that this process will record.
                self._log.memory_id()
            self._take_over()
            self._failovers.check(self._log)
            return drain_if_leader(self._log)
        except Exception as error:
            if log_outage(error) is None:
                logger.exception("Draining the outbox failed; retrying")
            # Retry no sooner than if nothing waited.
            return True
        finally:
            connection.close_if_unusable_or_obsolete()

    def _take_over(self) -> None:
        """Let entries wait that were in flight already at the poll before.

        Their writers are dead or slow. What a slow writer still publishes has the same token, so it
        is not published twice.
        """
        now = time.monotonic()
        if now < self._next_take_over:
            return
        self._next_take_over = now + POLL_SECONDS
        found = outbox.in_flight()
        among = self._log.node_filter or (lambda _: True)
        left = list({node for entry, node in found.items() if entry in self._seen and among(node)})
        self._seen = set(found)
        batch = left[: outbox.MAX_BATCH_ENTRIES]
        for node in batch:
            try:
                storage().arrays.settle(node)
            except Unavailable as error:
                _warn_rate_limited(node, error)
        if batch and outbox.defer_all(batch):
            logger.warning("Took over stream updates of %s nodes from their writers", len(left))


def drain_if_leader(log: StreamLog) -> bool:
    """Drain the outbox unless another process does. Return whether nothing is left."""
    if outbox.next_node(among=log.node_filter) is None:
        return True
    with try_site_lock(log.lock_name(LOCK)) as is_leader:
        return is_leader and drain(log)


def drain(log: StreamLog) -> bool:
    """Publish the entries that wait. Return whether nothing is left.

    The caller must hold the lock.
    """
    failed: set[UUID] = set()
    count = 0
    try:
        log.ping()
        for node in _nodes_to_drain(log, failed):
            try:
                count += _drain_batch(log, node)
            except CacheUnreachable:
                raise
            except Unavailable as error:
                _warn_rate_limited(node, error)
                failed.add(node)
    except CacheUnreachable:
        _enforce_limit(log)
        return False
    if failed:
        _enforce_limit(log)
    if count:
        logger.warning("Published %s stream updates from the outbox", count)
    return not failed


def _warn_rate_limited(node: UUID, error: Unavailable) -> None:
    global _last_warning
    if time.monotonic() >= _last_warning + WARNING_SECONDS:
        _last_warning = time.monotonic()
        logger.warning("Outbox entries for node %s are still pending: %s", node, error)


def _nodes_to_drain(log: StreamLog, failed: set[UUID]) -> Iterator[UUID]:
    """Yield the nodes that have entries and are not in `failed`, the oldest entry first."""
    among = log.node_filter
    # Deletions first: their subscribers need not wait for updates of other nodes.
    yield from (node for node in outbox.deleted_nodes() if among is None or among(node))
    while (node := outbox.next_node(failed, among)) is not None:
        yield node


def _enforce_limit(log: StreamLog) -> None:
    limit = streaming_cache_settings().outbox_bytes
    count = outbox_limit.trim(limit, log.node_filter)
    if count:
        logger.error(
            "The outbox exceeds %s bytes (streaming_cache.outbox_bytes): discarded the oldest %s "
            "updates, which become gaps in their streams",
            limit,
            count,
        )


def _drain_batch(log: StreamLog, node: UUID) -> int:
    """Publish the oldest entries of `node`; return how many. Raises Unavailable."""
    # An entry in flight may be older than the one that was found to wait.
    outbox.defer_all([node])
    last = log.last_token(node)
    restore_lost(log, node, last)
    if not last and (count := outbox.mark_lost_of_other_memory(node, log.memory_id())):
        logger.warning("Redis was emptied: %s updates of node %s become a gap", count, node)
    batch = outbox.next_batch(node)
    if _may_be_published(batch, last) and (count := outbox.remove_through_token(node, last)):
        return count
    done = _already_published(batch, last)
    # Subscribers must be able to read published updates. Not before the batch is known: its latest
    # write may just have been committed, and after its entry is gone, nothing shows that it was.
    storage().arrays.settle(node)
    try:
        for entry in batch[len(done) :]:
            _publish(log, entry, last)
            last = entry.token
            done.append(entry)
    except OrderConflict:
        # Redis was emptied, or a write arrived late. The next round starts from the stream's token.
        pass
    except NotFound:
        outbox.remove_nodes([node])
    except UpdateTooLarge as error:
        _give_up(batch[len(done)], error)
    except CacheUnreachable as error:
        if _is_to_blame(batch[len(done)]):
            _give_up(batch[len(done)], error)
        raise
    finally:
        outbox.remove({entry.pk: entry.token for entry in done})
    return len(done)


def _is_to_blame(entry: Waiting) -> bool:
    """Return whether Redis became unreachable by this entry time after time.

    It answered a PING each time before.
    """
    _failures[entry.pk] += 1
    return _failures[entry.pk] >= MAX_FAILURES


def _give_up(entry: Waiting, error: ServiceError) -> None:
    logger.error("An update of node %s becomes a gap in its stream: %s", entry.node, error.detail)
    outbox.mark_lost([entry.pk])
    _failures.clear()


def _may_be_published(batch: list[Waiting], last: str) -> bool:
    """Return whether all of the batch may be in the stream, with later entries behind it."""
    return last not in [entry.token for entry in batch] and all(entry.tried for entry in batch)


def _already_published(batch: list[Waiting], last: str) -> list[Waiting]:
    """Return the entries that are in the stream: up to the one with the `last` token."""
    tokens = [entry.token for entry in batch]
    return batch[: tokens.index(last) + 1] if last in tokens else []


def _publish(log: StreamLog, entry: Waiting, after: str) -> None:
    position = OutboxPosition(after, entry.tried)
    match entry.kind:
        case EntryKind.UPDATE:
            log.put(entry.node, _update(entry), entry.token, position)
        case EntryKind.LOST:
            log.append_lost(entry.node, entry.count, entry.token, position)
        case EntryKind.END:
            log.close(entry.node, entry.token, position)
        case EntryKind.DROP:
            log.drop([entry.node])


def _update(entry: Waiting) -> EncodedUpdate:
    # PostgreSQL's driver returns memoryviews.
    payload = None if entry.payload is None else bytes(entry.payload)
    return EncodedUpdate(bytes(entry.before), bytes(entry.after), payload)


_last_warning = -WARNING_SECONDS
_failures: Counter[int] = Counter()
_workers: list[OutboxWorker] = []
_lock = threading.Lock()


def start() -> None:
    """Start the outbox workers of this process, one for each shard."""
    outbox_removal.start()
    with _lock:
        if not _workers:
            _workers.extend(map(OutboxWorker, stream_logs()))
            for worker in _workers:
                worker.start()


def wake() -> None:
    """Have the outbox drained now: an entry waits."""
    for worker in _workers:
        worker.wake()
