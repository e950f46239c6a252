"""Appending many updates in one step: numbers, repetition, and what the outbox relies on."""

from __future__ import annotations

import uuid

import msgpack
import pytest
import redis

from core.errors import NotFound
from streaming.config import StreamingCacheSettings
from streaming.redis.clients import writer_client
from streaming.redis.keys import StreamKeys
from streaming.status import stream_status
from streaming.writing.log import OutboxPosition, StreamLog
from streaming.writing.scripts import OrderConflict
from streaming.writing.updates import MAX_INLINE_BYTES, EncodedUpdate, UpdateBatch, encode

from ..conftest import numbers

PRODUCER = "producer-1"


def updates(*values: int) -> list[EncodedUpdate]:
    return [encode(*numbers(value)) for value in values]


def unstored(first: int, count: int, producer: str = PRODUCER) -> UpdateBatch:
    """Return updates that carry their sequence of the producer."""
    marks = range(first, first + count)
    return UpdateBatch(updates(*marks), list(marks), producer)


def stored(*tokens: str, after: str | None = None) -> UpdateBatch:
    return UpdateBatch(updates(*range(len(tokens))), list(tokens), after=after)


def values_of(client: redis.Redis, cache: StreamingCacheSettings, node: uuid.UUID) -> list[int]:
    found = client.xrange(StreamKeys.of(cache.prefix, node).log)
    messages = [msgpack.unpackb(fields[b"frame"]) for _, fields in found]
    assert [one["sequence"] for one in messages] == list(range(1, len(messages) + 1))
    return [int.from_bytes(one["payload"], "little") for one in messages]


def test_updates_are_numbered_one_after_another_behind_single_ones(
    log: StreamLog, client: redis.Redis, cache: StreamingCacheSettings, node: uuid.UUID
) -> None:
    first = log.append(node, *numbers(0))
    last = log.put_many(node, unstored(1, 3))
    assert (last.epoch, last.position.sequence) == (first.epoch, 4)
    assert log.append(node, *numbers(4)).position.sequence == 5
    assert values_of(client, cache, node) == [0, 1, 2, 3, 4]


def test_updates_of_a_producer_that_are_there_are_skipped(
    log: StreamLog, client: redis.Redis, cache: StreamingCacheSettings, node: uuid.UUID
) -> None:
    log.put_many(node, unstored(1, 3))
    assert log.put_many(node, unstored(1, 3)).position.sequence == 3
    assert log.put_many(node, unstored(2, 4)).position.sequence == 5
    assert log.put_many(node, unstored(1, 1, "producer-2")).position.sequence == 6
    assert values_of(client, cache, node) == [1, 2, 3, 4, 5, 1]


def test_a_stream_forgets_the_producer_that_is_known_the_longest(
    log: StreamLog, client: redis.Redis, cache: StreamingCacheSettings, node: uuid.UUID
) -> None:
    for number in range(65):
        log.put_many(node, unstored(1, 1, f"producer-{number}"))
    fields = client.hkeys(StreamKeys.of(cache.prefix, node).meta)
    known = {field.decode() for field in fields if field.startswith(b"by:")}
    assert known == {f"by:producer-{number}" for number in range(1, 65)}


def test_persisted_updates_are_appended_once_and_behind_the_write_before_them(
    log: StreamLog, client: redis.Redis, cache: StreamingCacheSettings, node: uuid.UUID
) -> None:
    log.put_many(node, stored("token-a", "token-b"))
    # A script whose reply was lost, and that is sent again.
    assert log.put_many(node, stored("token-a", "token-b")).position.sequence == 2
    with pytest.raises(OrderConflict):
        log.put_many(node, stored("token-d", after="token-c"))
    log.put_many(node, stored("token-c", after="token-b"))
    assert log.last_token(node) == "token-c"
    assert values_of(client, cache, node) == [0, 1, 0]


def test_a_batch_that_arrives_after_the_outbox_has_published_it_is_not_appended(
    log: StreamLog, client: redis.Redis, cache: StreamingCacheSettings, node: uuid.UUID
) -> None:
    log.put(node, *updates(0), "token-a", OutboxPosition("", "token-a"))
    log.put(node, *updates(1), "token-b", OutboxPosition("token-a", "token-b"))
    log.put(node, *updates(2), "token-z")
    log.put_many(node, stored("token-a", "token-b"))
    assert values_of(client, cache, node) == [0, 1, 2]


def test_large_payloads_get_keys_of_their_own(
    log: StreamLog, client: redis.Redis, cache: StreamingCacheSettings, node: uuid.UUID
) -> None:
    large = encode(numbers()[0], b"x" * (MAX_INLINE_BYTES + 1))
    batch = UpdateBatch([large, *updates(7), large], [1, 2, 3], PRODUCER)
    log.put_many(node, batch)
    log.put_many(node, UpdateBatch([large, large], [3, 4], PRODUCER))
    keys = StreamKeys.of(cache.prefix, node)
    found = sorted(client.scan_iter(f"{keys.payload}*"))
    assert [name.rpartition(b":")[2] for name in found] == [b"1", b"3", b"4"]
    assert {client.strlen(name) for name in found} == {MAX_INLINE_BYTES + 1}


def test_the_oldest_updates_give_way_to_a_batch(
    cache: StreamingCacheSettings, node: uuid.UUID
) -> None:
    small = cache.model_copy(update={"stream_bytes": 1 << 20})
    log = StreamLog(writer_client(small), small)
    piece = encode(numbers()[0], bytes(60_000))
    for first in range(1, 100, 10):
        log.put_many(node, UpdateBatch([piece] * 10, list(range(first, first + 10)), PRODUCER))
    status = stream_status(node)
    assert status is not None
    client = writer_client(small)
    kept = client.xlen(StreamKeys.of(small.prefix, node).log)
    assert 10 <= kept <= (1 << 20) // 60_000 + 1


def test_the_stream_of_a_deleted_node_takes_nothing(log: StreamLog, node: uuid.UUID) -> None:
    log.put_many(node, unstored(1, 1))
    log.drop([node])
    with pytest.raises(NotFound):
        log.put_many(node, unstored(2, 1))
