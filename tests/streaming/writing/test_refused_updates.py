"""An update that Redis refuses, because it does not know the entry before it, is streamed later."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
import redis
from django.db import transaction

from streaming.config import StreamingCacheSettings
from streaming.redis.keys import StreamKeys, memory_key
from streaming.writing import batch_delivery, delivery, outbox_recording, outbox_worker
from streaming.writing.log import StreamLog

from ..conftest import numbers

pytestmark = pytest.mark.django_db(transaction=True)

LARGE = range(outbox_recording.MAX_IN_FLIGHT_BYTES // 8 + 1)


def write_one(log: StreamLog, node: uuid.UUID, *values: int) -> None:
    """Store and publish an update."""
    delivery.publish(log, node, *numbers(*values))


def write_batch(log: StreamLog, node: uuid.UUID, *values: int) -> None:
    """Store and publish a batch of one update."""
    with transaction.atomic():
        batch = batch_delivery.record_batch(node, [numbers(*values)])
    batch_delivery.publish_batch(log, batch)


@pytest.mark.parametrize("write", [write_one, write_batch])
def test_a_write_after_redis_was_emptied_is_streamed_before_its_process_knows_of_that(
    log: StreamLog,
    cache: StreamingCacheSettings,
    client: redis.Redis,
    node: uuid.UUID,
    write: Callable[..., None],
) -> None:
    log.memory_id()
    delivery.record(node, *numbers(1))  # the database was away when its writer was to defer it
    client.delete(memory_key(cache.prefix))
    write(log, node, 2)
    outbox_worker.drain(log)
    assert kinds(client, cache, node) == [b"lost", b"frame"]


@pytest.mark.parametrize("write", [write_one, write_batch])
def test_a_large_write_behind_one_that_was_left_behind_keeps_its_content(
    log: StreamLog,
    cache: StreamingCacheSettings,
    client: redis.Redis,
    node: uuid.UUID,
    write: Callable[..., None],
) -> None:
    delivery.record(node, *numbers(1))  # its writer was killed
    write(log, node, *LARGE)
    outbox_worker.drain(log)
    assert kinds(client, cache, node) == [b"frame", b"head"]


def kinds(client: redis.Redis, cache: StreamingCacheSettings, node: uuid.UUID) -> list[bytes]:
    """Return how each update of the stream is kept: `lost` if it is a gap."""
    entries: Any = client.xrange(StreamKeys.of(cache.prefix, node).log)
    return [next(one for one in fields if one not in {b"time", b"size"}) for _, fields in entries]
