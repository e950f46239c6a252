"""The production server's WebSocket protocol, under an application that sends ready frames."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from streaming.sockets.messages.sender import MessageSender
from tiledproject.servers.uvicorn_websocket import FRAMES, RawFrameProtocol
from tiledproject.servers.workers import MAX_MESSAGE_BYTES, listen

MEGABYTE = 1_000_000
# Each where the header of a frame begins to look different, and one that does not fit any buffer.
SIZES = (0, 1, 125, 126, 65535, 65536, 20 * MEGABYTE)

Send = Callable[[dict[str, Any]], Awaitable[None]]
Work = Callable[[dict[str, Any], Any, Send], Awaitable[None]]


@contextmanager
def serving(work: Work) -> Iterator[str]:
    """The address of a server whose application accepts and then does `work`."""

    async def application(scope: dict[str, Any], receive: Any, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await work(scope, receive, send)

    config = uvicorn.Config(
        application,
        ws=RawFrameProtocol,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        lifespan="off",
        log_level="error",
        timeout_graceful_shutdown=1,
    )
    server, listener = uvicorn.Server(config), listen("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def connected(address: str) -> connect:
    return connect(address, max_size=None, compression=None, max_queue=1)


async def close(send: Send) -> None:
    await send({"type": "websocket.close", "code": 1000, "reason": "over"})


@pytest.mark.parametrize("text", [True, False])
def test_messages_of_every_size_arrive_in_order_and_one_by_one(text: bool) -> None:
    sizes = [*SIZES, *SIZES]

    async def work(scope: dict[str, Any], receive: Any, send: Send) -> None:
        assert FRAMES in scope["extensions"]
        sender = MessageSender(scope, send, text)
        forms = [b"x" * size for size in SIZES]
        await sender.send(forms)
        for form in forms:
            await sender.send([form])
        await sender.send(forms, b"0123456789")
        await close(send)

    with serving(work) as address, connected(address) as client:
        received = [client.recv(timeout=10) for _ in sizes]
        assert [len(message) for message in received] == sizes
        assert {type(message) for message in received} == {str if text else bytes}
        prefixed = [client.recv(timeout=10) for _ in SIZES]
        around = 11 if text else 10
        assert [len(message) - around for message in prefixed] == list(SIZES)
        start = prefixed[-1][:10]
        assert start == ("0123456789" if text else b"0123456789")


def test_the_tail_of_a_burst_arrives_before_the_close() -> None:
    async def work(scope: dict[str, Any], receive: Any, send: Send) -> None:
        sender = MessageSender(scope, send, text=False)
        for number in range(300):
            await sender.send([bytes([number % 256]) * 100_000])
        await close(send)

    with serving(work) as address, connected(address) as client:
        numbers = []
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                numbers.append(client.recv(timeout=10)[0])
        assert numbers == [number % 256 for number in range(300)]
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1000, "over")


def test_a_slow_reader_is_awaited_and_pinged_between_frames() -> None:
    sent = 0

    async def work(scope: dict[str, Any], receive: Any, send: Send) -> None:
        nonlocal sent
        sender = MessageSender(scope, send, text=False)
        for _ in range(100):
            await sender.send([bytes(MEGABYTE)] * 2)
            sent += 2
        await close(send)

    with serving(work) as address, connected(address) as client:
        assert len(client.recv(timeout=10)) == MEGABYTE
        # The answer comes only when this has been read.
        answered = client.ping()
        assert sent < 50
        for _ in range(199):
            assert len(client.recv(timeout=10)) == MEGABYTE
        assert answered.wait(10)
    assert sent == 200


def test_nothing_is_sent_where_nothing_can_be_sent() -> None:
    outcome: list[Any] = []
    done = threading.Event()

    async def work(scope: dict[str, Any], receive: Any, send: Send) -> None:
        sender = MessageSender(scope, send, text=False)
        while (await receive())["type"] != "websocket.disconnect":
            pass
        outcome.append(scope["extensions"][FRAMES]["offer"]([b"\x82\x00"]))
        try:
            await sender.send([b"late"])
        except OSError as error:
            outcome.append(error)
        done.set()

    with serving(work) as address:
        with connected(address):
            pass
        assert done.wait(10)
    offered, error = outcome
    assert offered is False
    assert isinstance(error, OSError)


@pytest.mark.parametrize("size", [MAX_MESSAGE_BYTES + 1, 20 * MEGABYTE])
def test_an_oversized_message_closes_the_connection_with_the_reason(size: int) -> None:
    async def work(scope: dict[str, Any], receive: Any, send: Send) -> None:
        while (await receive())["type"] != "websocket.disconnect":
            pass

    with serving(work) as address, connected(address) as client:
        client.send(bytes(MAX_MESSAGE_BYTES))
        with pytest.raises(ConnectionClosed) as closed:
            client.send(bytes(size))
            client.recv(timeout=10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
