"""Putting what waits in the outbox into its streams, in the background of every server process."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from uuid import UUID

from django.db import connection

from catalog.locks.node_locks import lone
from catalog.services.arrays.overwrites import settle_node
from core.backend_failures import log_outage
from core.errors import NotFound, ServiceError, Unavailable

from ..config import streaming_cache_settings
from ..models import Kind, Waiting
from . import outbox, outbox_removal
from .log import StreamLog, Waited, stream_log
from .scripts import Ahead, OutOfReach
from .updates import NeverFits, Update

logger = logging.getLogger(__name__)

LOCK = "outbox"
RETRY_SECONDS = 0.5
# What another process has left behind is found after this time at the latest.
LOOK_SECONDS = 2.0
COMPLAINT_SECONDS = 60.0
MOST_FAILURES = 5


class Drain(threading.Thread):
    """Looks after the outbox for as long as the process lives."""

    def __init__(self) -> None:
        super().__init__(name="tiled-outbox", daemon=True)
        self._news = threading.Event()
        self._seen: set[tuple[int, str]] = set()
        self._next_take_over = 0.0

    def wake(self) -> None:
        """Something was put into the outbox."""
        self._news.set()

    def run(self) -> None:
        """Look again and again; more often while something waits."""
        while True:
            if self._look():
                self._news.wait(LOOK_SECONDS)
                self._news.clear()
            else:
                time.sleep(RETRY_SECONDS)

    def _look(self) -> bool:
        """Whether nothing waits any more, as far as this process can see to it."""
        log = stream_log()
        try:
            if log is None:
                return True
            with suppress(Unavailable):
                log.memory()
            self._take_over()
            return look(log)
        except Exception as error:
            if log_outage(error) is None:
                logger.exception("What waits for the streaming cache cannot be looked at")
            return True  # no sooner than if nothing did
        finally:
            connection.close_if_unusable_or_obsolete()

    def _take_over(self) -> None:
        """Let entries wait that were in flight already when this process looked the last time.

        Their writers are gone, or slow: what they still do is known by its token, and harmless.
        """
        now = time.monotonic()
        if now < self._next_take_over:
            return
        self._next_take_over = now + LOOK_SECONDS
        found = outbox.in_flight()
        left = list({node for entry, node in found.items() if entry in self._seen})
        self._seen = set(found)
        for node in left[: outbox.BATCH_COUNT]:
            try:
                settle_node(node)
            except Unavailable as error:
                _complain(node, error)
        if left and outbox.line_up(left[: outbox.BATCH_COUNT]):
            logger.warning("Updates of %s nodes were left behind by their writers", len(left))


def look(log: StreamLog) -> bool:
    """Put what waits into its streams if nobody else does. True if nothing is left."""
    if outbox.next_node() is None:
        return True
    with lone(LOCK) as mine:
        return mine and drain(log)


def drain(log: StreamLog) -> bool:
    """Put what waits into its streams. True if nothing is left. Only for who holds the lock."""
    refused: set[UUID] = set()
    count = 0
    try:
        log.ping()
        for node in _in_turn(refused):
            try:
                count += _drain_batch(log, node)
            except OutOfReach:
                raise
            except Unavailable as error:
                _complain(node, error)
                refused.add(node)
    except OutOfReach:
        _keep_within_bounds()
        return False
    if refused:
        _keep_within_bounds()
    if count:
        logger.warning("%s entries that had waited are in their streams now", count)
    return not refused


def _complain(node: UUID, error: Unavailable) -> None:
    global _complained
    if time.monotonic() >= _complained + COMPLAINT_SECONDS:
        _complained = time.monotonic()
        logger.warning("What waits for the stream of %s goes on waiting: %s", node, error)


def _in_turn(refused: set[UUID]) -> Iterator[UUID]:
    """Whose turn it is, while any are left that were not refused."""
    # Whoever watches a node that is gone need not wait for all that others have missed.
    yield from outbox.deleted_nodes()
    while (node := outbox.next_node(refused)) is not None:
        yield node


def _keep_within_bounds() -> None:
    limit = streaming_cache_settings().outbox_bytes
    count = outbox.trim(limit)
    if count:
        logger.error(
            "More than %s bytes wait for the streaming cache (streaming_cache.outbox_bytes): the "
            "oldest %s updates will be a gap in their streams",
            limit,
            count,
        )


def _drain_batch(log: StreamLog, node: UUID) -> int:
    """Put the oldest of what waits for `node` into its stream. Raises Unavailable."""
    # One that is in flight may be older than the one that was found to wait.
    outbox.line_up([node])
    last = log.last_token(node)
    if not last and (count := outbox.lose_of_other_memory(node, log.memory())):
        logger.warning(
            "Redis was emptied: %s updates of %s become a gap in its stream", count, node
        )
    batch = outbox.next_batch(node)
    if _may_be_further(batch, last) and (count := outbox.forget_through(node, last)):
        return count
    done = _done(batch, last)
    # What is announced has to be there to be read. Not before the batch is known: its latest write
    # may just have been committed, and once its entry is gone, nothing tells that it was.
    settle_node(node)
    try:
        for entry in batch[len(done) :]:
            _put(log, entry, last)
            last = entry.token
            done.append(entry)
    except Ahead:
        # Redis was emptied, or an answer came late; look again.
        pass
    except NotFound:
        outbox.forget_nodes([node])
    except NeverFits as error:
        _give_up(batch[len(done)], error)
    except OutOfReach as error:
        if _is_to_blame(batch[len(done)]):
            _give_up(batch[len(done)], error)
        raise
    finally:
        outbox.forget({entry.pk: entry.token for entry in done})
    return len(done)


def _is_to_blame(entry: Waiting) -> bool:
    """Whether Redis has answered time after time until it was sent this one."""
    _failures[entry.pk] += 1
    return _failures[entry.pk] >= MOST_FAILURES


def _give_up(entry: Waiting, error: ServiceError) -> None:
    logger.error("An update will be a gap in the stream of %s: %s", entry.node, error.detail)
    outbox.give_up([entry.pk])
    _failures.clear()


def _may_be_further(batch: list[Waiting], last: str) -> bool:
    """Whether all of the batch may be in the stream already, with entries that come after it."""
    return last not in [entry.token for entry in batch] and all(entry.tried for entry in batch)


def _done(batch: list[Waiting], last: str) -> list[Waiting]:
    """Those that are in the stream already: everything up to the one with the `last` token."""
    tokens = [entry.token for entry in batch]
    return batch[: tokens.index(last) + 1] if last in tokens else []


def _put(log: StreamLog, entry: Waiting, after: str) -> None:
    waited = Waited(after, entry.tried)
    match entry.kind:
        case Kind.UPDATE:
            log.put(entry.node, _update(entry), entry.token, waited)
        case Kind.LOST:
            log.lose(entry.node, entry.count, entry.token, waited)
        case Kind.END:
            log.close(entry.node, entry.token, waited)
        case Kind.DROP:
            log.drop([entry.node])


def _update(entry: Waiting) -> Update:
    # PostgreSQL gives views of its memory.
    payload = None if entry.payload is None else bytes(entry.payload)
    return Update(bytes(entry.before), bytes(entry.after), payload)


_complained = -COMPLAINT_SECONDS
_failures: Counter[int] = Counter()
_drain: Drain | None = None
_lock = threading.Lock()


def start() -> None:
    """Have this process look after the outbox from now on."""
    global _drain
    outbox_removal.start()
    with _lock:
        if _drain is None:
            _drain = Drain()
            _drain.start()


def wake() -> None:
    """Something was put into the outbox."""
    if _drain is not None:
        _drain.wake()
