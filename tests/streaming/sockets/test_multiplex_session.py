"""A connection for many nodes whose client does not behave."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from access.authentication.credentials import SERVICE_KEY_PRINCIPAL
from core.errors import BadRequest
from streaming.reading.reader import Reader
from streaming.sockets.messages.sender import Outlet
from streaming.sockets.multiplex.commands import BadControl
from streaming.sockets.multiplex.session import MOST_OWED, Exchange


async def test_who_asks_and_does_not_read_the_answers_is_sent_away(reader: Reader) -> None:
    room, sent = asyncio.Event(), list[dict[str, Any]]()

    async def send(message: dict[str, Any]) -> None:
        await room.wait()
        sent.append(message)

    outlet = Outlet({}, send, text=True)
    exchange = Exchange(outlet, reader, SERVICE_KEY_PRINCIPAL, "http://h", text=True, most_nodes=10)
    running = asyncio.create_task(exchange.run())
    taken = 0
    while exchange.listens():
        exchange.refuse(BadControl("Nonsense."))
        taken += 1
        await asyncio.sleep(0)
    assert 10 + MOST_OWED <= taken < 20 + MOST_OWED
    room.set()
    with pytest.raises(BadRequest, match="not read"):
        await running
    assert len(sent) == 1


async def test_who_reads_may_ask_as_often_as_they_like(reader: Reader) -> None:
    sent = asyncio.Semaphore(0)

    async def send(message: dict[str, Any]) -> None:
        sent.release()

    outlet = Outlet({}, send, text=True)
    exchange = Exchange(outlet, reader, SERVICE_KEY_PRINCIPAL, "http://h", text=True, most_nodes=10)
    running = asyncio.create_task(exchange.run())
    for _ in range(3 * MOST_OWED):
        assert exchange.listens()
        exchange.refuse(BadControl("Nonsense."))
        await sent.acquire()
    running.cancel()
