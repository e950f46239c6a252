"""Answers that are made while they are sent, to clients that listen, stall, or hang up."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import orjson
import psutil
import pytest
import requests
from django.http import HttpRequest

from access.api.base import ApiView
from core.http.buffer_responses import ChunkedResponse
from tests.buckets import SHARED_BUCKET, in_folder
from tests.conftest import API_KEY
from tests.in_process_server import answer, content
from tests.servers import RunningServer
from tiled_client import ArrayClient, from_uri
from tiled_client.wire.structures import ArrayStructure
from tiledproject.http.streaming_responses import send_stream
from tiledproject.http.thread_pool import ThreadPool

MIB = 1 << 20
PATIENCE = 30
LARGE = np.arange(128 * MIB // 8).reshape(128, -1)
# For all workers together: a chunk file of 64 MiB is the largest that is written at once.
BOUND = 80 * MIB
START = {"type": "http.response.start", "status": 200, "headers": []}


class Pieces:
    """Counts what is made of it; with `fails_at`, something breaks there."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.made = 0
        self.closed = False
        self._fails_at = fails_at

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self.made == self._fails_at:
            raise RuntimeError("broken")
        if self.made == 10:
            raise StopIteration
        self.made += 1
        return b"x"

    def close(self) -> None:
        self.closed = True


async def exchange(
    pieces: Pieces, hang_up_after: int | None = None
) -> tuple[list[Mapping[str, Any]], BaseException | None]:
    """Return the messages before the client disconnects, and the resulting exception."""
    sent: list[Mapping[str, Any]] = []
    gone = asyncio.Event()

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)
        if len(sent) == hang_up_after:
            gone.set()
            await asyncio.sleep(0)

    async def receive() -> Mapping[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    failure: BaseException | None = None
    try:
        response = ChunkedResponse([], pieces)
        await send_stream(response, START, send, receive, ThreadPool())
    except RuntimeError as error:
        failure = error
    return sent, failure


async def test_pieces_arrive_in_order_and_are_closed() -> None:
    pieces = Pieces()
    sent, failure = await exchange(pieces)
    assert [message.get("body") for message in sent] == [None, *[b"x"] * 10, b""]
    assert (pieces.closed, failure) == (True, None)
    assert not sent[-1].get("more_body", False)


async def test_generation_stops_when_the_client_disconnects() -> None:
    pieces = Pieces()
    await exchange(pieces, hang_up_after=3)
    assert pieces.made <= 4
    assert pieces.closed


async def test_an_answer_that_breaks_is_not_ended_as_if_it_were_whole() -> None:
    pieces = Pieces(fails_at=5)
    sent, failure = await exchange(pieces)
    assert str(failure) == "broken"
    assert sent[-1]["more_body"]
    assert pieces.closed


def workers(server: RunningServer) -> list[psutil.Process]:
    return [one for one in server.processes() if "python" in one.name().lower()]


def memory(processes: Iterable[psutil.Process]) -> int:
    return sum(one.memory_info().rss for one in processes)


def mapped(processes: Iterable[psutil.Process]) -> int:
    """How many chunk files they look at."""
    maps = [m.path for one in processes for m in one.memory_maps(grouped=False)]
    return sum("/storage/" in path and "/c/" in path for path in maps)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def large(server: RunningServer) -> ArrayClient:
    """An array of zeros as large as `LARGE`."""
    return from_uri(server.uri, api_key=API_KEY).write_array(np.zeros_like(LARGE))


@contextmanager
def watched(server: RunningServer) -> Iterator[list[int]]:
    """The memory that was seen while something was done, beyond that of the beginning."""
    processes = workers(server)
    before, seen, over = memory(processes), [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.01):
            seen.append(memory(processes) - before)

    thread = threading.Thread(target=watch)
    thread.start()
    yield seen
    over.set()
    thread.join()


def test_a_large_array_is_written_and_read_in_little_memory(
    server: RunningServer, large: ArrayClient
) -> None:
    headers = {"Authorization": f"Apikey {API_KEY}", "Content-Type": "application/octet-stream"}
    address = f"{server.uri}/api/v1/array/full/{large.key}"
    with watched(server) as seen:
        written = requests.put(address, data=LARGE.tobytes(), headers=headers, timeout=60)
        assert written.status_code == 200, written.text
        with requests.get(
            address, headers={**headers, "Accept-Encoding": "identity"}, timeout=60, stream=True
        ) as answer:
            assert answer.headers["Content-Length"] == str(LARGE.nbytes)
            assert answer.raw.read() == LARGE.tobytes()
    assert max(seen) < BOUND


@in_folder
@pytest.mark.parametrize("name", ["server", "runserver"])
def test_a_client_that_stalls_and_hangs_up_costs_next_to_nothing(
    name: str, request: pytest.FixtureRequest
) -> None:
    server: RunningServer = request.getfixturevalue(name)
    client = from_uri(server.uri, api_key=API_KEY)
    array = client.write_array(LARGE[:24])
    where = urlsplit(server.uri)
    assert where.hostname is not None
    assert where.port is not None
    np.testing.assert_array_equal(array[0], LARGE[0])  # What is loaded once does not count.
    processes = workers(server)
    before = memory(processes)
    with socket.create_connection((where.hostname, where.port)) as line:
        head = f"GET /api/v1/array/full/{array.key} HTTP/1.1\r\nHost: localhost\r\n"
        line.sendall(f"{head}Authorization: Apikey {API_KEY}\r\n\r\n".encode())
        assert line.recv(1000).startswith(b"HTTP/1.1 200")
        until(lambda: mapped(processes) > 0)
        np.testing.assert_array_equal(array[0], LARGE[0])
        assert memory(processes) - before < BOUND
    until(lambda: not mapped(processes))


@pytest.mark.django_db
@pytest.mark.parametrize("size", [MIB, 10 * MIB])
def test_memory_of_a_request_is_freed_without_the_garbage_collector(size: int) -> None:
    headers = {"authorization": f"Apikey {API_KEY}"}
    made = answer("POST", "/api/v1/metadata/", orjson.dumps(array_of_bytes(size)), headers)
    assert made.status == 200, content(made)
    path = f"/api/v1/array/full/{orjson.loads(content(made))['id']}"
    binary = {**headers, "content-type": "application/octet-stream"}
    with no_garbage_collector():
        assert answer("PUT", path, bytes(size), binary).status == 200
        got = answer("GET", path, headers=headers)
        # Only files of a folder are mapped.
        assert SHARED_BUCKET or mapped([psutil.Process()]) > 0
        if got.stream is not None:
            next(iter(got.stream))
            got.stream.close()
        del got
        assert mapped([psutil.Process()]) == 0
        assert not [one for one in gc.get_objects() if isinstance(one, HttpRequest | ApiView)]


def array_of_bytes(size: int) -> dict[str, Any]:
    structure = ArrayStructure.from_array(np.zeros(size, np.uint8)).to_json()
    source = {"structure_family": "array", "structure": structure}
    return {"structure_family": "array", "data_sources": [source]}


@contextmanager
def no_garbage_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
