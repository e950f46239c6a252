"""Writing to a stream: numbers, retention and limits."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import msgpack
import pytest
import redis

from core.errors import NotFound, Unavailable
from streaming.config import StreamingCacheSettings
from streaming.protocol.cursor import Position
from streaming.redis.clients import writer_client
from streaming.redis.embedded_valkey import EmbeddedValkey
from streaming.redis.keys import StreamKeys
from streaming.status import stream_status
from streaming.writing.log import StreamLog
from streaming.writing.updates import MAX_INLINE_BYTES

from ..conftest import numbers


def with_settings(cache: StreamingCacheSettings, **changes: int) -> StreamLog:
    changed = cache.model_copy(update=changes)
    return StreamLog(writer_client(changed), changed)


def entries(client: redis.Redis, keys: StreamKeys) -> list[tuple[bytes, dict[bytes, bytes]]]:
    return list(client.xrange(keys.log))


@pytest.fixture
def keys(cache: StreamingCacheSettings, node: uuid.UUID) -> StreamKeys:
    return StreamKeys.of(cache.prefix, node)


def test_an_entry_holds_the_ready_message(
    log: StreamLog, client: redis.Redis, node: uuid.UUID, keys: StreamKeys
) -> None:
    epoch, position = log.append(node, *numbers(1, 2))
    assert position == Position(1)
    [(name, fields)] = entries(client, keys)
    message = msgpack.unpackb(fields[b"frame"])
    assert name == b"1-0"
    assert list(message) == [
        "type", "sequence", "epoch", "timestamp", "mimetype", "shape", "offset", "block", "payload"
    ]  # fmt: skip
    assert (message["sequence"], message["epoch"]) == (1, epoch)
    assert message["timestamp"].endswith("Z")
    assert message["payload"] == numbers(1, 2)[1]


def test_concurrent_writers_take_each_number_once_and_in_the_order_of_the_log(
    log: StreamLog, client: redis.Redis, node: uuid.UUID, keys: StreamKeys
) -> None:
    with ThreadPoolExecutor(16) as writers:
        tips = list(writers.map(lambda n: log.append(node, *numbers(n)), range(400)))
    assert sorted(tip.position.sequence for tip in tips) == list(range(1, 401))
    assert len({tip.epoch for tip in tips}) == 1
    stored = [msgpack.unpackb(fields[b"frame"])["sequence"] for _, fields in entries(client, keys)]
    assert stored == list(range(1, 401))


def test_every_key_expires_and_a_close_shortens_the_counter_until_the_next_write(
    log: StreamLog, cache: StreamingCacheSettings, client: redis.Redis, node: uuid.UUID
) -> None:
    keys = StreamKeys.of(cache.prefix, node)
    log.append(node, numbers()[0], b"x" * (MAX_INLINE_BYTES + 1))
    lifetimes = {
        name: client.ttl(name) for name in client.scan_iter(f"{keys.meta.removesuffix(':meta')}*")
    }
    assert len(lifetimes) == 3
    assert all(0 < seconds <= cache.seq_ttl for seconds in lifetimes.values())
    assert client.ttl(keys.meta) > cache.data_ttl
    assert 0 < client.ttl(keys.log) <= cache.data_ttl
    log.close(node)
    assert 0 < client.ttl(keys.meta) <= cache.data_ttl
    assert log.append(node, *numbers(1)).position == Position(2)
    assert client.ttl(keys.meta) > cache.data_ttl


def test_an_end_takes_no_number_and_a_second_one_replaces_it(
    log: StreamLog, client: redis.Redis, node: uuid.UUID, keys: StreamKeys
) -> None:
    log.close(node)
    log.append(node, *numbers(1))
    log.close(node)
    log.close(node)
    log.append(node, *numbers(2))
    assert [name for name, _ in entries(client, keys)] == [b"0-1", b"1-0", b"1-2", b"2-0"]


def test_updates_older_than_data_ttl_are_evicted_by_the_next_writes(
    cache: StreamingCacheSettings, client: redis.Redis, node: uuid.UUID, keys: StreamKeys
) -> None:
    log = with_settings(cache, data_ttl=2)
    for n in range(3):
        log.append(node, *numbers(n))
    time.sleep(1.5)  # expiry is a matter of time only
    log.append(node, *numbers(3))
    time.sleep(0.6)
    log.append(node, *numbers(4))
    assert [name for name, _ in entries(client, keys)] == [b"4-0", b"5-0"]
    assert stream_status(node).oldest_sequence == 4


def test_a_stream_over_its_limit_evicts_the_oldest_payloads_too(
    cache: StreamingCacheSettings, client: redis.Redis, node: uuid.UUID, keys: StreamKeys
) -> None:
    log = with_settings(cache, stream_bytes=1 << 20)
    for _ in range(8):
        log.append(node, numbers()[0], b"x" * 300_000)
    assert [name for name, _ in entries(client, keys)] == [b"6-0", b"7-0", b"8-0"]
    assert len(list(client.scan_iter(f"{keys.payload}*"))) == 3


def test_evicted_and_expired_updates_are_distinguished(
    cache: StreamingCacheSettings, client: redis.Redis, node: uuid.UUID, keys: StreamKeys
) -> None:
    log = with_settings(cache, stream_bytes=1 << 20, data_ttl=2)

    def kept() -> tuple[int, int]:
        first, evicted_to = client.hmget(keys.meta, "first", "evicted_to")
        return int(first or 0), int(evicted_to or 0)

    for _ in range(5):
        log.append(node, numbers()[0], b"x" * 300_000)
    assert kept() == (3, 2)
    time.sleep(2.1)  # expiry is a matter of time only
    log.append(node, *numbers(6))
    assert kept() == (6, 2)
    client.delete(keys.log)
    log.close(node)
    assert kept() == (7, 6)
    assert log.append(node, *numbers(7)).position == Position(7)
    assert kept() == (7, 6)


def test_one_update_larger_than_the_limit_is_retained(
    cache: StreamingCacheSettings, client: redis.Redis, node: uuid.UUID, keys: StreamKeys
) -> None:
    log = with_settings(cache, stream_bytes=1 << 20)
    log.append(node, *numbers(1))
    log.append(node, numbers()[0], b"x" * (2 << 20))
    assert [name for name, _ in entries(client, keys)] == [b"2-0"]


def test_a_lost_counter_begins_a_new_epoch_and_removes_the_old_log(
    log: StreamLog, client: redis.Redis, node: uuid.UUID, keys: StreamKeys
) -> None:
    first = log.append(node, *numbers(1))
    log.append(node, *numbers(2))
    client.delete(keys.meta)
    second = log.append(node, *numbers(3))
    assert second.position == Position(1)
    assert second.epoch != first.epoch
    assert [name for name, _ in entries(client, keys)] == [b"1-0"]


def test_the_stream_of_a_deleted_node_is_gone_and_accepts_nothing_more(
    log: StreamLog, client: redis.Redis, node: uuid.UUID, keys: StreamKeys
) -> None:
    for size in (1, MAX_INLINE_BYTES + 1):
        log.append(node, numbers()[0], b"x" * size)
    log.drop([node])
    assert list(client.scan_iter(f"{keys.meta.removesuffix(':meta')}*")) == [keys.meta.encode()]
    with pytest.raises(NotFound):
        log.append(node, *numbers(1))
    log.drop([node])


def test_scripts_are_loaded_again_after_redis_lost_them(
    own_valkey: tuple[EmbeddedValkey, StreamingCacheSettings], node: uuid.UUID
) -> None:
    _, settings = own_valkey
    log = StreamLog(writer_client(settings), settings)
    for size in (1, MAX_INLINE_BYTES + 1):
        log.append(node, numbers()[0], b"x" * size)
        writer_client(settings).script_flush()
    assert log.append(node, numbers()[0], b"x" * size).position == Position(3)


def test_without_redis_a_write_is_unavailable(
    own_valkey: tuple[EmbeddedValkey, StreamingCacheSettings], node: uuid.UUID
) -> None:
    server, settings = own_valkey
    log = StreamLog(writer_client(settings), settings)
    log.append(node, *numbers(1))
    server.stop()
    for action in (lambda: log.append(node, *numbers(2)), lambda: log.close(node)):
        with pytest.raises(Unavailable) as refused:
            action()
        assert refused.value.headers["Retry-After"]


def test_the_oldest_payloads_are_evicted_first_when_redis_is_full(
    own_valkey: tuple[EmbeddedValkey, StreamingCacheSettings], node: uuid.UUID
) -> None:
    _, settings = own_valkey
    log, client = StreamLog(writer_client(settings), settings), writer_client(settings)
    for n in range(150):
        assert log.append(node, numbers()[0], b"x" * 1_000_000).position == Position(n + 1)
    kept = [
        int(name.rsplit(b":", 1)[1])
        for name in client.scan_iter(f"{StreamKeys.of(settings.prefix, node).payload}*")
    ]
    assert len(kept) < 70
    assert 150 in kept
    assert sum(kept) / len(kept) > 75
