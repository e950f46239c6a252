"""How long one request takes when the network between the parts of a site is slower."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import redis

from benchmarks.load import Writer
from benchmarks.works import ARROW, OCTETS, ipc_file, new_array, new_table, stamped
from tools.faults.world import Plan, World, world

from .works import ROWS, SMALL

# Before the median is taken of the others: caches and connections.
WARM = 20
PING = "a `PING` of Redis, measured"


def delayed(latencies: list[float], *, bucket: bool, scale: float) -> None:
    """Print the median time of requests, one after another, for each round trip in ms.

    The last column is how many of the round trips that were measured a request is longer by.
    """
    found: dict[str, list[float]] = {}
    for latency in latencies:
        plan = Plan(2, balancer=True, bucket=bucket, latency=latency / 2000)
        with world(plan) as site:
            found.setdefault(PING, []).append(_ping(site))
            assert site.balancer is not None
            for name, request in _requests(site.balancer.port, int(100 * scale) + WARM):
                found.setdefault(name, []).append(request)
    print(f"| request | {' | '.join(f'{one:g} ms' for one in latencies)} | round trips |")
    print(f"|{' --- |' * (len(latencies) + 2)}")
    pings = found[PING]
    for name, values in found.items():
        trips = (values[-1] - values[0]) / max(pings[-1] - pings[0], 1e-9)
        cells = " | ".join(f"{value:.1f}" for value in values)
        print(f"| {name} | {cells} | {trips:.1f} |", flush=True)


def _ping(site: World) -> float:
    with redis.Redis(port=site.lines["redis"].port) as client:
        client.ping()
        return _median(lambda _: client.ping(), 50)


def _requests(port: int, count: int) -> Iterator[tuple[str, float]]:
    """Yield the median time of each kind of request, in ms."""
    writer: Any = None
    array, frames = new_array(port, [SMALL // 8]), new_array(port, [1, SMALL // 8])
    rows = pa.table({name: np.random.default_rng(0).random(ROWS) for name in "abcde"})
    table, few, body = new_table(port, rows.schema), ipc_file(rows), stamped(SMALL)
    full = f"/api/v1/array/full/{array}"
    size = SMALL // 8

    def extend(number: int) -> None:
        query = f"offset={number + 1},0&shape=1,{size}&extend=true"
        writer.send("PATCH", f"/api/v1/array/full/{frames}?{query}", body, OCTETS)

    def append(_: int) -> None:
        writer.send("PATCH", f"/api/v1/table/partition/{table}?partition=0", few, ARROW)

    kinds: dict[str, Callable[[int], object]] = {
        "update with `persist=false`, 8 KB": lambda _: writer.send(
            "PUT", f"{full}?persist=false", body, OCTETS
        ),
        "overwrite an array of 8 KB": lambda _: writer.send("PUT", full, body, OCTETS),
        "append a frame of 8 KB": extend,
        "append 100 rows to a table": append,
        "create an array": lambda _: new_array(port, [4]),
        "read an array of 8 KB": lambda _: writer.get(full, OCTETS),
    }
    for name, once in kinds.items():
        # A connection that is idle for long is closed by the server.
        writer = Writer(port)
        yield name, _median(once, count)
        writer.close()


def _median(once: Callable[[int], object], count: int) -> float:
    """Return the median time of a call in ms."""
    taken = []
    for number in range(count):
        begun = time.perf_counter()
        once(number)
        taken.append(1e3 * (time.perf_counter() - begun))
    return statistics.median(taken[WARM:])
