"""Find the values of metrics that are not counted: of the readers, the outbox and Redis."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Any

import redis
from django.db import DatabaseError, connections

from core.metrics.sources import on_scrape, on_tick

from .config import StreamingCacheSettings, streaming_cache_settings
from .metrics import (
    NODES_FOLLOWED,
    OUTBOX_BYTES,
    OUTBOX_ENTRIES,
    OUTBOX_OLDEST,
    REDIS_EVICTED,
    REDIS_MEMORY,
    REDIS_MEMORY_MAX,
    REDIS_UP,
    STREAMS_RETAINED,
    SUBSCRIPTIONS,
    WINDOW_BYTES,
)
from .reading.site_reader import running_reader
from .redis.clients import writer_client
from .redis.keys import StreamKeys
from .shards import shard_name, shards
from .writing import outbox

# To count the streams takes Redis a millisecond for each thousand.
COUNT_STREAMS_SECONDS = 60.0
SCAN_COUNT = 1000

_counting = threading.Lock()
_counted = float("-inf")


@on_tick
def sample_readers() -> None:
    """Measure what the subscribers of this process use."""
    reader = running_reader()
    used = (0, 0, 0) if reader is None else reader.usage()
    for gauge, value in zip((SUBSCRIPTIONS, NODES_FOLLOWED, WINDOW_BYTES), used, strict=True):
        gauge.set(value)


@on_scrape
def measure_outbox() -> None:
    """Query the outbox; without the database its metrics stay as they were."""
    if streaming_cache_settings().uri is None:
        return
    try:
        backlog = outbox.backlog()
    except DatabaseError:
        connections["default"].close()
        return
    OUTBOX_ENTRIES.set(backlog.count)
    OUTBOX_BYTES.set(backlog.size)
    since = backlog.since
    age = 0.0 if since is None else (datetime.now(UTC) - since).total_seconds()
    OUTBOX_OLDEST.set(max(age, 0.0))


@on_scrape
def measure_redis() -> None:
    """Query the memory of each Redis, and let their streams be counted."""
    settings = streaming_cache_settings()
    found = [_measure(shard) for shard in shards(settings)]
    if any(found):
        _count_streams_soon(settings)


def _measure(shard: StreamingCacheSettings) -> bool:
    """Query the memory of one Redis; return whether it responds, and permits that."""
    name = shard_name(shard)
    try:
        pipe = writer_client(shard).pipeline(transaction=False)
        pipe.info("memory")
        pipe.info("stats")
        memory, stats = pipe.execute()
    except redis.ResponseError:  # it responds, but does not permit the question
        REDIS_UP.labels(name).set(1)
        return False
    except (redis.RedisError, OSError):
        REDIS_UP.labels(name).set(0)
        return False
    REDIS_UP.labels(name).set(1)
    REDIS_MEMORY.labels(name).set(float(memory["used_memory"]))
    REDIS_MEMORY_MAX.labels(name).set(float(memory.get("maxmemory", 0)))
    REDIS_EVICTED.labels(name).set(float(stats.get("evicted_keys", 0)))
    return True


def _count_streams_soon(settings: StreamingCacheSettings) -> None:
    global _counted
    if time.monotonic() - _counted < COUNT_STREAMS_SECONDS:
        return
    _counted = time.monotonic()
    threading.Thread(
        target=count_streams, args=(settings,), name="count-streams", daemon=True
    ).start()


def count_streams(settings: StreamingCacheSettings) -> None:
    """Count the streams in all Redis; one count at a time in a process."""
    with _counting:
        try:
            STREAMS_RETAINED.set(sum(map(_count, shards(settings))))
        except (redis.RedisError, OSError):
            return  # The last number stays; tiled_redis_up has whether Redis responds.


def _count(shard: StreamingCacheSettings) -> int:
    client: Any = writer_client(shard)
    pattern = StreamKeys.pattern(shard.prefix)
    return sum(1 for _ in client.scan_iter(pattern, count=SCAN_COUNT))
