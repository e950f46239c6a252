"""The operations whose costs are measured. Each returns how many there were."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.load import Writer, following, write_from
from benchmarks.works import ARROW, OCTETS, ipc_file, new_array, new_table, stamped

SMALL = 8192
LARGE = 1 << 20
CONNECTIONS = 12
NODES = 12
SUBSCRIBERS = 20
ROWS = 100
Work = Callable[[Any], int]


def update(size: int, count: int, *, persist: bool) -> Work:
    """Overwrite arrays of this size, or send updates that are not stored."""

    def work(peer: Any) -> int:
        paths = [new_array(peer, [size // 8]) for _ in range(NODES)]
        query = "" if persist else "?persist=false"
        body = stamped(size)

        def request(number: int) -> tuple[str, str, bytes, str]:
            return "PUT", f"/api/v1/array/full/{paths[number % NODES]}{query}", body, OCTETS

        write_from(peer, CONNECTIONS, count, request)
        return count

    return work


def append(size: int, count: int) -> Work:
    """Extend arrays by one frame of this size, each over one connection."""

    def work(peer: Any) -> int:
        width, body, each = size // 8, stamped(size), count // CONNECTIONS

        def one(path: str) -> None:
            writer = Writer(peer)
            for number in range(each):
                query = f"offset={number + 1},0&shape=1,{width}&extend=true"
                writer.send("PATCH", f"/api/v1/array/full/{path}?{query}", body, OCTETS)
            writer.close()

        paths = [new_array(peer, [1, width]) for _ in range(CONNECTIONS)]
        with ThreadPoolExecutor(CONNECTIONS) as threads:
            list(threads.map(one, paths))
        return each * CONNECTIONS

    return work


def append_rows(count: int) -> Work:
    """Append 100 rows of 5 columns to tables."""

    def work(peer: Any) -> int:
        table = pa.table({name: np.random.default_rng(0).random(ROWS) for name in "abcde"})
        paths, body = [new_table(peer, table.schema) for _ in range(NODES)], ipc_file(table)

        def request(number: int) -> tuple[str, str, bytes, str]:
            target = f"/api/v1/table/partition/{paths[number % NODES]}?partition=0"
            return "PATCH", target, body, ARROW

        write_from(peer, CONNECTIONS, count, request)
        return count

    return work


def create(count: int) -> Work:
    """Create arrays."""

    def work(peer: Any) -> int:
        with ThreadPoolExecutor(CONNECTIONS) as threads:
            list(threads.map(lambda _: new_array(peer, [4]), range(count)))
        return count

    return work


def read(size: int, count: int) -> Work:
    """Read whole arrays of this size."""

    def work(peer: Any) -> int:
        paths, body = [new_array(peer, [size // 8]) for _ in range(NODES)], stamped(size)
        for path in paths:
            writer = Writer(peer)
            writer.send("PUT", f"/api/v1/array/full/{path}", body, OCTETS)
            writer.close()
        local, numbers = threading.local(), iter(range(count))

        def one(_: int) -> None:
            if not hasattr(local, "writer"):
                local.writer = Writer(peer)
            for number in numbers:
                local.writer.get(f"/api/v1/array/full/{paths[number % NODES]}", OCTETS)

        with ThreadPoolExecutor(CONNECTIONS) as threads:
            list(threads.map(one, range(CONNECTIONS)))
        return count

    return work


def fan_out(size: int, count: int) -> Work:
    """Deliver updates of this size to 20 subscribers; each delivery is an operation."""

    def work(peer: Any) -> int:
        path, body = new_array(peer, [size // 8]), stamped(size)
        address = f"/api/v1/array/full/{path}?persist=false"
        expected = SUBSCRIBERS * count
        with following(peer, [path] * SUBSCRIBERS, expected) as followers:
            write_from(peer, 4, count, lambda _: ("PUT", address, body, OCTETS))
            heard = followers.heard()
        if heard.messages != expected:
            raise RuntimeError(f"{heard.messages} of {expected} messages arrived.")
        return expected

    return work


# By name: the work for a payload of 8 KB, and for one of 1 MiB where the size matters.
WORKS: dict[str, tuple[Callable[[float], Work], Callable[[float], Work] | None]] = {
    "update": (
        lambda n: update(SMALL, int(1500 * n), persist=False),
        lambda n: update(LARGE, int(240 * n), persist=False),
    ),
    "overwrite": (
        lambda n: update(SMALL, int(960 * n), persist=True),
        lambda n: update(LARGE, int(180 * n), persist=True),
    ),
    "append": (lambda n: append(SMALL, int(960 * n)), lambda n: append(LARGE, int(180 * n))),
    "append_rows": (lambda n: append_rows(int(960 * n)), None),
    "create": (lambda n: create(int(480 * n)), None),
    "read": (lambda n: read(SMALL, int(1500 * n)), lambda n: read(LARGE, int(240 * n))),
    "deliver": (lambda n: fan_out(SMALL, int(240 * n)), lambda n: fan_out(LARGE, int(36 * n))),
}
