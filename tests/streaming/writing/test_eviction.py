"""A full Redis: the oldest updates are evicted first, then writes are rejected, as a whole."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.errors import Unavailable
from streaming.config import StreamingCacheSettings
from streaming.redis.clients import writer_client
from streaming.redis.keys import StreamKeys
from streaming.writing import delivery, outbox, outbox_worker
from streaming.writing.log import StreamLog
from streaming.writing.updates import UpdateTooLarge
from tools.backends.valkey_server import Cache, own_cache

from ..conftest import numbers

MEMORY = 32_000_000
POLICIES = ["noeviction", "volatile-ttl", "allkeys-lru", "allkeys-random"]


def log_of(cache: Cache) -> StreamLog:
    settings = StreamingCacheSettings(uri=cache.uri, timeout=2.0)
    return StreamLog(writer_client(settings), settings)


@pytest.fixture
def full() -> Iterator[Cache]:
    """Start a Valkey of 32 MB that evicts nothing by itself."""
    with own_cache(maxmemory=str(MEMORY), maxmemory_policy="noeviction") as cache:
        yield cache


def append(log: StreamLog, node: uuid.UUID, size: int) -> int:
    return log.append(node, numbers()[0], bytes(size)).position.sequence


def retained(cache: Cache, node: uuid.UUID) -> list[int]:
    names = cache.client.xrange(StreamKeys.of("tiled", node).log)
    return [int(name.partition(b"-")[0]) for name, _ in names]


def payload_keys(cache: Cache, node: uuid.UUID) -> list[int]:
    names = cache.client.scan_iter(f"{StreamKeys.of('tiled', node).payload}*")
    return sorted(int(name.rpartition(b":")[2]) for name in names)


@pytest.mark.parametrize("size", [8_000, 1_000_000])
def test_the_oldest_updates_of_all_streams_are_evicted_first(full: Cache, size: int) -> None:
    log, idle, early, late = log_of(full), uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    append(log, idle, 100)
    for _ in range(10_000_000 // size):
        append(log, early, size)
    for _ in range(60_000_000 // size):
        append(log, late, size)
    assert retained(full, idle) == retained(full, early) == payload_keys(full, early) == []
    kept = retained(full, late)
    assert kept == list(range(kept[0], 60_000_000 // size + 1))
    assert len(kept) * size > MEMORY // 2
    assert payload_keys(full, late) == (kept if size > 65536 else [])
    first, evicted = full.client.hmget(StreamKeys.of("tiled", late).meta, "first", "evicted_to")
    assert (int(first), int(evicted)) == (kept[0], kept[0] - 1)
    assert full.client.hget(StreamKeys.of("tiled", early).meta, "evicted_to") == (
        b"%d" % (10_000_000 // size)
    )


def test_large_updates_are_accepted_when_the_memory_is_full(full: Cache, node: uuid.UUID) -> None:
    log = log_of(full)
    for sequence in range(1, 8):
        assert append(log, node, 9_000_000) == sequence
    assert retained(full, node) == payload_keys(full, node)
    assert retained(full, node)[-1] == 7


@pytest.mark.parametrize("policy", POLICIES)
def test_many_writers_into_little_memory_leave_no_incomplete_entries(policy: str) -> None:
    nodes = [uuid.uuid4() for _ in range(4)]
    with own_cache(maxmemory=str(MEMORY), maxmemory_policy=policy) as cache:
        log = log_of(cache)

        def write(number: int) -> bool:
            try:
                append(log, nodes[number % 4], 10_000 if number % 3 else 1_000_000)
            except Unavailable:
                return False
            return True

        with ThreadPoolExecutor(8) as writers:
            assert sum(writers.map(write, range(600))) > 500
        assert list(cache.client.scan_iter("*staged*")) == []
        for node in nodes:
            kept = retained(cache, node)
            assert kept == list(range(kept[0], kept[-1] + 1)) if kept else True
            if policy == "noeviction":
                assert cache.client.hget(StreamKeys.of("tiled", node).meta, "seq") == (
                    b"%d" % kept[-1]
                )
                assert set(payload_keys(cache, node)) <= set(kept)


def test_a_staged_payload_that_is_evicted_leaves_nothing(full: Cache, node: uuid.UUID) -> None:
    log, keys = log_of(full), StreamKeys.of("tiled", node)
    append(log, node, 1)
    before = full.client.hgetall(keys.meta)
    with pytest.raises(Unavailable, match="memory"):
        log._scripts.run(
            log._append,
            [keys.meta, keys.log, keys.payload, keys.wake, f"{keys.payload}staged:gone"],
            *("epoch", b"before", b"after", 100_000, 60, 60, 1 << 30, "head", ""),
        )
    assert full.client.hgetall(keys.meta) == before
    assert retained(full, node) == [1]


@pytest.mark.django_db(transaction=True)
def test_writes_are_rejected_or_wait_if_nothing_can_be_evicted(
    full: Cache, node: uuid.UUID
) -> None:
    log = log_of(full)
    full.client.config_set("maxmemory", 0)
    full.client.set("of somebody else", bytes(MEMORY))
    full.client.config_set("maxmemory", MEMORY)
    for size in (100, 100_000):
        with pytest.raises(Unavailable) as refused:
            append(log, node, size)
        assert refused.value.headers["Retry-After"]
        delivery.publish(log, node, numbers()[0], bytes(size))
    with pytest.raises(Unavailable):
        log.close(uuid.uuid4())
    assert list(full.client.scan_iter("tiled*")) == []
    assert not outbox_worker.drain_if_leader(log)
    full.client.delete("of somebody else")
    while not outbox_worker.drain_if_leader(log):  # memory is freed in the background
        pass
    assert outbox.backlog().count == 0
    assert retained(full, node) == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_an_update_too_large_for_redis_evicts_nothing_and_becomes_a_gap(
    full: Cache, node: uuid.UUID
) -> None:
    log = log_of(full)
    for _ in range(28):
        append(log, node, 1_000_000)
    before = len(retained(full, node))
    with pytest.raises(UpdateTooLarge) as refused:
        append(log, node, MEMORY)
    assert (refused.value.status, "smaller parts" in refused.value.detail) == (413, True)
    delivery.publish(log, node, numbers()[0], bytes(MEMORY))
    assert outbox_worker.drain_if_leader(log)
    assert retained(full, node)[-1] == 29
    assert full.client.xrevrange(StreamKeys.of("tiled", node).log, count=1)[0][1][b"lost"] == b"1"
    assert len(retained(full, node)) == before + 1
