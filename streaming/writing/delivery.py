"""Getting what was stored into its stream, by way of the outbox (a transactional outbox).

Called while the lock of the node is held. An entry is kept in the transaction of the write; after
the commit it is put into the stream under its token, and removed. Any step may be cut off:

- Before the commit: there is no entry.
- After the commit: the entry stays in flight. `drain` of any process finds it, as does the next
  write to the node, which puts its own update behind that token only. The script that appends does
  nothing for a token that is in the stream.
- After the append: the same, and the token is found in the stream.
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

from . import outbox, outbox_removal, outbox_worker
from .log import StreamLog, Waited, stream_log
from .outbox import Entry
from .scripts import Ahead, OutOfReach
from .updates import NeverFits, Update, encode

# As many streams are taken away in one exchange with Redis.
DROPS = 1000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """An update that was kept in the outbox with its write, and is to be put into its stream."""

    entry: Entry
    update: Update

    def is_stored(self) -> bool:
        """Return whether the write was committed. Raises Unavailable.

        Others may have taken the entry over meanwhile: they remove it once it is in the stream.
        """
        if self.entry.is_stored():
            return True
        log = stream_log()
        return log is not None and log.has_taken(self.entry.node, self.entry.token)


@dataclass(frozen=True, slots=True)
class Drops:
    """The deletion of nodes, kept in the outbox with its transaction."""

    nodes: Sequence[UUID]

    def is_stored(self) -> bool:
        """Return whether the deletion was committed."""
        return outbox.has_entries(self.nodes[-1:])


def keep(
    node: UUID, message: Message, payload: BytesLike | None = None, token: str = ""
) -> Delivery:
    """Keep an update in the outbox, within the transaction of its write, under a new token.

    One that is given has to be new, too.
    """
    update = encode(message, payload)
    return Delivery(outbox.keep(node, update, token, outbox_removal.last_of(node)), update)


def is_kept(node: UUID, token: str) -> bool:
    """Return whether an update of `node` is in the outbox under `token`."""
    return outbox.has_token(node, token)


def keep_drops(nodes: Sequence[UUID]) -> Drops:
    """Keep the deletion of nodes in the outbox, within its transaction."""
    outbox.keep_drops(nodes)
    return Drops(nodes)


def deliver(log: StreamLog, node: UUID, message: Message, payload: BytesLike | None = None) -> None:
    """Put an update that was not kept yet behind everything that was stored before it."""
    put(log, keep(node, message, payload))


def put(log: StreamLog, delivery: Delivery) -> None:
    """Put an update into its stream, or leave it waiting behind what is before it.

    The database is asked for nothing before: the write is committed, and what the outbox holds of
    it is put into the stream by others, should this process not come to it.
    """
    entry = delivery.entry
    if entry.waits:
        outbox_worker.wake()
        return
    try:
        log.put(entry.node, delivery.update, entry.token, _after(entry))
    except Ahead:
        # The one before it was left behind, or Redis was emptied.
        _later(lambda: outbox.line_up([entry.node]))
        outbox_worker.wake()
    except NotFound:
        logger.info("The stream of %s is gone with its node", entry.node)
        _done(entry)
    except NeverFits as error:
        logger.warning("An update will be a gap in the stream of %s: %s", entry.node, error)
        _later(lambda: outbox.give_up([entry.pk]))
        outbox_worker.wake()
    except Unavailable as error:
        _say_waiting(entry.node, error)
        tried = _may_have_arrived(error)
        _later(lambda: outbox.wait(entry, delivery.update, tried=tried))
        outbox_worker.wake()
    else:
        _done(entry)


def _after(entry: Entry) -> Waited | None:
    """The token that must be the stream's last, where another process wrote before."""
    before = entry.before
    if before is None or outbox_removal.is_forgotten(before.pk, before.token):
        return None
    return Waited(before.token)


def _done(entry: Entry) -> None:
    before = entry.before
    older = before is not None and not outbox_removal.is_forgotten(before.pk, before.token)
    _later(lambda: outbox_removal.forget(entry, older=older))


def _later(change: Callable[[], object]) -> None:
    """Note what has become of an entry; where that fails, whoever looks after it finds out."""
    try:
        change()
    except DatabaseError as error:
        logger.warning("The outbox cannot be changed: %s", error)


def deliver_left(node: UUID) -> None:
    """Have everything of `node` put into its stream that its writers left behind.

    Call it under the lock of the node.
    """
    nodes = [node, *outbox.has_dropped()]
    if outbox.line_up(nodes) or outbox.waits(node):
        outbox_worker.wake()


def deliver_end(log: StreamLog, node: UUID, *, once: str = "") -> None:
    """Put an end behind everything that was stored before it. Raises Unavailable.

    Where nothing waits it is refused like everything that is not stored; its producer will ask
    again. Of ends with the same `once` there is one.
    """
    if outbox.waits(node):
        outbox.add_end(node, once)
        outbox_worker.wake()
    else:
        log.close(node, once)


def deliver_drops(log: StreamLog, nodes: Sequence[UUID]) -> None:
    """Have the streams of deleted nodes taken away, at once: what waits of them is void."""
    for first in range(0, len(nodes), DROPS):
        _drop(log, nodes[first : first + DROPS])


def _drop(log: StreamLog, nodes: Sequence[UUID]) -> None:
    try:
        log.drop(nodes)
    except Unavailable as error:
        _say_waiting(nodes[0], error)
        _later(lambda: outbox.add_drops(nodes))
        outbox_worker.wake()
    else:
        _later(lambda: outbox.forget_nodes(nodes))


def _may_have_arrived(error: Unavailable) -> bool:
    return isinstance(error, OutOfReach) and error.tried


def _say_waiting(node: UUID, error: Unavailable) -> None:
    # The first to find out says so; of the others there may be many.
    level = logging.DEBUG if isinstance(error, OutOfReach) and not error.tried else logging.WARNING
    logger.log(level, "What is stored of %s waits to be streamed: %s", node, error.detail)
