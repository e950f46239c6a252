"""Subscribers of a stream, against a real Redis: order, completeness, slow ones, outages."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import replace

import msgpack
import pytest
import redis

from core.errors import NotFound, Unavailable
from streaming.config import StreamingCacheSettings
from streaming.protocol.subscription_options import SubscriptionOptions
from streaming.reading.log_reader import MAX_BATCH_BYTES
from streaming.reading.reader import StreamReader
from streaming.reading.subscriber import Subscriber
from streaming.redis.clients import writer_client
from streaming.redis.embedded_valkey import EmbeddedValkey
from streaming.redis.keys import StreamKeys
from streaming.status import StreamStatus, stream_status
from streaming.writing.log import StreamLog
from streaming.writing.updates import MAX_INLINE_BYTES

from ..conftest import numbers, received, received_until_end, taken

ENDED = "Producer ended stream"
OwnValkey = tuple[EmbeddedValkey, StreamingCacheSettings]


def write(log: StreamLog, node: uuid.UUID, count: int, size: int = 8) -> None:
    for _ in range(count):
        log.append(node, numbers()[0], b"x" * size)


async def test_all_subscribers_get_each_update_once_in_order_whenever_they_join(
    log: StreamLog, reader: StreamReader, node: uuid.UUID
) -> None:
    everyone_came = asyncio.Semaphore(0)

    async def watch(start: int | None, after: int) -> None:
        """Join after `after` updates were written; without `start` this is in the middle."""
        await received(await reader.subscribe(node, SubscriptionOptions(start=0)), after)
        subscriber = await reader.subscribe(node, SubscriptionOptions(start=start))
        everyone_came.release()
        first = subscriber.cursor.position.sequence + 1
        assert await received_until_end(subscriber) == (list(range(first, 201)), ENDED)

    async with asyncio.TaskGroup() as tasks:
        watchers = [
            tasks.create_task(watch(start, after))
            for start in (None, 0, 20)
            for after in (0, 0, 1, 30, 90)
        ]
        await asyncio.gather(*[asyncio.to_thread(write, log, node, 50) for _ in range(4)])
        for _ in watchers:
            await everyone_came.acquire()
        await asyncio.to_thread(log.close, node)


async def test_a_frame_arrives_as_it_was_written_small_or_large(
    log: StreamLog, reader: StreamReader, node: uuid.UUID
) -> None:
    live = await reader.subscribe(node)
    for size in (0, MAX_INLINE_BYTES, MAX_INLINE_BYTES + 1, 3_000_000):
        await asyncio.to_thread(log.append, node, numbers()[0], b"x" * size)
        replayed = await reader.subscribe(
            node, SubscriptionOptions(start=live.cursor.position.sequence + 1)
        )
        [entry] = await taken(live, 1)
        assert msgpack.unpackb(entry.frame)["payload"] == b"x" * size
        assert [same.frame for same in await taken(replayed, 1)] == [entry.frame]


async def test_a_subscriber_behind_the_window_reads_the_log_and_catches_up(
    log: StreamLog, cache: StreamingCacheSettings, node: uuid.UUID
) -> None:
    reader = StreamReader(cache.model_copy(update={"window_bytes": 1 << 16}))
    slow, quick = await reader.subscribe(node), await reader.subscribe(node)
    writing = asyncio.create_task(asyncio.to_thread(write, log, node, 100, 8000))
    assert await received(quick, 100) == list(range(1, 101))
    assert slow.hub.window.size <= 1 << 16
    await writing
    assert await received(slow, 100) == list(range(1, 101))
    write(log, node, 1)
    assert await received(slow, 1) == await received(quick, 1) == [101]
    assert slow.hub.window.holds(slow.cursor)
    await reader.stop()


async def test_a_stream_whose_subscribers_have_seen_everything_holds_no_memory(
    log: StreamLog, reader: StreamReader, node: uuid.UUID
) -> None:
    subscriber = await reader.subscribe(node)
    write(log, node, 3, 8000)
    await received(subscriber, 3)
    waiting = asyncio.create_task(received(subscriber, 1))
    await asyncio.sleep(0)
    assert len(subscriber.hub.window) == 0
    write(log, node, 1)
    assert await waiting == [4]


async def test_a_short_update_comes_with_its_notification_and_the_log_is_not_read(
    log: StreamLog, client: redis.Redis, reader: StreamReader, node: uuid.UUID
) -> None:
    def read() -> int:
        return client.info("commandstats").get("cmdstat_exec", {}).get("calls", 0)

    # Of a numbering that has yet to begin nothing is known.
    write(log, node, 1)
    subscriber, before = await reader.subscribe(node), read()
    for number in range(2, 7):
        waiting = asyncio.create_task(received(subscriber, 1))
        await asyncio.sleep(0)
        await asyncio.to_thread(write, log, node, 1, 16_000)
        assert await waiting == [number]
    assert read() == before


async def test_updates_too_frequent_for_their_notifications_are_read_from_the_log(
    log: StreamLog, cache: StreamingCacheSettings, client: redis.Redis, node: uuid.UUID
) -> None:
    with client.pubsub(ignore_subscribe_messages=True) as heard:
        heard.subscribe(StreamKeys.of(cache.prefix, node).wake)
        heard.get_message(timeout=1)
        begun = time.monotonic()
        write(log, node, 400, 16_000)
        taken_ms = (time.monotonic() - begun) * 1000
        told = 0
        for _ in range(400):
            message = heard.get_message(timeout=1)
            assert message is not None
            told += len(message["data"])
    assert told < 262_144 + 16_384 * (taken_ms + 2) + 400 * 64


async def test_many_windows_stay_within_their_common_budget(
    log: StreamLog, cache: StreamingCacheSettings
) -> None:
    reader = StreamReader(cache.model_copy(update={"total_window_bytes": 1 << 20}))
    stalled = [await reader.subscribe(uuid.uuid4()) for _ in range(10)]
    for subscriber in stalled:
        await asyncio.to_thread(write, log, subscriber.hub.node, 5, 60_000)
        await subscriber.hub.catch_up()
    assert sum(subscriber.hub.window.size for subscriber in stalled) <= 1 << 20
    assert [await received(each, 5) for each in stalled] == [[1, 2, 3, 4, 5]] * 10
    await reader.stop()


async def test_an_old_end_does_not_stop_later_subscribers(
    log: StreamLog, reader: StreamReader, node: uuid.UUID
) -> None:
    write(log, node, 1)
    log.close(node)
    write(log, node, 1)
    late = await reader.subscribe(node, SubscriptionOptions(start=0))
    assert await received(late, 2) == [1, 2]
    log.close(node)
    assert await received_until_end(late) == ([], ENDED)
    # Nothing was written since: whoever asks for what there was gets it and the end.
    assert await received_until_end(await reader.subscribe(node, SubscriptionOptions(start=0))) == (
        [1, 2],
        ENDED,
    )
    assert await received_until_end(await reader.subscribe(node, SubscriptionOptions(start=3))) == (
        [],
        ENDED,
    )


async def test_a_subscriber_that_joins_after_the_end_without_a_start_waits_for_the_next(
    log: StreamLog, reader: StreamReader, node: uuid.UUID
) -> None:
    log.close(node)
    waiting = await reader.subscribe(node)
    write(log, node, 1)
    assert await received(waiting, 1) == [1]
    log.close(node)
    again = await reader.subscribe(node)
    log.close(node)
    assert await received_until_end(again) == ([], ENDED)


async def test_a_resume_after_a_restarted_numbering_begins_at_the_oldest(
    log: StreamLog, reader: StreamReader, node: uuid.UUID
) -> None:
    epoch = log.append(node, *numbers(1)).epoch
    write(log, node, 3)
    assert await received(
        await reader.subscribe(node, SubscriptionOptions(start=3, epoch=epoch)), 2
    ) == [3, 4]
    assert await received(
        await reader.subscribe(node, SubscriptionOptions(start=3, epoch="another")), 4
    ) == [
        1,
        2,
        3,
        4,
    ]
    assert await received(await reader.subscribe(node, SubscriptionOptions(start=100)), 4) == [
        1,
        2,
        3,
        4,
    ]


async def test_a_lost_payload_is_skipped(
    log: StreamLog, reader: StreamReader, cache: StreamingCacheSettings, node: uuid.UUID
) -> None:
    live = await reader.subscribe(node)
    write(log, node, 3, MAX_INLINE_BYTES + 1)
    client = writer_client(cache)
    client.delete(*client.scan_iter(f"{live.hub.keys.payload}*:2"))
    assert await received(await reader.subscribe(node, SubscriptionOptions(start=0)), 2) == [1, 3]


async def test_the_subscribers_of_a_deleted_node_are_notified(
    log: StreamLog, reader: StreamReader, node: uuid.UUID
) -> None:
    subscriber = await reader.subscribe(node)
    log.drop([node])
    assert await received_until_end(subscriber) == ([], "Node deleted")
    with pytest.raises(NotFound):
        await reader.subscribe(node)


async def test_the_number_of_subscribers_is_reported(reader: StreamReader, node: uuid.UUID) -> None:
    def wait_for(count: int) -> StreamStatus:
        deadline = time.monotonic() + 5
        while (status := stream_status(node)).subscribers != count:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return status

    subscribers = [await reader.subscribe(node) for _ in range(3)]
    assert (await asyncio.to_thread(wait_for, 3)).epoch is None
    for subscriber in subscribers:
        await reader.unsubscribe(subscriber)
    await asyncio.to_thread(wait_for, 0)


async def test_no_update_is_missed_when_the_pubsub_connection_is_lost(
    log: StreamLog, own_valkey: OwnValkey, node: uuid.UUID
) -> None:
    _, settings = own_valkey
    log, reader = StreamLog(writer_client(settings), settings), StreamReader(settings)
    subscriber = await reader.subscribe(node)
    for turn in range(3):
        writer_client(settings).client_kill_filter(_type="pubsub")
        write(log, node, 20)
        assert await received(subscriber, 20) == list(range(20 * turn + 1, 20 * turn + 21))
    await reader.stop()


async def test_all_subscribers_go_on_with_the_new_numbering_after_redis_was_emptied(
    own_valkey: OwnValkey, node: uuid.UUID
) -> None:
    _, settings = own_valkey
    log, reader = StreamLog(writer_client(settings), settings), StreamReader(settings)
    live, stalled = await reader.subscribe(node), await reader.subscribe(node)
    write(log, node, 5)
    assert await received(live, 5) == [1, 2, 3, 4, 5]
    writer_client(settings).flushall()
    write(log, node, 2)
    assert await received(live, 2) == [1, 2]
    assert await received(stalled, 2) == [1, 2]
    await reader.stop()


async def test_numbers_lost_in_a_failover_and_assigned_again_are_sent_again(
    own_valkey: OwnValkey, node: uuid.UUID
) -> None:
    _, settings = own_valkey
    log, reader = StreamLog(writer_client(settings), settings), StreamReader(settings)
    subscriber = await reader.subscribe(node)
    client, keys = writer_client(settings), subscriber.hub.keys
    write(log, node, 3)
    copied = {key: client.dump(key) for key in (keys.meta, keys.log)}
    write(log, node, 2)
    assert await received(subscriber, 5) == [1, 2, 3, 4, 5]
    for key, value in copied.items():
        client.restore(key, 0, value, replace=True)
    client.client_kill_filter(_type="pubsub")
    await subscriber.hub.catch_up()
    write(log, node, 3)
    # Nobody knows which of them were given anew.
    assert await received(subscriber, 6) == [1, 2, 3, 4, 5, 6]
    await reader.stop()


async def test_the_newest_updates_remain_after_redis_was_full(
    own_valkey: OwnValkey, node: uuid.UUID
) -> None:
    _, settings = own_valkey
    log, reader = StreamLog(writer_client(settings), settings), StreamReader(settings)
    write(log, node, 120, 1_000_000)
    log.close(node)
    got, why = await received_until_end(await reader.subscribe(node, SubscriptionOptions(start=0)))
    assert why == ENDED
    assert got == sorted(set(got))
    assert got[-1] == 120
    await reader.stop()


async def test_without_redis_a_subscription_is_rejected_and_others_end_after_the_tolerance(
    own_valkey: OwnValkey, node: uuid.UUID
) -> None:
    server, settings = own_valkey
    reader = StreamReader(settings.model_copy(update={"outage_tolerance": 0.5}))
    subscriber = await reader.subscribe(node)
    server.stop()
    with pytest.raises(Unavailable):
        await reader.subscribe(uuid.uuid4())
    assert await received_until_end(subscriber) == ([], "Live subscription lost")
    await reader.stop()


async def test_many_streams_need_few_connections(own_valkey: OwnValkey) -> None:
    _, settings = own_valkey
    log, reader = StreamLog(writer_client(settings), settings), StreamReader(settings)
    nodes = [uuid.uuid4() for _ in range(50)]
    subscribers = [await reader.subscribe(node) for node in nodes for _ in range(10)]
    for node in nodes:
        await asyncio.to_thread(write, log, node, 1)
    assert [await received(each, 1) for each in subscribers] == [[1]] * 500
    names = writer_client(settings).client_list()
    assert len(names) <= 7
    await reader.stop()


async def test_a_stream_is_not_read_on_before_a_subscriber_has_seen_the_window(
    log: StreamLog, reader: StreamReader, node: uuid.UUID
) -> None:
    subscriber = await reader.subscribe(node)
    hub = subscriber.hub
    await asyncio.to_thread(write, log, node, 3)
    await hub._changed.wait()
    await asyncio.to_thread(write, log, node, 3)
    assert hub.head.position.sequence == 0
    assert await received(subscriber, 6) == [1, 2, 3, 4, 5, 6]


async def test_a_slow_subscriber_of_the_latest_skips_large_updates_that_were_not_read(
    log: StreamLog, reader: StreamReader, node: uuid.UUID
) -> None:
    options = SubscriptionOptions(latest=True)
    live = await reader.subscribe(node, options)
    large = MAX_BATCH_BYTES + 1
    await asyncio.to_thread(write, log, node, 1, large)
    assert await received(live, 1) == [1]
    await asyncio.to_thread(write, log, node, 4, large)
    assert await received(live, 1) == [5]
    log.close(node)
    write(log, node, 2, large)
    assert await received(live, 1) == [7]
    # The window does not have those in between: others read them.
    everything = await reader.subscribe(node, SubscriptionOptions(start=2))
    late = await reader.subscribe(node, replace(options, start=2))
    await asyncio.to_thread(write, log, node, 1, large)
    assert await received(everything, 7) == [2, 3, 4, 5, 6, 7, 8]
    assert await received(late, 1) == [8]


async def test_a_subscriber_that_leaves_does_not_disturb_others(
    log: StreamLog, reader: StreamReader, node: uuid.UUID
) -> None:
    async def watch(subscriber: Subscriber) -> list[int]:
        return await received(subscriber, 10)

    staying = [asyncio.create_task(watch(await reader.subscribe(node))) for _ in range(3)]
    leaver = await reader.subscribe(node)
    leaving = asyncio.create_task(watch(leaver))
    write(log, node, 5)
    await asyncio.sleep(0)
    leaving.cancel()
    await reader.unsubscribe(leaver)
    write(log, node, 5)
    assert await asyncio.gather(*staying) == [list(range(1, 11))] * 3
