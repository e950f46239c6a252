"""A multiplex session whose client sends commands and reads no replies."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from access.authentication.credentials import SERVICE_KEY_PRINCIPAL
from core.errors import BadRequest
from streaming.reading.reader import StreamReader
from streaming.sockets.messages.sender import MessageSender
from streaming.sockets.multiplex.commands import InvalidCommand
from streaming.sockets.multiplex.session import MAX_PENDING_REPLIES, MultiplexSession


async def test_a_client_that_does_not_read_replies_is_disconnected(reader: StreamReader) -> None:
    room, sent = asyncio.Event(), list[dict[str, Any]]()

    async def send(message: dict[str, Any]) -> None:
        await room.wait()
        sent.append(message)

    sender = MessageSender({}, send, text=True)
    session = MultiplexSession(
        sender, reader, SERVICE_KEY_PRINCIPAL, "http://h", text=True, max_nodes=10
    )
    running = asyncio.create_task(session.run())
    taken = 0
    while session.accepts_commands():
        session.reject(InvalidCommand("Nonsense."))
        taken += 1
        await asyncio.sleep(0)
    assert 10 + MAX_PENDING_REPLIES <= taken < 20 + MAX_PENDING_REPLIES
    room.set()
    with pytest.raises(BadRequest, match="does not read"):
        await running
    assert len(sent) == 1


async def test_a_client_that_reads_replies_may_send_any_number_of_commands(
    reader: StreamReader,
) -> None:
    sent = asyncio.Semaphore(0)

    async def send(message: dict[str, Any]) -> None:
        sent.release()

    sender = MessageSender({}, send, text=True)
    session = MultiplexSession(
        sender, reader, SERVICE_KEY_PRINCIPAL, "http://h", text=True, max_nodes=10
    )
    running = asyncio.create_task(session.run())
    for _ in range(3 * MAX_PENDING_REPLIES):
        assert session.accepts_commands()
        session.reject(InvalidCommand("Nonsense."))
        await sent.acquire()
    running.cancel()
