"""Forget all streams of the site, after its database was replaced by an earlier one."""

from __future__ import annotations

from itertools import islice

from ..config import StreamingCacheSettings, streaming_cache_settings
from ..redis.clients import writer_client
from ..shards import shards

BATCH = 1000


def forget_streams() -> int:
    """Delete all keys of the site in Redis, and return their number. Raises RedisError.

    Streams begin again, in a new epoch. Do not call it while a server runs.
    """
    return sum(map(forget, shards(streaming_cache_settings())))


def forget(shard: StreamingCacheSettings) -> int:
    """Delete all keys of the site in one Redis, and return their number. Raises RedisError."""
    client, deleted = writer_client(shard), 0
    names = client.scan_iter(f"{shard.prefix}:*", count=BATCH)
    while some := list(islice(names, BATCH)):
        deleted += client.delete(*some)
    return deleted
