"""A lost stream is visible: states, callbacks and a warning, over real sockets."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import pytest

from tests.client.fake_servers import (
    StreamPeer,
    closes,
    converses,
    drops,
    schema,
    updates,
    visit,
)
from tests.client.test_connection import array, container, ended, numbered, said
from tiled_client import ConnectionLost, ConnectionRestored

TIMEOUT = 20.0


class Gate:
    """A script that waits until the test lets it go on."""

    def __init__(self) -> None:
        self._open = threading.Event()

    def __call__(self, _: Any) -> None:
        self._open.wait(TIMEOUT)

    def open(self) -> None:
        self._open.set()


def test_a_subscription_shows_its_state_from_start_to_end(
    stream_peer: StreamPeer, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = Gate(), Gate()
    stream_peer.plays(
        visit(schema("e", 0), updates(1, epoch="e"), first, drops),
        visit(second, schema("e", 1), updates(2, epoch="e"), closes(1000)),
    )
    sub = stream_peer.array().subscribe()
    lost, restored = threading.Event(), threading.Event()
    heard: list[Any] = []
    sub.new_data.add_callback(lambda update: heard.append(update.sequence))
    sub.connection_lost.add_callback(lambda event: (heard.append(event), lost.set()))
    sub.connection_restored.add_callback(lambda event: (heard.append(event), restored.set()))
    assert (sub.state, sub.connected) == ("new", False)
    with caplog.at_level(logging.WARNING, "tiled_client.stream"):
        sub.start_in_thread(0)
        assert (sub.state, sub.connected) == ("live", True)
        first.open()
        assert lost.wait(TIMEOUT)
        assert (sub.state, sub.connected) == ("reconnecting", False)
        second.open()
        assert restored.wait(TIMEOUT)
        assert sub.wait(TIMEOUT)
    assert sub.state == "closed"
    assert [type(each) for each in heard] == [int, ConnectionLost, ConnectionRestored, int]
    assert heard[1].source is heard[2].source is sub
    assert len(caplog.messages) == 1
    assert "Reconnecting to the stream" in caplog.messages[0]


async def test_an_async_subscription_awaits_the_same_callbacks(stream_peer: StreamPeer) -> None:
    stream_peer.plays(
        visit(schema("e", 0), updates(1, epoch="e"), drops),
        visit(schema("e", 1), updates(2, epoch="e"), closes(1000)),
    )
    sub = stream_peer.array().subscribe_async()
    states: list[Any] = [sub.state]

    @sub.connection_lost.add_callback
    async def on_lost(event: ConnectionLost) -> None:
        await asyncio.sleep(0)
        states.append((event.topic, str(event.error) != ""))

    @sub.connection_restored.add_callback
    async def on_restored(event: ConnectionRestored) -> None:
        await asyncio.sleep(0)
        states.append((event.topic, event.seconds > 0))

    await asyncio.wait_for(sub.start(0), TIMEOUT)
    assert states == ["new", ("connection_lost", True), ("connection_restored", True)]
    assert sub.state == "closed"


def lose_once(peer: StreamPeer) -> threading.Event:
    """Let a peer drop its first connection when the event is set, and end the streams then."""
    gate = threading.Event()

    def first(connection: Any) -> None:
        threading.Thread(target=lambda: (gate.wait(TIMEOUT), drops(connection))).start()
        converses(lambda request: said(request, *numbered(1)))(connection)

    peer.plays(first, converses(lambda request: said(request, *numbered(2), ended(1000))))
    return gate


def test_a_connection_and_each_of_its_subscriptions_tell(stream_peer: StreamPeer) -> None:
    gate = lose_once(stream_peer)
    heard: list[Any] = []
    stream = container(stream_peer).connect_stream()
    assert stream.state == "new"
    stream.connection_lost.add_callback(lambda event: heard.append(("stream", event.topic)))
    stream.connection_restored.add_callback(lambda event: heard.append(("stream", event.topic)))
    with stream:
        assert (stream.state, stream.connected) == ("live", True)
        sub = stream.subscribe(array(stream_peer))
        sub.connection_lost.add_callback(lambda event: heard.append(("sub", event.topic)))
        sub.connection_restored.add_callback(lambda event: heard.append(("sub", event.topic)))
        sub.start_in_thread(0)
        gate.set()
        assert sub.wait(TIMEOUT)
    assert stream.state == "closed"
    assert heard == [
        ("stream", "connection_lost"),
        ("sub", "connection_lost"),
        ("stream", "connection_restored"),
        ("sub", "connection_restored"),
    ]


async def test_an_async_connection_tells(stream_peer: StreamPeer) -> None:
    gate = lose_once(stream_peer)
    heard: list[str] = []
    async with container(stream_peer).connect_stream_async() as stream:
        assert stream.state == "live"

        @stream.connection_lost.add_callback
        async def on_lost(event: ConnectionLost) -> None:
            heard.append(event.topic)

        stream.connection_restored.add_callback(lambda event: heard.append(event.topic))
        sub = await stream.subscribe(array(stream_peer)).start_in_task(0)
        gate.set()
        assert await sub.wait(TIMEOUT)
    assert heard == ["connection_lost", "connection_restored"]
    assert stream.state == "closed"
