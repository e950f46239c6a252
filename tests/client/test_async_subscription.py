"""Async subscriptions against a scripted server, over real sockets."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import numpy as np
import pytest

from tests.client.fake_servers import (
    StreamPeer,
    closes,
    drops,
    gap,
    heartbeat,
    refuses,
    reset,
    says,
    schema,
    sequences,
    stays,
    update,
    updates,
    visit,
)
from tiled_client import Forbidden, NodeDeleted, StreamLost, StreamTimeout, TransportError

ENDS = closes(1000, "Producer ended stream")


async def test_callbacks_may_be_async_and_are_awaited_one_after_another(
    stream_peer: StreamPeer,
) -> None:
    stream_peer.plays(visit(schema(), updates(1, 2), ENDS))
    sub = stream_peer.array().subscribe_async()
    calls: list[str] = []

    @sub.new_data.add_callback
    async def slow(update: Any) -> None:
        calls.append(f"begin {update.sequence}")
        await asyncio.sleep(0.02)
        calls.append(f"end {update.sequence}")

    sub.new_data.add_callback(lambda update: calls.append(f"plain {update.sequence}"))
    sub.stream_closed.add_callback(lambda s: calls.append(f"closed {s.closed}"))
    sub.disconnected.add_callback(lambda _: calls.append("disconnected"))
    await sub.start(0)
    assert calls == [
        "begin 1", "end 1", "plain 1", "begin 2", "end 2", "plain 2", "closed True", "disconnected",
    ]  # fmt: skip


async def test_no_thread_is_needed(stream_peer: StreamPeer) -> None:
    stream_peer.plays(visit(schema(), updates(1), stays))
    array, before = stream_peer.array(), set(threading.enumerate())
    heard = asyncio.Event()
    subs = [array.subscribe_async() for _ in range(20)]
    for sub in subs:
        sub.new_data.add_callback(lambda _: heard.set())
        await sub.start_in_task(0)
    await asyncio.wait_for(heard.wait(), 5)
    names = {thread.name for thread in set(threading.enumerate()) - before}
    assert not [name for name in names if name.startswith("tiled")]
    for sub in subs:
        await sub.disconnect()
    assert len(asyncio.all_tasks()) == 1


async def test_gaps_and_resets_are_delivered(stream_peer: StreamPeer) -> None:
    stream_peer.plays(
        visit(
            schema("a"), gap(1, 4, epoch="a"), updates(5, epoch="a"), reset("b", "a"),
            updates(1, epoch="b"), ENDS,
        )
    )  # fmt: skip
    sub = stream_peer.array().subscribe_async()
    told: list[Any] = []

    @sub.gap.add_callback
    async def missed(gap: Any) -> None:
        told.append(gap.count)

    sub.reset.add_callback(lambda reset: told.append(reset.epoch))
    sub.new_data.add_callback(lambda update: told.append((update.sequence, update.missed)))
    await sub.start(0)
    assert told == [4, (5, 4), "b", (1, 0)]
    assert (sub.position, sub.epoch) == (1, "b")


async def test_a_deleted_node_is_an_error(stream_peer: StreamPeer) -> None:
    stream_peer.plays(visit(schema("e"), closes(4010, "Node deleted")))
    sub = await stream_peer.array().subscribe_async().start_in_task()
    with pytest.raises(NodeDeleted):
        await sub.wait(5)
    assert not sub.closed


async def test_a_refusal_is_raised_at_once(stream_peer: StreamPeer) -> None:
    stream_peer.plays(refuses(403, "because"))
    sub = stream_peer.array().subscribe_async()
    ends: list[Any] = []
    sub.disconnected.add_callback(lambda s: ends.append(s.error))
    with pytest.raises(Forbidden, match="because") as caught:
        await sub.start_in_task()
    assert ends == [caught.value]
    assert len(stream_peer.queries) == 1


async def test_a_server_that_says_nothing_or_is_not_there_is_given_up_on(
    stream_peer: StreamPeer,
) -> None:
    stream_peer.plays(stays)
    with pytest.raises(StreamTimeout, match="API key"):
        await stream_peer.array().subscribe_async(connect_timeout=0.1).start(timeout=0.5)
    with StreamPeer() as gone:
        array = gone.array()
    with pytest.raises(TransportError, match="No server answers"):
        await array.subscribe_async().start(timeout=0.3)


async def test_silence_of_three_heartbeats_is_a_loss(stream_peer: StreamPeer) -> None:
    stream_peer.plays(
        visit(schema("e"), updates(1, epoch="e"), heartbeat(1), heartbeat(1, at=0.1), stays),
        visit(schema("e"), updates(2, epoch="e"), ENDS),
    )
    sub = stream_peer.array().subscribe_async()
    heard: list[Any] = []
    sub.new_data.add_callback(heard.append)
    await sub.start(0)
    assert sequences(heard) == [1, 2]


async def test_an_idle_connection_is_pinged_and_kept(
    stream_peer: StreamPeer,
) -> None:
    go_on = threading.Event()
    stream_peer.plays(visit(schema(), lambda _: go_on.wait(5), updates(1), ENDS))
    sub = await stream_peer.array().subscribe_async(idle_before_ping=0.05).start_in_task()
    asyncio.get_running_loop().call_later(0.6, go_on.set)
    assert await sub.wait(10)
    assert len(stream_peer.queries) == 1


async def test_a_peer_that_gives_no_sign_of_life_is_left(stream_peer: StreamPeer) -> None:
    def falls_asleep(connection: Any) -> None:
        connection.recv_flow_control.acquire()
        stream_peer.wait_for_visits(2)
        connection.recv_flow_control.release()

    stream_peer.plays(visit(schema(), falls_asleep), visit(schema(), updates(1), ENDS))
    sub = await stream_peer.array().subscribe_async(idle_before_ping=0.1).start_in_task()
    assert await sub.wait(10)
    assert len(stream_peer.queries) == 2


async def test_a_callback_that_fails_is_reported_and_the_stream_goes_on(
    stream_peer: StreamPeer,
) -> None:
    stream_peer.plays(visit(schema(), updates(1, 2), ENDS))
    sub = stream_peer.array().subscribe_async()
    failures: list[Any] = []
    sub.callback_error.add_callback(failures.append)

    @sub.new_data.add_callback
    async def divide(update: Any) -> None:
        raise ZeroDivisionError(update.sequence)

    await sub.start(0)
    assert [(f.callback, f.argument.sequence) for f in failures] == [(divide, 1), (divide, 2)]


async def test_a_callback_can_disconnect(stream_peer: StreamPeer) -> None:
    stream_peer.plays(visit(schema(), updates(1, 2, 3), stays))
    sub = stream_peer.array().subscribe_async()
    heard: list[Any] = []

    @sub.new_data.add_callback
    async def leave(update: Any) -> None:
        heard.append(update)
        if update.sequence == 2:
            await sub.disconnect()

    await sub.start(0)
    assert sequences(heard) == [1, 2]
    assert not sub.closed
    assert sub.error is None


async def test_leaving_the_context_disconnects_and_waits_for_the_running_callback(
    stream_peer: StreamPeer,
) -> None:
    stream_peer.plays(visit(schema(), updates(1), stays))
    entered, done = asyncio.Event(), asyncio.Event()
    async with stream_peer.array().subscribe_async() as sub:

        @sub.new_data.add_callback
        async def slow(_: Any) -> None:
            entered.set()
            await asyncio.sleep(0.1)
            done.set()

        await sub.start_in_task(0)
        await asyncio.wait_for(entered.wait(), 5)
    assert done.is_set()
    assert await sub.wait(0)


async def test_cancelling_the_task_that_follows_closes_the_connection(
    stream_peer: StreamPeer,
) -> None:
    gone = threading.Event()

    def notices(connection: Any) -> None:
        stays(connection)
        gone.set()

    stream_peer.plays(visit(schema(), updates(1), notices))
    heard = asyncio.Event()
    sub = stream_peer.array().subscribe_async()
    sub.new_data.add_callback(lambda _: heard.set())
    task = asyncio.create_task(sub.start(0))
    await asyncio.wait_for(heard.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(gone.wait, 5)
    assert len(asyncio.all_tasks()) == 1


async def test_a_loss_that_lasts_is_given_up_on(stream_peer: StreamPeer) -> None:
    stream_peer.plays(visit(schema(), updates(1), drops), visit(schema(), drops))
    sub = await stream_peer.array().subscribe_async(give_up_after=0.3).start_in_task(0)
    with pytest.raises(StreamLost):
        await sub.wait(10)


async def test_messages_may_be_as_large_as_they_like(stream_peer: StreamPeer) -> None:
    count = 9_000_000
    big = {**update(1), "shape": [count], "payload": np.arange(count).astype("<i8").tobytes()}
    stream_peer.plays(visit(schema(), says(big), ENDS))
    heard = [each async for each in stream_peer.array().updates_async(start=0)]
    assert heard[0].data()[-1] == count - 1
