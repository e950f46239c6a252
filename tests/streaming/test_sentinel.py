"""Failovers of a Redis that Sentinels watch, under a real server with subscribers and producers.

The promise is in docs/how-to/run-redis.md.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers import own_database, running
from tools.backends.redis_sentinel import Servers, own_sentinels, sentinel_here

from .websocket_client import KEY, Site, Socket

pytestmark = [
    pytest.mark.skipif(not sentinel_here(), reason="no redis-server and redis-sentinel here"),
    pytest.mark.server,
]

SETTINGS = {"TILED_STREAMING_CACHE_HEARTBEAT": "1", "TILED_STREAMING_CACHE_TIMEOUT": "2"}
REPLAY = "?start=0&features=gap,reset"


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with own_sentinels() as servers:
        yield servers


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, servers: Servers) -> Iterator[Site]:
    """Run a server with two workers on a Redis that is watched by Sentinels."""
    folder = tmp_path_factory.mktemp("watched")
    options = ("--port", "0", "--workers", "2", "--api-key", KEY, "--cache", servers.uri)
    with (
        own_database() as database,
        running(folder, "serve", *options, **SETTINGS, **database) as s,
    ):
        yield Site(s)


def fail_over(servers: Servers) -> None:
    """Kill the primary, wait for another, and start the killed one again as its replica."""
    before = servers.primary()
    servers.kill(before)
    after = servers.await_failover(before)
    servers.start_redis(before, f"replicaof 127.0.0.1 {after}")


def value(message: dict[str, Any]) -> int:
    """Return the first number of an update."""
    return int(message["payload"][0])


def values_until(socket: Socket, last: int) -> list[int]:
    """Return the numbers that a subscriber receives up to `last`; those after the latest reset."""
    found: list[int] = []
    while last not in found:
        message = socket.next()
        assert message["type"] in {"array-schema", "array-data", "reset"}, message
        if message["type"] == "reset":
            found = []
        if message["type"] == "array-data":
            found.append(value(message))
    return found


class Producer(threading.Thread):
    """Writes 1, 2, 3, ... to one array until it is stopped; each write must be accepted."""

    def __init__(self, site: Site, path: str) -> None:
        super().__init__()
        self.written = 0
        self.done = False
        self._site, self._path = site, path
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.wait(0.01):
            self._site.write(self._path, [self.written + 1])
            self.written += 1
        self.done = True

    def stop(self) -> int:
        self._stopping.set()
        self.join()
        assert self.done, "a write failed"
        return self.written


def test_producers_and_subscribers_go_on_while_a_primary_is_killed(
    watched: Site, servers: Servers
) -> None:
    path = watched.array([0])
    with watched.socket(f"/{path}{REPLAY}") as live:
        assert live.next()["type"] == "array-schema"
        producer = Producer(watched, path)
        producer.start()
        fail_over(servers)
        last = producer.stop()
        assert values_until(live, last) == list(range(1, last + 1))
    with watched.socket(f"/{path}{REPLAY}") as late:
        assert values_until(late, last) == list(range(1, last + 1))


@pytest.mark.parametrize("written_again", [True, False])
def test_writes_that_a_failover_loses_are_streamed_again(
    watched: Site, servers: Servers, written_again: bool
) -> None:
    path, other = watched.array([0]), watched.array([0])
    primary = servers.primary()
    replica = next(port for port in servers.ports if port != primary)
    with watched.socket(f"/{path}{REPLAY}") as live:
        for number in (1, 2):
            watched.write(path, [number])
        servers.client(primary).wait(1, 5000)
        # The replica hears no more of the primary, and is promoted nevertheless.
        servers.client(replica).replicaof("127.0.0.1", 1)
        for number in (3, 4, 5):
            watched.write(path, [number])
        watched.write(other, [1])
        assert values_until(live, 5) == [1, 2, 3, 4, 5]
        fail_over(servers)
        last = 6 if written_again else 5
        if written_again:
            watched.write(path, [6])
        assert values_until(live, last)[-last:] == list(range(1, last + 1))
    with watched.socket(f"/{path}{REPLAY}") as late, watched.socket(f"/{other}{REPLAY}") as first:
        assert values_until(late, last) == list(range(1, last + 1))
        assert values_until(first, 1) == [1]
