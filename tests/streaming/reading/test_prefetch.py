"""Prefetching of the next batch of the log."""

from __future__ import annotations

import uuid

from streaming.protocol.cursor import BEGINNING, Position
from streaming.reading.prefetch import Prefetcher
from streaming.reading.reader import StreamReader
from streaming.writing.log import StreamLog

from ..conftest import numbers


async def test_a_prefetched_batch_is_used_only_for_its_position(
    log: StreamLog, reader: StreamReader, node: uuid.UUID
) -> None:
    subscriber = await reader.subscribe(node)
    for _ in range(3):
        log.append(node, *numbers(1))
    prefetcher = Prefetcher(subscriber.hub.log)

    async def found(position: Position, turns: int) -> list[int]:
        batch = await prefetcher.after(position, turns)
        return [entry.position.sequence for entry in batch.entries]

    prefetcher.start(Position(1), 0)
    assert await found(Position(1), 0) == [2, 3]
    prefetcher.start(Position(1), 0)
    assert await found(BEGINNING, 0) == [1, 2, 3]
    prefetcher.start(BEGINNING, 0)
    log.append(node, *numbers(1))
    # The numbering has begun anew since: it may be other updates that have these numbers.
    assert await found(BEGINNING, 1) == [1, 2, 3, 4]
    prefetcher.start(BEGINNING, 1)
    prefetcher.stop()
    await reader.unsubscribe(subscriber)
