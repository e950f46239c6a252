"""Going through updates in a loop: blocking and async, over real sockets."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.client.fake_servers import (
    StreamPeer,
    closes,
    drops,
    refuses,
    says,
    schema,
    sequences,
    stays,
    update,
    updates,
    visit,
)
from tiled_client import NodeNotFound, StreamLost, Unauthorized

ENDS = closes(1000, "Producer ended stream")


async def collected(iterator: AsyncIterator[Any]) -> list[Any]:
    return [each async for each in iterator]


def test_a_loop_ends_with_the_stream_and_survives_a_loss(stream_peer: StreamPeer) -> None:
    stream_peer.plays(
        visit(schema("e"), updates(1, 2, epoch="e"), drops),
        visit(schema("e"), updates(3, epoch="e"), ENDS),
    )
    assert sequences(list(stream_peer.array().updates(start=0))) == [1, 2, 3]


async def test_an_async_loop_ends_with_the_stream_and_survives_a_loss(
    stream_peer: StreamPeer,
) -> None:
    stream_peer.plays(
        visit(schema("e"), updates(1, 2, epoch="e"), drops),
        refuses(503, "starting", **{"Retry-After": "0.05"}),
        visit(schema("e"), updates(3, epoch="e"), ENDS),
    )
    heard = await collected(stream_peer.array().updates_async(start=0))
    assert sequences(heard) == [1, 2, 3]
    assert [query["start"] for query in stream_peer.queries] == ["0", "3", "3"]


def test_what_ends_the_stream_is_raised_after_what_came_before(stream_peer: StreamPeer) -> None:
    stream_peer.plays(visit(schema(), updates(1, 2), closes(4003, "Key revoked")))
    heard: list[Any] = []
    with pytest.raises(Unauthorized, match="Key revoked"):
        heard.extend(stream_peer.array().updates(start=0))
    assert sequences(heard) == [1, 2]


async def test_what_ends_the_stream_is_raised_by_the_async_loop(stream_peer: StreamPeer) -> None:
    stream_peer.plays(visit(schema(), updates(1, 2), closes(4003, "Key revoked")))
    iterator = stream_peer.array().updates_async(start=0)
    assert [(await anext(iterator)).sequence, (await anext(iterator)).sequence] == [1, 2]
    with pytest.raises(Unauthorized, match="Key revoked"):
        await anext(iterator)


def test_a_refusal_is_raised_before_the_loop(stream_peer: StreamPeer) -> None:
    stream_peer.plays(refuses(404))
    with pytest.raises(NodeNotFound):
        stream_peer.array().updates()


async def test_a_refusal_is_raised_by_the_beginning_of_an_async_loop(
    stream_peer: StreamPeer,
) -> None:
    stream_peer.plays(refuses(404))
    with pytest.raises(NodeNotFound):
        await anext(stream_peer.array().updates_async())


def leaves(peer: StreamPeer) -> tuple[Any, threading.Event]:
    """A script that sets an event when the other side is gone."""
    gone = threading.Event()

    def notices(connection: Any) -> None:
        try:
            visit(schema(), updates(1, 2, 3), stays)(connection)
        finally:  # some leave while there is still something to say
            gone.set()

    peer.plays(notices)
    return peer.array(), gone


def test_a_loop_that_is_left_early_disconnects(stream_peer: StreamPeer) -> None:
    array, gone = leaves(stream_peer)
    for each in array.updates(start=0):
        assert each.sequence == 1
        break
    assert gone.wait(5)


def test_the_end_of_a_with_block_disconnects(stream_peer: StreamPeer) -> None:
    array, gone = leaves(stream_peer)
    with array.updates(start=0) as iterator:
        assert next(iterator).sequence == 1
    assert gone.wait(5)
    assert list(iterator) == []
    assert iterator.subscription.wait(0)


async def test_an_async_loop_that_is_left_early_disconnects(stream_peer: StreamPeer) -> None:
    array, gone = leaves(stream_peer)
    async for each in array.updates_async(start=0):
        assert each.sequence == 1
        break
    gc.collect()
    assert await asyncio.to_thread(gone.wait, 5)


async def test_the_end_of_an_async_with_block_disconnects(stream_peer: StreamPeer) -> None:
    array, gone = leaves(stream_peer)
    async with array.updates_async(start=0) as iterator:
        assert (await anext(iterator)).sequence == 1
    assert await asyncio.to_thread(gone.wait, 5)
    assert await collected(iterator) == []
    assert len(asyncio.all_tasks()) == 1


def test_a_subscription_can_be_disconnected_within_its_loop(stream_peer: StreamPeer) -> None:
    array, gone = leaves(stream_peer)
    sub = array.subscribe()
    ends: list[Any] = []
    sub.disconnected.add_callback(ends.append)
    for _ in sub.updates(start=0):
        sub.disconnect()
    assert ends == [sub]
    assert gone.wait(5)


async def test_a_subscription_can_be_disconnected_within_its_async_loop(
    stream_peer: StreamPeer,
) -> None:
    array, gone = leaves(stream_peer)
    sub = array.subscribe_async()
    ends: list[Any] = []
    sub.disconnected.add_callback(ends.append)
    async for _ in sub.updates(start=0):
        await sub.disconnect()
    assert ends == [sub]
    assert await asyncio.to_thread(gone.wait, 5)


def test_callbacks_are_called_by_the_loop(stream_peer: StreamPeer) -> None:
    stream_peer.plays(visit(schema(), updates(1, 2), ENDS))
    sub = stream_peer.array().subscribe()
    called: list[Any] = []
    sub.new_data.add_callback(lambda u: called.append((u.sequence, threading.current_thread())))
    sub.stream_closed.add_callback(lambda s: called.append(s.closed))
    assert sequences(list(sub.updates(start=0))) == [1, 2]
    here = threading.current_thread()
    assert called == [(1, here), (2, here), True]


def test_a_loop_that_is_slow_slows_the_server_down(stream_peer: StreamPeer) -> None:
    sent: list[int] = []
    stream_peer.plays(visit(schema(), floods(sent), ENDS))
    heard = []
    for each in stream_peer.array().updates(start=0, buffer_bytes=150_000):
        if not heard:
            settle(sent)
            assert len(sent) < 200
        heard.append(each.sequence)
    assert heard == list(range(1, 201))


async def test_an_async_loop_that_is_slow_slows_the_server_down(stream_peer: StreamPeer) -> None:
    sent: list[int] = []
    stream_peer.plays(visit(schema(), floods(sent), ENDS))
    heard = []
    async for each in stream_peer.array().updates_async(start=0, buffer_bytes=150_000):
        if not heard:
            await asyncio.to_thread(settle, sent)
            assert len(sent) < 200
        heard.append(each.sequence)
    assert heard == list(range(1, 201))


def floods(sent: list[int]) -> Any:
    """200 updates of 100 kB, as fast as they are taken."""
    big = {**update(1), "shape": [12_500], "payload": bytes(100_000)}

    def play(connection: Any) -> None:
        for n in range(1, 201):
            says({**big, "sequence": n})(connection)
            sent.append(n)

    return play


def settle(sent: list[int]) -> None:
    """Wait until no more is sent for a while."""
    before, pause = -1, threading.Event()
    while before != len(sent):
        before = len(sent)
        pause.wait(0.3)


def test_a_loss_that_lasts_is_raised(stream_peer: StreamPeer) -> None:
    stream_peer.plays(visit(schema(), updates(1), drops), visit(schema(), drops))
    with pytest.raises(StreamLost):
        list(stream_peer.array().updates(start=0, give_up_after=0.2))
