"""Published entries that are kept for a while, and published again when Redis has lost them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest
from django.conf import LazySettings

from streaming.models import Retained, Waiting
from streaming.redis.clients import writer_client
from streaming.redis.keys import StreamKeys
from streaming.writing import delivery, outbox_removal, outbox_worker, retained
from streaming.writing.failover import FailoverWatch
from streaming.writing.log import StreamLog
from streaming.writing.updates import MAX_INLINE_BYTES
from tools.backends.valkey_server import Cache, own_cache

from ..conftest import numbers
from .test_outbox import drained, streamed, write

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def redis_server(settings: LazySettings) -> Iterator[Cache]:
    """A Valkey whose failovers may lose the writes of the last ten seconds."""
    with own_cache() as cache:
        section = settings.TILED.streaming_cache
        changes = {"uri": cache.uri, "prefix": "tiled", "replication_seconds": 10.0, "timeout": 2.0}
        section = section.model_copy(update=changes)
        settings.TILED = settings.TILED.model_copy(update={"streaming_cache": section})
        yield cache


@pytest.fixture
def log(redis_server: Cache, settings: LazySettings) -> StreamLog:
    section = settings.TILED.streaming_cache
    log = StreamLog(writer_client(section), section)
    log.memory_id()  # as the outbox worker does
    return log


def remembered(cache: Cache, node: uuid.UUID) -> Callable[[], None]:
    """Return a function that gives the stream the state that it has now, as a replica may have."""
    keys = StreamKeys.of("tiled", node)
    copies = {name: cache.client.dump(name) for name in (keys.meta, keys.log)}

    def restore() -> None:
        for name, copy in copies.items():
            cache.client.delete(name)
            if copy is not None:
                cache.client.restore(name, 0, copy)

    return restore


def test_a_write_behind_lost_ones_waits_until_they_are_streamed_again(
    log: StreamLog, redis_server: Cache, node: uuid.UUID
) -> None:
    write(log, node, 1, 2)
    lose = remembered(redis_server, node)
    write(log, node, 3)
    delivery.publish(log, node, numbers()[0], bytes(2 * MAX_INLINE_BYTES))
    lose()
    write(log, node, 5)
    assert streamed(redis_server, node) == [1, 2]
    drained(log)
    # Of a large update in flight, the outbox knows only that it existed.
    assert streamed(redis_server, node) == [1, 2, 3, "lost 1", 5]
    write(log, node, 6)
    assert streamed(redis_server, node)[-1] == 6
    assert not Waiting.objects.exists()


def test_lost_writes_without_a_later_one_are_found_when_another_primary_is_seen(
    log: StreamLog, redis_server: Cache, node: uuid.UUID
) -> None:
    other, watch = uuid.uuid4(), FailoverWatch()
    watch.check(log)
    lose = remembered(redis_server, node), remembered(redis_server, other)
    write(log, node, 1, 2)
    write(log, other, 1)
    for one in lose:
        one()
    watch.check(log)
    assert not Waiting.objects.exists(), "the primary is the same"
    FailoverWatch().check(log)
    drained(log)
    assert [streamed(redis_server, one) for one in (node, other)] == [[1, 2], [1]]


def test_after_redis_was_emptied_nothing_of_before_is_sent_twice(
    log: StreamLog, redis_server: Cache, node: uuid.UUID
) -> None:
    write(log, node, 1, 2)
    redis_server.client.flushall()
    FailoverWatch().check(log)
    write(log, node, 3)
    drained(log)
    assert streamed(redis_server, node) == [3]


def test_entries_are_kept_as_long_as_a_replica_may_lack_them(
    log: StreamLog, redis_server: Cache, node: uuid.UUID
) -> None:
    write(log, node, 1, 2)
    watch = FailoverWatch()
    watch.check(log)
    watch.check(log)
    assert Retained.objects.count() == 2
    redis_server.hang()
    retained.expire([node], 0)
    write(log, node, 3)
    redis_server.go_on()
    drained(log)
    assert [row.token for row in Retained.objects.all()] == [log.last_token(node)]
    retained.forget([node])
    assert outbox_removal.last_published(node) is None
    assert outbox_worker.drain_if_leader(log)


def test_nothing_is_kept_without_replicas(
    log: StreamLog, settings: LazySettings, node: uuid.UUID
) -> None:
    section = settings.TILED.streaming_cache.model_copy(update={"replication_seconds": None})
    settings.TILED = settings.TILED.model_copy(update={"streaming_cache": section})
    write(log, node, 1, 2)
    assert not Retained.objects.exists()
