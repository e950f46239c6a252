"""Redis stops, hangs and comes back under real servers: nothing stored is lost to its stream."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import requests

from tests.conftest import API_KEY
from tests.servers import RunningServer, own_database, running
from tiled_client import ArrayClient, TiledClientError, TransportError, from_uri
from tiled_client.http.retries import RetryPolicy
from tools.backends.valkey_server import Cache, own_cache

SIDE = 32
WRITERS = 8
PATIENCE = 60.0


@pytest.fixture
def cache() -> Iterator[Cache]:
    """The Redis of the server under test."""
    with own_cache() as cache:
        yield cache


class Host:
    """A folder and a cache in which one server after the other is started."""

    def __init__(self, folder: Path, cache: Cache, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._settings = {
            "TILED_STREAMING_CACHE_URI": cache.uri,
            "TILED_STREAMING_CACHE_PREFIX": "tiled",
            "TILED_STREAMING_CACHE_TIMEOUT": "1",
            "TILED_SINGLE_USER_API_KEY": API_KEY,
            **stack.enter_context(own_database()),
        }

    def serve(self) -> RunningServer:
        """Two workers."""
        return self._started("serve", "--workers", "2", "--port", "0")

    def runserver(self) -> RunningServer:
        """Daphne."""
        return self._started("runserver", "0", "--noreload")

    def _started(self, *arguments: str) -> RunningServer:
        return self._stack.enter_context(running(self._folder, *arguments, **self._settings))


@pytest.fixture
def host(tmp_path: Path, cache: Cache) -> Iterator[Host]:
    """Where servers of this test are started."""
    with ExitStack() as stack:
        yield Host(tmp_path, cache, stack)


class Writers:
    """Eight at a time who overwrite each other in an array, each with numbers of its own."""

    def __init__(self, array: ArrayClient) -> None:
        self.acknowledged: list[int] = []
        self._array = array
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._write, args=(number,)) for number in range(WRITERS)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, more: int) -> None:
        """Return when so many more writes were acknowledged."""
        enough = len(self.acknowledged) + more
        eventually(lambda: len(self.acknowledged) >= enough)

    def _write(self, writer: int) -> None:
        for number in range(writer, 1 << 31, WRITERS):
            if self._stopping.is_set():
                return
            try:
                # Columns that overlap with those of the others.
                values = np.full((SIDE, SIDE // 2), number + 1)
                self._array.patch(values, offset=(0, number * 7 % (SIDE // 2)))
            except TransportError:
                return
            self.acknowledged.append(number + 1)


class Told:
    """What a subscriber was told of an array: the numbers, and what became of it."""

    def __init__(self, array: ArrayClient) -> None:
        self.numbers: list[int] = []
        self.state = np.zeros((SIDE, SIDE), dtype=np.int64)
        self._subscription = array.subscribe()
        self._subscription.new_data.add_callback(self._take)
        self._subscription.start_in_thread(0)

    def _take(self, update: object) -> None:
        data, column = update.data(), update.offset[1]
        self.state[:, column : column + data.shape[1]] = data
        self.numbers.append(int(data[0, 0]))

    def end(self) -> None:
        """Return when the stream has ended for this subscriber."""
        assert self._subscription.wait(PATIENCE)

    def leave(self) -> None:
        """Want to be told no more."""
        self._subscription.disconnect()


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.01)


def new_array(server: RunningServer) -> ArrayClient:
    client = from_uri(server.uri, api_key=API_KEY)
    # What was not acknowledged would be written twice.
    client._http.retries = RetryPolicy(deadline=0.0)
    return client.write_array(np.zeros((SIDE, SIDE), dtype=np.int64), key="x")


def close(array: ArrayClient) -> None:
    """Close the stream as soon as Redis is there again."""

    def closed() -> bool:
        try:
            array.close_stream()
        except TiledClientError:
            return False
        return True

    eventually(closed)


@pytest.mark.parametrize("kind", ["hang", "stop"])
def test_writers_go_on_through_an_outage_and_the_stream_is_what_was_stored(
    kind: str, host: Host, cache: Cache
) -> None:
    array = new_array(host.serve())
    told = Told(array)
    writers = Writers(array)
    leave, come_back = (cache.hang, cache.go_on) if kind == "hang" else (cache.stop, cache.start)
    eventually(lambda: cache.client.exists(*cache.client.keys("*subscribers") or ["-"]) == 1)
    writers.start()
    for _ in range(2):
        writers.wait_for(50)
        if kind == "stop":
            # What is only in a Redis that dies is history.
            eventually(lambda: len(told.numbers) >= len(writers.acknowledged) - WRITERS)
        leave()
        writers.wait_for(50)
        come_back()
    writers.wait_for(50)
    writers.stop()
    close(array)
    told.end()
    np.testing.assert_array_equal(array.read(), told.state)
    assert len(told.numbers) == len(set(told.numbers)), "each once"
    if kind == "hang":
        assert sorted(told.numbers) == [0, *sorted(writers.acknowledged)]
    for writer in range(WRITERS):
        own = [number for number in told.numbers if (number - 1) % WRITERS == writer]
        assert own == sorted(own)


def test_what_waits_outlives_the_server_and_is_streamed_when_it_starts(
    host: Host, cache: Cache
) -> None:
    server = host.serve()
    array = new_array(server)
    writers = Writers(array)
    cache.stop()
    writers.start()
    writers.wait_for(100)
    for process in server.processes():
        process.send_signal(signal.SIGKILL)
    server.process.wait(10)
    writers.stop()
    cache.start()
    again = from_uri(host.serve().uri, api_key=API_KEY)["x"]
    told = Told(again)
    eventually(lambda: set(writers.acknowledged) <= set(told.numbers))
    close(again)
    told.end()
    assert len(told.numbers) == len(set(told.numbers)), "each once"
    stored = again.read()
    # Who was killed in the middle of a write has stored it, and told nobody.
    known = np.isin(stored, [0, *told.numbers])
    assert len(set(stored[~known])) <= 1
    np.testing.assert_array_equal(stored[known], told.state[known])


def test_under_runserver_too_and_what_is_not_stored_is_refused_meanwhile(
    host: Host, cache: Cache
) -> None:
    server = host.runserver()
    array = new_array(server)
    cache.stop()
    array.patch(np.ones((SIDE, 1), dtype=np.int64), offset=(0, 3))
    refused = requests.put(
        f"{server.uri.rstrip('/')}/api/v1/array/full/x",
        params={"persist": "false"},
        data=bytes(8 * SIDE * SIDE),
        headers={"Authorization": f"Apikey {API_KEY}", "Content-Type": "application/octet-stream"},
        timeout=10,
    )
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0
    cache.start()
    told = Told(array)
    eventually(lambda: told.numbers == [1])
    told.leave()


def test_children_are_told_in_the_order_in_which_they_were_made(host: Host, cache: Cache) -> None:
    root = from_uri(host.serve().uri, api_key=API_KEY)
    parent = root.create_container("parent")
    keys: list[str] = []
    subscription = parent.subscribe()
    subscription.child_created.add_callback(lambda update: keys.append(update.key))
    subscription.child_metadata_updated.add_callback(lambda update: keys.append("changed"))
    subscription.start_in_thread(0)
    parent.create_container("before")
    eventually(lambda: keys == ["before"])
    cache.hang()
    with ThreadPoolExecutor(2) as makers:
        list(makers.map(lambda n: parent.create_container(f"n{n}"), range(6)))
    parent["n0"].update_metadata({"changed": True})
    cache.go_on()
    parent.create_container("after")
    eventually(lambda: keys[-1:] == ["after"])
    subscription.disconnect()
    assert sorted(keys[1:7]) == [f"n{n}" for n in range(6)]
    assert keys[7:] == ["changed", "after"]
