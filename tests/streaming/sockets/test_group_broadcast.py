"""Broadcasts to the listeners of a group, and polling for those that were lost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from channels.layers import get_channel_layer
from redis.exceptions import ConnectionError as RedisConnectionError

from streaming.per_loop import PerLoop
from streaming.sockets.connections import group_broadcast
from streaming.sockets.connections.group_broadcast import GroupBroadcast, GroupListener


class Listener(GroupListener):
    """Records what it receives, and when it polls."""

    def __init__(self) -> None:
        super().__init__("tests")
        self.joined = asyncio.Event()
        self.polled = asyncio.Event()
        self.received: asyncio.Queue[Any] = asyncio.Queue()

    def on_joined(self) -> None:
        self.joined.set()

    def on_message(self, message: Mapping[str, Any]) -> None:
        self.received.put_nowait(message["number"])

    async def poll(self) -> None:
        self.polled.set()


async def test_a_broadcast_reaches_the_listener_directly_and_over_the_layer() -> None:
    broadcast = GroupBroadcast("tests", Listener)
    listener = broadcast.current()
    listener.start()
    await asyncio.wait_for(listener.joined.wait(), 5)
    message = {"type": "test", "number": 1}
    await asyncio.to_thread(
        broadcast.send, lambda member: member.received.put_nowait("direct"), message
    )
    received = {await asyncio.wait_for(listener.received.get(), 5) for _ in range(2)}
    assert received == {"direct", 1}
    listener.stop()


async def test_a_listener_polls_at_every_interval_and_on_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(group_broadcast, "POLL_SECONDS", 0.05)
    listener = Listener()
    listener.start()
    await asyncio.wait_for(listener.polled.wait(), 5)
    monkeypatch.setattr(group_broadcast, "POLL_SECONDS", 60.0)
    await asyncio.sleep(0.1)
    listener.polled.clear()
    listener.poll_soon()
    await asyncio.wait_for(listener.polled.wait(), 5)
    listener.stop()
    listener.stop()


async def test_joining_is_retried_until_the_layer_is_reachable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    layer, attempts = get_channel_layer(), []
    assert layer is not None
    group_add = layer.group_add

    async def fail_twice(group: str, channel: str) -> None:
        attempts.append(group)
        if len(attempts) < 3:
            raise RedisConnectionError
        await group_add(group, channel)

    monkeypatch.setattr(group_broadcast, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(layer, "group_add", fail_twice)
    listener = Listener()
    listener.start()
    await asyncio.wait_for(listener.joined.wait(), 5)
    assert attempts == ["tests"] * 3
    listener.stop()


async def test_each_event_loop_has_an_object_of_its_own_until_it_is_closed() -> None:
    per_loop = PerLoop(object)
    here = per_loop.current()
    assert per_loop.current() is here

    async def there() -> object:
        return per_loop.current()

    other = await asyncio.to_thread(lambda: asyncio.run(there()))
    assert other is not here
    assert {found for _, found in per_loop.items()} == {here, other}
    third = await asyncio.to_thread(lambda: asyncio.run(there()))
    assert {found for _, found in per_loop.items()} == {here, third}
