"""Publish the updates of several writes through the outbox together, as `delivery` does for one.

Either all of them are in the stream or none is: they are appended in one step, under the tokens of
their entries. The states of an entry and what happens when a process dies are those of `delivery`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from core.errors import NotFound, Unavailable
from core.mapped_files import BytesLike
from tiled_client.wire.messages import Message

from . import delivery, outbox, outbox_recording, outbox_worker
from .delivery import RecordedUpdate
from .log import StreamLog
from .outbox_recording import RecordedEntry
from .scripts import OrderConflict
from .updates import EncodedUpdate, UpdateBatch, UpdateTooLarge, encode


@dataclass(frozen=True, slots=True)
class RecordedBatch:
    """Updates that were recorded in the outbox with their writes, to be published."""

    entries: Sequence[RecordedEntry]
    updates: Sequence[EncodedUpdate]

    def is_stored(self) -> bool:
        """Return whether the writes were committed. Raises Unavailable."""
        return RecordedUpdate(self.entries[-1], self.updates[-1]).is_stored()


def record_batch(
    node: UUID, messages: Sequence[tuple[Message, BytesLike | None]], last_token: str = ""
) -> RecordedBatch:
    """Record updates within the transaction of their writes, the last one under `last_token`."""
    updates = [encode(message, payload) for message, payload in messages]
    return RecordedBatch(outbox_recording.record_many(node, updates, last_token), updates)


def publish_batch(
    log: StreamLog, batch: RecordedBatch, on_streamed: Callable[[str, int], None] | None = None
) -> None:
    """Publish updates, or leave them waiting behind those before them."""
    first = batch.entries[0]
    if first.waits:
        outbox_worker.wake()
        return
    tokens = [entry.token for entry in batch.entries]
    position = delivery.position_of(first)
    after = None if position is None else position.after
    try:
        head = log.put_many(first.node, UpdateBatch(batch.updates, tokens, after=after))
    except OrderConflict:
        delivery.defer_refused(list(map(RecordedUpdate, batch.entries, batch.updates)))
    except NotFound:
        delivery.update_outbox(lambda: outbox.remove_nodes([first.node]))
    except UpdateTooLarge:
        for entry, update in zip(batch.entries, batch.updates, strict=True):
            delivery.publish_recorded(log, RecordedUpdate(entry, update))
    except Unavailable as error:
        _defer(batch, error)
    else:
        for entry in batch.entries:
            delivery.remove(entry)
        if on_streamed is not None and head.epoch is not None:
            on_streamed(head.epoch, head.position.sequence)


def _defer(batch: RecordedBatch, error: Unavailable) -> None:
    """Let updates wait that could not be published."""
    tried = delivery.may_have_arrived(error)
    delivery.log_deferred(batch.entries[0].node, error)

    def defer_all() -> None:
        for entry, update in zip(batch.entries, batch.updates, strict=True):
            outbox.defer(entry.pk, entry.token, update, tried=tried)

    delivery.update_outbox(defer_all)
    outbox_worker.wake()
