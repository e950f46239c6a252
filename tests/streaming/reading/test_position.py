"""Notices to subscribers, and start positions, against a real Redis."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import redis

from streaming.config import StreamingCacheSettings
from streaming.protocol.notices import Feature, Gap, Heartbeat, Reason, Reset
from streaming.protocol.subscription_options import SubscriptionOptions
from streaming.reading.entries import StreamEntry
from streaming.reading.feed import Item
from streaming.reading.reader import StreamReader
from streaming.redis.clients import writer_client
from streaming.redis.embedded_valkey import EmbeddedValkey
from streaming.writing.log import OutboxPosition, StreamLog, new_token
from streaming.writing.updates import MAX_INLINE_BYTES

from ..conftest import given, numbers, received

ALL = frozenset(Feature)
TOLD = SubscriptionOptions(features=ALL - {Feature.heartbeat})


def told(**terms: Any) -> SubscriptionOptions:
    return SubscriptionOptions(features=TOLD.features, **terms)


@pytest.fixture
async def make_reader() -> AsyncIterator[Callable[[StreamingCacheSettings], StreamReader]]:
    readers: list[StreamReader] = []

    def make(settings: StreamingCacheSettings) -> StreamReader:
        readers.append(StreamReader(settings))
        return readers[-1]

    yield make
    for reader in readers:
        await reader.stop()


class Scene:
    """A Valkey of its own, a node, and a reader with a short heartbeat interval."""

    def __init__(self, settings: StreamingCacheSettings, make_reader: Any, **changes: Any) -> None:
        self.settings = settings.model_copy(update={"heartbeat": 0.1, **changes})
        self.log = StreamLog(writer_client(self.settings), self.settings)
        self.reader: StreamReader = make_reader(self.settings)
        self.client: redis.Redis = writer_client(self.settings)
        self.node = uuid.uuid4()

    def write(self, count: int = 1, size: int = 8) -> str | None:
        tips = [self.log.append(self.node, numbers()[0], b"x" * size) for _ in range(count)]
        return tips[-1].epoch


@pytest.fixture
async def scene(
    own_valkey: tuple[EmbeddedValkey, StreamingCacheSettings], make_reader: Any
) -> Scene:
    return Scene(own_valkey[1], make_reader)


async def test_evicted_updates_are_reported_as_a_gap(
    own_valkey: tuple[EmbeddedValkey, StreamingCacheSettings], make_reader: Any
) -> None:
    scene = Scene(own_valkey[1], make_reader, stream_bytes=1 << 20)
    epoch = scene.write(30, 60_000)
    late = await scene.reader.subscribe(scene.node, told(start=2))
    gap, oldest = await given(late, 2)
    first = oldest.position.sequence
    assert gap == Gap(epoch, 2, first - 1, Reason.evicted)
    unaware = await scene.reader.subscribe(scene.node, SubscriptionOptions(start=2))
    assert await received(unaware, 31 - first) == list(range(first, 31))


async def test_expired_updates_are_one_gap_however_many_they_are(scene: Scene) -> None:
    epoch = scene.write()
    keys = scene.reader._new_hub(scene.node).keys
    hours_ago = int(time.time() - 9999) * 1000
    scene.client.hset(keys.meta, mapping={"seq": 200_000, "time": hours_ago})
    scene.client.delete(keys.log)
    subscriber = await scene.reader.subscribe(scene.node, told(start=0))
    scene.write()
    began = time.perf_counter()
    gap, update = await given(subscriber, 2)
    assert time.perf_counter() - began < 0.1
    assert gap == Gap(epoch, 1, 200_000, Reason.expired)
    assert update.position.sequence == 200_001


@pytest.mark.parametrize("with_others", [True, False])
async def test_updates_that_expired_before_a_slow_subscriber_read_them_are_a_gap(
    own_valkey: tuple[EmbeddedValkey, StreamingCacheSettings],
    make_reader: Any,
    with_others: bool,
) -> None:
    scene = Scene(own_valkey[1], make_reader, stream_bytes=1 << 20, window_bytes=1 << 16)
    slow = await scene.reader.subscribe(scene.node, TOLD)
    scene.write()
    await given(slow, 1)
    epoch = scene.write(40, 60_000)
    if with_others:
        await slow.hub.catch_up()
    gap, oldest = await given(slow, 2)
    assert gap == Gap(epoch, 2, oldest.position.sequence - 1, Reason.slow)


async def test_a_lost_payload_is_reported_as_a_gap(scene: Scene) -> None:
    epoch = scene.write(3, MAX_INLINE_BYTES + 1)
    scene.client.delete(*scene.client.scan_iter("*payload*:2"))
    late = await scene.reader.subscribe(scene.node, told(start=1))
    first, gap, third = await given(late, 3)
    assert gap == Gap(epoch, 2, 2, Reason.evicted)
    assert (first.position.sequence, third.position.sequence) == (1, 3)


async def test_updates_discarded_in_the_outbox_are_one_gap(scene: Scene) -> None:
    epoch = scene.write(2)
    live = await scene.reader.subscribe(scene.node, TOLD)
    scene.log.append_lost(scene.node, 5, new_token(), OutboxPosition(""))
    scene.write()
    for start, first in [(None, 3), (1, 3), (5, 5)]:
        subscriber = await scene.reader.subscribe(scene.node, told(start=start)) if start else live
        before = [1, 2] if start == 1 else []
        *updates, gap, last = await given(subscriber, len(before) + 2)
        assert [update.position.sequence for update in updates] == before
        assert gap == Gap(epoch, first, 7, Reason.evicted)
        assert last.position.sequence == 8


async def test_a_resume_from_another_epoch_is_reported_as_a_reset(scene: Scene) -> None:
    epoch = scene.write(3)
    for terms, previous in [
        (told(start=2, epoch="old"), "old"),
        (told(start=9), None),
    ]:
        reset, *updates = await given(await scene.reader.subscribe(scene.node, terms), 4)
        assert reset == Reset(epoch, previous, 3)
        assert [update.position.sequence for update in updates] == [1, 2, 3]


async def test_an_emptied_redis_is_noticed_with_nothing_written(scene: Scene) -> None:
    epoch = scene.write(3)
    live = await scene.reader.subscribe(scene.node, TOLD)
    scene.client.flushall()
    assert await given(live, 1) == [Reset(None, epoch, 0)]
    scene.write(2)
    # No numbers came before these.
    assert await received(live, 2) == [1, 2]


async def test_an_append_without_a_notification_is_found(scene: Scene) -> None:
    live = await scene.reader.subscribe(scene.node, TOLD)
    scene.client.execute_command("ACL SETUSER default resetchannels")
    with pytest.raises(Exception, match="channel"):
        scene.client.publish("x", "y")
    keys = live.hub.keys
    fields = {"time": 1, "size": 1, "frame": b"\x81\xa4type\xa1x"}
    scene.client.hset(keys.meta, mapping={"epoch": "e", "seq": 1, "end": 0, "time": 1})
    scene.client.xadd(keys.log, fields, id="1-0")
    assert await received(live, 1) == [1]


async def test_numbers_assigned_again_before_the_next_read_are_a_reset(scene: Scene) -> None:
    live = await scene.reader.subscribe(scene.node, TOLD)
    epoch = scene.write(3)
    assert await received(live, 3) == [1, 2, 3]
    keys = live.hub.keys
    scene.client.xdel(keys.log, "3-0")
    fields = {"time": int(time.time() * 1000) + 5, "size": 1, "frame": b"\x81\xa4type\xa1x"}
    scene.client.eval(
        "redis.call('XTRIM', KEYS[1], 'MAXLEN', 0) redis.call('DEL', KEYS[1]) "
        "redis.call('XADD', KEYS[1], '3-0', unpack(ARGV))",
        1,
        keys.log,
        *[each for pair in fields.items() for each in pair],
    )
    scene.client.client_kill_filter(_type="pubsub")
    reset, gap, anew = await given(live, 3)
    assert reset == Reset(epoch, epoch, 3)
    assert (gap.first, gap.last, anew.position.sequence) == (1, 2, 3)


async def test_a_heartbeat_has_the_number_of_the_head(scene: Scene) -> None:
    epoch = scene.write(5)
    live = await scene.reader.subscribe(scene.node, SubscriptionOptions(features=ALL))
    silent = await scene.reader.subscribe(scene.node, TOLD)
    assert await given(live, 2) == [Heartbeat(epoch, 5)] * 2
    scene.write()
    assert await received(silent, 1) == [6]


async def test_without_redis_there_are_no_heartbeats(
    scene: Scene, own_valkey: tuple[EmbeddedValkey, StreamingCacheSettings]
) -> None:
    live = await scene.reader.subscribe(scene.node, SubscriptionOptions(features=ALL))
    own_valkey[0].stop()
    await asyncio.sleep(0.15)
    live.feed.heartbeat_due = False
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(live.receive(), 0.5)


async def test_the_latest_update_comes_first_and_then_what_follows(scene: Scene) -> None:
    scene.write(4)
    latest = await scene.reader.subscribe(scene.node, told(start="latest"))
    scene.write()
    assert await received(latest, 2) == [4, 5]
    nothing_yet = await scene.reader.subscribe(uuid.uuid4(), told(start="latest"))
    assert nothing_yet.cursor.position.sequence == 0


async def test_a_stream_is_joined_at_a_start_time(scene: Scene) -> None:
    scene.write(20)
    keys = scene.reader._new_hub(scene.node).keys
    times = [int(fields[b"time"]) for _, fields in scene.client.xrange(keys.log)]
    for moment in (times[0] - 1000, times[7], times[7] + 1, times[-1], times[-1] + 1):
        late = await scene.reader.subscribe(scene.node, told(since=moment))
        scene.write()
        times.append(int(scene.client.xrevrange(keys.log, count=1)[0][1][b"time"]))
        expected = [n for n, made in enumerate(times, 1) if made >= moment]
        assert await received(late, len(expected)) == expected


async def test_a_start_time_before_what_is_retained_is_reported_as_a_gap(
    own_valkey: tuple[EmbeddedValkey, StreamingCacheSettings], make_reader: Any
) -> None:
    scene = Scene(own_valkey[1], make_reader, stream_bytes=1 << 20)
    scene.write(30, 60_000)
    late = await scene.reader.subscribe(scene.node, told(since=0))
    gap, oldest = await given(late, 2)
    assert (gap.first, gap.last) == (1, oldest.position.sequence - 1)


async def test_the_policy_latest_skips_updates_and_reports_it(scene: Scene) -> None:
    live = await scene.reader.subscribe(scene.node, told(latest=True))
    epoch = scene.write(5)
    await live.hub.catch_up()
    gap, newest = await given(live, 2)
    assert gap == Gap(epoch, 1, 4, Reason.skipped)
    assert newest.position.sequence == 5
    behind = await scene.reader.subscribe(scene.node, told(latest=True, start=0))
    gap, newest = await given(behind, 2)
    assert (gap.last, newest.position.sequence) == (4, 5)


async def test_a_maximum_rate_holds_and_the_last_update_before_an_end_is_not_delayed(
    scene: Scene,
) -> None:
    live = await scene.reader.subscribe(scene.node, told(interval=0.2))
    scene.write()
    await given(live, 1)
    began = time.monotonic()
    scene.write(3)
    gap, newest = await given(live, 2)
    assert time.monotonic() - began > 0.15
    assert (gap.first, gap.last, newest.position.sequence) == (2, 3, 4)
    slow = await scene.reader.subscribe(scene.node, told(interval=60))
    scene.write()
    assert await received(slow, 1) == [5]
    waiting = asyncio.create_task(given(slow, 1))
    await asyncio.sleep(0)
    scene.write()
    scene.log.close(scene.node)
    [last] = await asyncio.wait_for(waiting, 5)
    assert last.position.sequence == 6


async def test_a_delayed_subscriber_gets_no_heartbeat_about_updates_held_back(scene: Scene) -> None:
    terms = SubscriptionOptions(features=ALL, interval=0.5)
    resting = await scene.reader.subscribe(scene.node, terms)
    epoch = scene.write()
    await given(resting, 1)
    scene.write(2)
    items: list[Item] = []
    # Several heartbeats later.
    while (gap := Gap(epoch, 2, 2, Reason.skipped)) not in items:
        items += await given(resting, 1)
    assert {item for item in items if isinstance(item, Heartbeat)} <= {Heartbeat(epoch, 1)}
    assert items[-1] == gap
    update, beat = await given(resting, 2)
    assert isinstance(update, StreamEntry)
    assert (update.position.sequence, beat) == (3, Heartbeat(epoch, 3))
