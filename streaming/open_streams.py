"""Find the streams that a producer has not closed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import redis

from core.errors import Unavailable

from .config import StreamingCacheSettings, streaming_cache_settings
from .models import Waiting
from .redis.clients import writer_client
from .redis.keys import StreamKeys
from .shards import by_shard


def open_streams(nodes: Sequence[UUID]) -> set[UUID]:
    """Return those of `nodes` that were written and not closed, or have entries in the outbox.

    A stream that its producer has left without closing it counts until its numbers expire
    (`streaming_cache.seq_ttl`). Raises Unavailable if Redis is out of reach.
    """
    found = set(Waiting.objects.filter(node__in=nodes).values_list("node", flat=True))
    for shard, some in by_shard(streaming_cache_settings(), nodes):
        found |= _open_in(shard, some)
    return found


def _open_in(shard: StreamingCacheSettings, nodes: Sequence[UUID]) -> set[UUID]:
    pipe = writer_client(shard).pipeline(transaction=False)
    for node in nodes:
        pipe.hmget(StreamKeys.of(shard.prefix, node).meta, "seq", "end", "gone")
    try:
        answers = pipe.execute()
    except redis.RedisError as error:
        raise Unavailable("The streaming cache cannot be reached.") from error
    return {
        node
        for node, (sequence, end, gone) in zip(nodes, answers, strict=True)
        if int(sequence or 0) and not int(end or 0) and not gone
    }
