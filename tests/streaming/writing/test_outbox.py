"""The outbox during an outage of Redis: updates are streamed in order, each once."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime
from typing import Any

import msgpack
import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog.locks.node_locks import try_site_lock
from catalog.models import Node
from core.errors import Unavailable
from streaming.config import StreamingCacheSettings
from streaming.models import EntryKind, Waiting
from streaming.redis.clients import writer_client
from streaming.redis.keys import StreamKeys
from streaming.writing import (
    delivery,
    outbox,
    outbox_limit,
    outbox_recording,
    outbox_removal,
    outbox_worker,
)
from streaming.writing.log import StreamLog
from streaming.writing.updates import MAX_INLINE_BYTES, encode
from tools.backends.valkey_server import Cache, own_cache

from ..conftest import numbers

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def redis_server() -> Iterator[Cache]:
    """A Valkey that this test may stop and let hang."""
    with own_cache() as cache:
        yield cache


@pytest.fixture
def log(redis_server: Cache) -> StreamLog:
    """Return the streams in it."""
    settings = StreamingCacheSettings(uri=redis_server.uri, timeout=0.3)
    return StreamLog(writer_client(settings), settings)


def write(log: StreamLog, node: uuid.UUID, *values: int) -> None:
    for value in values:
        delivery.publish(log, node, *numbers(value))


def drained(log: StreamLog) -> None:
    """Drain, as the background thread does, until nothing waits."""
    deadline = time.monotonic() + 10
    while not outbox_worker.drain_if_leader(log):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def streamed(cache: Cache, node: uuid.UUID) -> list[object]:
    """The entries of the stream: a number that was written, `lost n`, or `end`."""
    keys = StreamKeys.of("tiled", node)
    return [_said(cache, keys, name, fields) for name, fields in cache.client.xrange(keys.log)]


def _said(cache: Cache, keys: StreamKeys, name: bytes, fields: dict[bytes, bytes]) -> object:
    if b"lost" in fields:
        return f"lost {int(fields[b'lost'])}"
    if b"frame" in fields:
        return int.from_bytes(msgpack.unpackb(fields[b"frame"])["payload"][:8], "little")
    if b"head" in fields:
        epoch = cache.client.hget(keys.meta, "epoch").decode()
        sequence = name.decode().partition("-")[0]
        message = fields[b"head"] + cache.client.get(f"{keys.payload}{epoch}:{sequence}")
        return int.from_bytes(msgpack.unpackb(message)["payload"][:8], "little")
    return "end"


def test_writes_during_an_outage_of_redis_are_streamed_in_order_after_it(
    log: StreamLog, redis_server: Cache, node: uuid.UUID
) -> None:
    write(log, node, 1, 2)
    redis_server.stop()
    write(log, node, 3, 4)
    assert outbox.backlog(node).count == 2
    redis_server.start()
    write(log, node, 5)
    assert outbox.backlog(node).count == 3, "behind what waits, although Redis answers"
    assert streamed(redis_server, node) == []
    drained(log)
    write(log, node, 6)
    assert streamed(redis_server, node) == [3, 4, 5, 6]


def test_a_large_payload_and_its_timestamp_survive_the_outbox(
    log: StreamLog, redis_server: Cache, node: uuid.UUID
) -> None:
    redis_server.stop()
    delivery.publish(log, node, numbers()[0], (7).to_bytes(8, "little") * (MAX_INLINE_BYTES // 4))
    written = datetime.now(UTC)
    redis_server.start()
    drained(log)
    assert streamed(redis_server, node) == [7]
    [(_, fields)] = redis_server.client.xrange(StreamKeys.of("tiled", node).log)
    assert datetime.fromisoformat(_message(fields[b"head"])["timestamp"]) < written


def _message(head: bytes) -> dict[str, Any]:
    """An update whose payload is elsewhere."""
    unpacker = msgpack.Unpacker()
    unpacker.feed(head)
    return {unpacker.unpack(): unpacker.unpack() for _ in range(unpacker.read_map_header() - 1)}


@pytest.mark.parametrize("later", [[], [3, 4, 5]])
def test_a_write_that_redis_executes_after_its_timeout_is_streamed_once(
    log: StreamLog, redis_server: Cache, node: uuid.UUID, later: list[int]
) -> None:
    write(log, node, 1)
    redis_server.hang()
    write(log, node, 2)
    assert outbox_worker.drain_if_leader(log) is False, "it hangs for the worker, too"
    write(log, node, *later)
    redis_server.go_on()
    drained(log)
    write(log, node, 6)
    assert streamed(redis_server, node) == [1, 2, *later, 6]


def test_a_write_that_arrives_after_it_was_drained_changes_nothing(
    log: StreamLog, redis_server: Cache, node: uuid.UUID
) -> None:
    first = encode(*numbers(1))
    outbox.add_update(node, first, tried="0123456789abcdef")
    drained(log)
    write(log, node, 2)
    log.put(node, first, "0123456789abcdef")
    assert streamed(redis_server, node) == [1, 2]


def test_a_process_that_dies_between_publishing_and_removing_publishes_nothing_twice(
    log: StreamLog, redis_server: Cache, node: uuid.UUID
) -> None:
    for n in range(5):
        outbox.add_update(node, encode(*numbers(n)))
    rows = list(Waiting.objects.order_by("id"))
    after = ""
    for row in rows[:3]:
        outbox_worker._publish(log, row, after)
        after = row.token
    drained(log)
    assert streamed(redis_server, node) == [0, 1, 2, 3, 4]


def test_a_process_that_dies_after_many_published_writes_publishes_nothing_twice(
    log: StreamLog, redis_server: Cache, node: uuid.UUID
) -> None:
    values = range(2 * outbox.MAX_BATCH_ENTRIES + 3)
    for n in values:  # and is killed before it removes any of their entries
        entry = outbox_recording.record(node, encode(*numbers(n)))
        log.put(node, encode(*numbers(n)), entry.token)
    assert outbox.defer_all([node]) == len(values)
    write(log, node, len(values))
    drained(log)
    assert streamed(redis_server, node) == [*values, len(values)]
    assert not Waiting.objects.exists()


def test_entries_in_flight_are_found_without_reading_the_payloads_of_waiting_ones() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("of few rows PostgreSQL looks at all")
    with CaptureQueriesContext(connection) as queries:
        outbox.in_flight()
        outbox.deletions_in_flight()
    with connection.cursor() as cursor:
        for query in queries.captured_queries:
            cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
            assert "USING INDEX waiting_for_cache" in str(cursor.fetchall())


def test_an_entry_is_not_removed_for_an_earlier_one_with_its_id(
    log: StreamLog, node: uuid.UUID
) -> None:
    older, lost = (outbox_recording.record(node, encode(*numbers(n))) for n in (1, 2))
    # PostgreSQL crashed, and gave the number again.
    Waiting.objects.filter(pk=lost.pk).update(token="of another write")
    outbox.defer(lost.pk, lost.token, encode(*numbers(2)), tried=True)
    outbox.remove({lost.pk: lost.token})
    outbox.remove_up_to(node, lost.pk, lost.token)
    assert [row.token for row in Waiting.objects.order_by("pk")] == [
        older.token,
        "of another write",
    ]
    assert all(row.in_flight for row in Waiting.objects.all())
    remover = outbox_removal.OutboxRemover()
    remover.add(lost, older=False)
    assert remover.has(lost.pk, lost.token)
    assert not remover.has(lost.pk, "of another write")


def test_an_end_goes_behind_waiting_entries_and_fails_if_there_are_none(
    log: StreamLog, redis_server: Cache, node: uuid.UUID
) -> None:
    redis_server.stop()
    with pytest.raises(Unavailable):
        delivery.publish_end(log, node)
    write(log, node, 1)
    delivery.publish_end(log, node)
    write(log, node, 2)
    redis_server.start()
    drained(log)
    assert streamed(redis_server, node) == [1, "end", 2]


def test_a_repeated_end_is_marked_once_while_it_waits_and_after(
    log: StreamLog, redis_server: Cache, node: uuid.UUID
) -> None:
    redis_server.stop()
    write(log, node, 1)
    for _ in range(2):
        delivery.publish_end(log, node, token="0123456789abcdef")
    write(log, node, 2)
    redis_server.start()
    drained(log)
    delivery.publish_end(log, node, token="0123456789abcdef")
    write(log, node, 3)
    assert streamed(redis_server, node) == [1, "end", 2, 3]


def test_the_stream_of_a_node_deleted_during_an_outage_is_removed(
    log: StreamLog, redis_server: Cache, node: uuid.UUID
) -> None:
    write(log, node, 1)
    redis_server.hang()
    write(log, node, 2, 3)
    delivery.publish_deletions(log, [node])
    assert [row.kind for row in Waiting.objects.all()] == [EntryKind.DROP]
    redis_server.go_on()
    drained(log)
    assert redis_server.client.hgetall(StreamKeys.of("tiled", node).meta) == {b"gone": b"1"}
    assert streamed(redis_server, node) == []


def test_a_deletion_overtakes_all_waiting_entries(
    log: StreamLog, redis_server: Cache, node: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis_server.stop()
    others = [uuid.uuid4() for _ in range(3)]
    for other in others:
        write(log, other, 1)
    write(log, node, 1)
    delivery.publish_deletions(log, [node])
    write(log, others[0], 2)
    redis_server.start()
    gone: list[int] = []
    put = StreamLog.put

    def look_and_put(self: StreamLog, *args: Any) -> Any:
        gone.append(redis_server.client.exists(StreamKeys.of("tiled", node).meta))
        return put(self, *args)

    monkeypatch.setattr(StreamLog, "put", look_and_put)
    drained(log)
    assert gone == [1, 1, 1, 1]


def test_a_deletion_does_not_wait_for_the_entries_of_its_node(
    log: StreamLog, redis_server: Cache, node: uuid.UUID
) -> None:
    redis_server.stop()
    write(log, node, 1)
    redis_server.start()
    # One that does not know of the outage, as another process may not.
    delivery.publish_deletions(StreamLog(log._client, log._settings), [node])
    assert redis_server.client.hgetall(StreamKeys.of("tiled", node).meta) == {b"gone": b"1"}
    assert not Waiting.objects.exists()


def test_the_oldest_updates_become_gaps_beyond_the_limit(
    log: StreamLog, redis_server: Cache, node: uuid.UUID
) -> None:
    other = uuid.uuid4()
    redis_server.stop()
    for n in range(10):
        delivery.publish(log, node, numbers()[0], n.to_bytes(8, "little") * 12_500)
    write(log, other, 1)
    assert outbox_limit.trim(650_000) == 4
    assert outbox_limit.trim(650_000) == 0
    assert outbox_limit.trim(450_000) == 2
    assert Waiting.objects.count() == 6
    redis_server.start()
    drained(log)
    assert streamed(redis_server, node) == ["lost 6", 6, 7, 8, 9]
    assert streamed(redis_server, other) == [1]
    assert redis_server.client.hget(StreamKeys.of("tiled", node).meta, "seq") == b"10"


def test_a_redis_that_hangs_delays_one_request_and_not_each(
    log: StreamLog, redis_server: Cache
) -> None:
    redis_server.hang()
    began = time.monotonic()
    for _ in range(20):
        write(log, uuid.uuid4(), 1)
    assert time.monotonic() - began < 20 * 0.3 / 2
    redis_server.go_on()
    drained(log)
    assert outbox.backlog().count == 0


def test_an_update_at_which_redis_hangs_each_time_does_not_block_the_outbox_for_ever(
    log: StreamLog, redis_server: Cache, node: uuid.UUID
) -> None:
    outbox.add_update(node, encode(numbers()[0], bytes(8_000_000)))
    write(log, node, 2)
    # Nothing so large gets through in time: the connection is closed instead.
    redis_server.client.config_set("proto-max-bulk-len", 1 << 20)
    drained(log)
    assert streamed(redis_server, node) == ["lost 1", 2]


def test_waiting_entries_are_listed_in_the_admin(admin_client: Client) -> None:
    node = Node.objects.create(key="x", path="x", structure_family="array")
    outbox.add_update(node.uuid, encode(*numbers(1)))
    outbox.add_deletions([uuid.uuid4()])
    page = admin_client.get("/admin/streaming/waiting/").content.decode()
    assert [text in page for text in ("/x", "Update", "deleted", "end of the node")] == [True] * 4
    assert admin_client.get("/admin/streaming/waiting/add/").status_code == 403


def test_one_process_at_a_time_drains(log: StreamLog, redis_server: Cache, node: uuid.UUID) -> None:
    outbox.add_update(node, encode(*numbers(1)))

    def look() -> bool:
        try:
            return outbox_worker.drain_if_leader(log)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other:
        with try_site_lock(outbox_worker.LOCK) as mine:
            assert mine
            assert not other.submit(look).result()
            assert streamed(redis_server, node) == []
        assert other.submit(look).result()
    assert streamed(redis_server, node) == [1]


def test_removing_entries_of_many_nodes_does_not_wait_for_other_transactions() -> None:
    """On PostgreSQL the two would deadlock, and one would fail."""
    child, parent = uuid.uuid4(), uuid.uuid4()
    first, second = (outbox_recording.record(node, encode(*numbers(1))) for node in (child, parent))

    def forget() -> None:
        try:
            outbox.remove({entry.pk: entry.token for entry in (first, second)})
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            kept = outbox_recording.record(parent, encode(*numbers(2)), "", second)
            forgotten = threads.submit(forget)
            wait([forgotten], timeout=0.5)
            outbox.record_deletions([child])
        forgotten.result()
    assert (kept.pk, kept.is_stored()) == (second.pk, True)
    assert [outbox.deletions_in_flight(), outbox.has_token(child, first.token)] == [[child], False]
