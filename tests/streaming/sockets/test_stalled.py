"""Subscribers that stop reading. Real servers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import numpy as np
import pytest

from ..websocket_client import Site, Socket

MEGABYTE = 1_000_000
UPDATES = 500
# The first updates grow the server's own buffers to the size of the updates.
WARMING = 150


@pytest.fixture(params=["server", "runserver"])
def site(request: pytest.FixtureRequest) -> Site:
    return Site(request.getfixturevalue(request.param))


def test_a_stalled_subscriber_costs_no_memory_delays_no_other_and_loses_nothing(site: Site) -> None:
    path = site.array(np.zeros(MEGABYTE // 8))
    address = f"/{path}?envelope_format=msgpack"
    with site.socket(address) as stalled, site.socket(address) as brisk:
        stalled.next()
        brisk.next()
        write_and_receive(site, path, brisk, range(1, WARMING + 1))
        with highest_memory(site) as memory:
            write_and_receive(site, path, brisk, range(WARMING + 1, UPDATES + 1))
        assert memory.growth < 32 * MEGABYTE
        assert stalled.sequences(UPDATES) == list(range(1, UPDATES + 1))
        site.close(path)
        assert stalled.closing() == brisk.closing() == (1000, "Producer ended stream")


def write_and_receive(site: Site, path: str, brisk: Socket, numbers: range) -> None:
    """Write updates one by one, each soon received by the subscriber that reads."""
    values, slowest = np.zeros(MEGABYTE // 8), 0.0
    for number in numbers:
        site.write(path, values, "?persist=False")
        written = time.monotonic()
        assert brisk.next()["sequence"] == number
        slowest = max(slowest, time.monotonic() - written)
    assert slowest < 2


class Memory:
    """The highest memory use of the server's own processes, less that at the beginning."""

    def __init__(self, site: Site) -> None:
        self.processes = [one for one in site.server.processes() if "valkey" not in one.name()]
        self.before = self.now()
        self.growth = 0

    def now(self) -> int:
        return sum(process.memory_info().rss for process in self.processes)


@contextmanager
def highest_memory(site: Site) -> Iterator[Memory]:
    memory, done = Memory(site), Event()

    def sample() -> None:
        while not done.wait(0.02):
            memory.growth = max(memory.growth, memory.now() - memory.before)

    sampling = Thread(target=sample)
    sampling.start()
    try:
        yield memory
    finally:
        done.set()
        sampling.join()
