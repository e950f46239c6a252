"""Getting what was stored into its stream: at once, or by way of the outbox.

Called while the lock of the node is held.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from uuid import UUID

from access.errors import NotFound, Unavailable
from catalog.storage.mapped import Bytes
from tiled_client.wire.messages import Message

from . import drain, outbox
from .log import StreamLog, new_token
from .scripts import OutOfReach
from .updates import NeverFits, encode

# As many streams are taken away in one exchange with Redis.
DROPS = 1000

logger = logging.getLogger(__name__)


def deliver(log: StreamLog, node: UUID, message: Message, payload: Bytes | None = None) -> None:
    """Put an update behind everything that was stored before it."""
    update = encode(message, payload)
    if outbox.waits(node):
        outbox.add_update(node, update)
        drain.wake()
        return
    token = new_token()
    try:
        log.put(node, update, token)
    except NotFound:
        logger.info("The stream of %s is gone with its node", node)
    except NeverFits as error:
        logger.warning("An update will be a gap in the stream of %s: %s", node, error)
        outbox.add_lost(node)
        drain.wake()
    except Unavailable as error:
        _say_waiting(node, error)
        outbox.add_update(node, update, token if _may_have_arrived(error) else "")
        drain.wake()


def deliver_end(log: StreamLog, node: UUID) -> None:
    """Put an end behind everything that was stored before it. Raises Unavailable.

    Where nothing waits it is refused like everything that is not stored; its producer will ask
    again.
    """
    if outbox.waits(node):
        outbox.add_end(node)
        drain.wake()
    else:
        log.close(node)


def deliver_drops(log: StreamLog, nodes: Sequence[UUID]) -> None:
    """Have the streams of deleted nodes taken away, at once: what waits of them is void."""
    for first in range(0, len(nodes), DROPS):
        _drop(log, nodes[first : first + DROPS])


def _drop(log: StreamLog, nodes: Sequence[UUID]) -> None:
    try:
        log.drop(nodes)
    except Unavailable as error:
        _say_waiting(nodes[0], error)
        outbox.add_drops(nodes)
        drain.wake()
    else:
        outbox.forget_nodes(nodes)


def _may_have_arrived(error: Unavailable) -> bool:
    return isinstance(error, OutOfReach) and error.tried


def _say_waiting(node: UUID, error: Unavailable) -> None:
    # The first to find out says so; of the others there may be many.
    level = logging.DEBUG if isinstance(error, OutOfReach) and not error.tried else logging.WARNING
    logger.log(level, "What is stored of %s waits to be streamed: %s", node, error.detail)
