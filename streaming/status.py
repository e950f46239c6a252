"""Status of a stream, for administrators."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import redis

from core.errors import Unavailable

from .config import required_cache
from .protocol.cursor import Position
from .reading.reader import COUNT_TTL
from .redis.clients import writer_client
from .redis.keys import StreamKeys
from .shards import shard_of


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """The status of one stream. Without an epoch, nothing was written to it yet."""

    epoch: str | None
    last_sequence: int
    oldest_sequence: int | None
    retained: int
    last_update: datetime | None
    closed: bool
    subscribers: int


def stream_status(node: UUID) -> StreamStatus:
    """Return the status of `node`'s stream. Raises Unavailable if Redis is off or unreachable."""
    shard = shard_of(required_cache(), node)
    keys = StreamKeys.of(shard.prefix, node)
    pipe = writer_client(shard).pipeline(transaction=True)
    pipe.hmget(keys.meta, "epoch", "seq", "end", "time")
    pipe.xrange(keys.log, count=1)
    pipe.hgetall(keys.subscribers)
    try:
        meta, head, subscribers = pipe.execute()
    except redis.RedisError as error:
        raise Unavailable("The streaming cache cannot be reached.") from error
    return _status(meta, head, subscribers)


def _status(meta: list[Any], head: list[Any], subscribers: dict[bytes, bytes]) -> StreamStatus:
    epoch, sequence, end, updated = meta
    last = int(sequence or 0)
    oldest = None
    if head:
        position = Position.parse(head[0][0].decode())
        first = position.sequence + (1 if position.end else 0)
        oldest = first if first <= last else None
    return StreamStatus(
        epoch=epoch.decode() if epoch else None,
        last_sequence=last,
        oldest_sequence=oldest,
        retained=0 if oldest is None else last - oldest + 1,
        last_update=datetime.fromtimestamp(int(updated) / 1000, UTC) if updated else None,
        closed=int(end or 0) > 0,
        subscribers=sum(map(_parse_count, subscribers.values())),
    )


def _parse_count(report: bytes) -> int:
    # A process that was killed leaves its last report behind.
    count, reported_at = report.split()
    return int(count) if time.time() - int(reported_at) < COUNT_TTL else 0
