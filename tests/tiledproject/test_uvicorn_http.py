"""What comes before a request, over real connections to uvicorn."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import uvicorn

from tiledproject.servers import uvicorn_http
from tiledproject.servers.workers import listen

Send = Callable[[dict[str, Any]], Awaitable[None]]
PATIENCE = 0.4


async def application(scope: dict[str, Any], receive: Any, send: Send) -> None:
    """Say how long the body was, and what the field `X-Asked` of the head or a trailer said."""
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    asked = b",".join(value for name, value in scope["headers"] if name == b"x-asked")
    body = str(length).encode() + b" " + asked
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    monkeypatch.setattr(uvicorn_http, "HEAD_SECONDS", PATIENCE)
    config = uvicorn.Config(
        application, http=uvicorn_http.BoundedHttpProtocol, lifespan="off", log_level="critical"
    )
    server, listener = uvicorn.Server(config), listen("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    yield listener.getsockname()
    server.should_exit = True
    thread.join()


def answers(address: tuple[str, int], *parts: bytes, pause: float = 0.0) -> bytes:
    """Everything the server says to this, until it closes."""
    with socket.create_connection(address, timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)
        said = b""
        while more := connection.recv(65536):
            said += more
    return said


@pytest.mark.parametrize("head", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_an_unfinished_request_head_times_out(address: tuple[str, int], head: bytes) -> None:
    assert answers(address, head) == b""


def test_a_second_request_has_to_come_as_soon_once_it_has_begun(address: tuple[str, int]) -> None:
    said = answers(address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HT", pause=0.05)
    assert said.count(b"HTTP/1.1 200 OK") == 1


def test_a_head_without_an_end_is_refused(address: tuple[str, int]) -> None:
    line = b"X-Long: " + b"a" * 8000 + b"\r\n"
    said = answers(address, b"GET / HTTP/1.1\r\nHost: x\r\n" + 9 * line)
    assert said.startswith(b"HTTP/1.1 431 ")


def test_a_body_may_take_as_long_as_it_likes_and_requests_may_follow_each_other(
    address: tuple[str, int],
) -> None:
    put = b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 200003\r\n\r\n"
    last = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    half = b"b" * 100_000
    said = answers(address, put + half, b"abc", half, last, pause=PATIENCE)
    assert said.count(b"HTTP/1.1 200 OK") == 2
    assert b"200003" in said


@pytest.mark.parametrize("pause", [0.0, 0.02])
def test_a_trailer_field_is_no_header_field(address: tuple[str, int], pause: float) -> None:
    head = b"PUT / HTTP/1.1\r\nHost: x\r\nX-Asked: head\r\nTransfer-Encoding: chunked\r\n\r\n"
    last = b"GET / HTTP/1.1\r\nHost: x\r\nX-Asked: next\r\nConnection: close\r\n\r\n"
    chunks = [b"3\r\nabc\r\n", b"0\r\n", b"X-Asked: trailer\r\n", b"\r\n"]
    said = answers(address, head, *chunks, last, pause=pause)
    assert b"3 head" in said
    assert b"0 next" in said
    assert b"trailer" not in said


def test_trailer_fields_without_an_end_end_the_connection(address: tuple[str, int]) -> None:
    head = (
        b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Long: "
    )
    with pytest.raises(ConnectionError):
        answers(address, head, *[b"a" * 65536] * 400)


def test_a_head_that_arrives_in_one_read_has_the_same_limit(address: tuple[str, int]) -> None:
    line = b"X-Long: " + b"a" * 8000 + b"\r\n"
    whole = b"GET / HTTP/1.1\r\nHost: x\r\n" + 12 * line + b"\r\n"
    assert answers(address, whole).startswith(b"HTTP/1.1 431 ")
    long_url = b"GET /" + b"a" * 80_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    assert answers(address, long_url).startswith(b"HTTP/1.1 431 ")


def test_a_head_that_begins_in_a_read_with_another_request_has_the_same_limit(
    address: tuple[str, int],
) -> None:
    line = b"X-Long: " + b"a" * 8000 + b"\r\n"
    request = b"GET / HTTP/1.1\r\nHost: x\r\n"
    said = answers(address, request + b"\r\n" + request + 7 * line, 7 * line + b"\r\n", pause=0.1)
    assert (said.count(b"HTTP/1.1 200 "), said.count(b"HTTP/1.1 431 ")) == (1, 1)


def test_requests_that_wait_for_the_answers_before_them_are_bounded(
    address: tuple[str, int],
) -> None:
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    assert answers(address, request * 50).count(b"HTTP/1.1 200 OK") == 50
    try:
        said = answers(address, request * 1000)
    except ConnectionResetError:
        said = b""
    assert said.count(b"HTTP/1.1 200 OK") < 100
