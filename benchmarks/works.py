"""What is measured: each work sets up its nodes, runs, and gives one number; larger is better.

The payload of an update begins with the moment at which it was sent (`perf_counter`, which all
processes of a machine share), so that a subscriber knows how long it took.
"""

from __future__ import annotations

import base64
import io
import secrets
import statistics
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from .load import Writer, following, write_from
from .peers import Peer

SMALL = 8192
LARGE = 4 << 20
OCTETS = "application/octet-stream"
ARROW = "application/vnd.apache.arrow.file"
WRITERS = 8


@dataclass(frozen=True)
class Figure:
    """One measurement: `value` in the work's unit, and processor time of the server for it."""

    value: float
    cpu: float | None = None


@dataclass(frozen=True)
class Work:
    """Something to measure. `reach` is how many times Tiled's value is aimed at."""

    name: str
    unit: str
    reach: float
    run: Callable[[Peer], Figure]
    on_bare: bool = False
    cpu_unit: str = ""
    cpu_reach: float | None = None
    """The fraction of Tiled's processor time that is aimed at."""


def put_small(connections: int, count: int, persist: bool = False) -> Callable[[Peer], Figure]:
    """PUT of 8 KB: requests per second, ms of processor time each."""

    def run(peer: Peer) -> Figure:
        path = new_array(peer, [SMALL // 8])
        return _rate(peer, connections, count, lambda _: _put(path, stamped(SMALL), persist), 1.0)

    return run


def put_large(count: int, persist: bool) -> Callable[[Peer], Figure]:
    """PUT of 4 MB: MB per second."""

    def run(peer: Peer) -> Figure:
        path, body = new_array(peer, [LARGE // 8]), stamped(LARGE)
        return _rate(peer, 1, count, lambda _: _put(path, body, persist), LARGE / 1e6)

    return run


def append_rows(width: int, count: int, scale: float) -> Callable[[Peer], Figure]:
    """PATCH that extends an array by a row of `width` float64, persisted."""

    def run(peer: Peer) -> Figure:
        path, body = new_array(peer, [1, width]), bytes(width * 8)

        def request(number: int) -> tuple[str, str, bytes, str]:
            query = f"offset={number + 1},0&shape=1,{width}&extend=True"
            return "PATCH", f"/api/v1/array/full/{path}?{query}", body, OCTETS

        return _rate(peer, 1, count, request, scale)

    return run


def append_table(count: int) -> Callable[[Peer], Figure]:
    """PATCH that appends 100 rows of 5 columns to a table."""

    def run(peer: Peer) -> Figure:
        table = pa.table({name: np.random.default_rng(0).random(100) for name in "abcde"})
        path, body = new_table(peer, table.schema), ipc_file(table)
        target = f"/api/v1/table/partition/{path}?partition=0"
        return _rate(peer, 1, count, lambda _: ("PATCH", target, body, ARROW), 1.0)

    return run


def delay(count: int, persist: bool) -> Callable[[Peer], Figure]:
    """From the beginning of a PUT of 8 KB until a subscriber has it: 1 / median, per second."""

    def run(peer: Peer) -> Figure:
        path = new_array(peer, [SMALL // 8])
        with following(peer, [path], count, keep=SMALL) as followers:
            write_from(peer, 1, count, lambda _: _put(path, stamped(SMALL), persist))
            return Figure(1 / statistics.median(followers.heard().delays))

    return run


def fan_out(subscribers: int, count: int, size: int = SMALL) -> Callable[[Peer], Figure]:
    """Messages (or MB, of large ones) per second to many subscribers of one node."""

    def run(peer: Peer) -> Figure:
        path, body = new_array(peer, [size // 8]), stamped(size)
        with following(peer, [path] * subscribers, subscribers * count) as followers:
            cpu, begun = peer.cpu(), time.perf_counter()
            write_from(peer, 4, count, lambda _: _put(path, body, False))
            heard = followers.heard()
            cpu = peer.cpu() - cpu
        scale = 1.0 if size == SMALL else size / 1e6
        return Figure(
            heard.messages * scale / (heard.last - begun), 1e6 * cpu / max(heard.messages, 1)
        )

    return run


def replay(count: int, size: int) -> Callable[[Peer], Figure]:
    """Items (or MB, of large ones) per second to a subscriber that asks for the history."""
    kept: dict[str, str] = {}

    def run(peer: Peer) -> Figure:
        if peer.name not in kept:
            kept[peer.name] = path = new_array(peer, [size // 8])
            write_from(peer, 4, count, lambda _: _put(path, stamped(size), False))
        with following(peer, [kept[peer.name]], count, start=1) as followers:
            heard = followers.heard()
        amount = heard.messages * (1.0 if size == SMALL else size / 1e6)
        return Figure(amount / (heard.last - heard.begun))

    return run


def opened(count: int, nodes: int) -> Callable[[Peer], Figure]:
    """Subscriptions opened per second, until the schema has come."""

    def run(peer: Peer) -> Figure:
        paths = [new_array(peer, [4]) for _ in range(nodes)]
        cpu = peer.cpu()
        with following(peer, [paths[n % nodes] for n in range(count)], 1) as followers:
            return Figure(count / followers.opened, 1e3 * (peer.cpu() - cpu) / count)

    return run


def kept(count: int) -> Callable[[Peer], Figure]:
    """With 8 writers: which fraction of the updates the subscriber gets."""

    def run(peer: Peer) -> Figure:
        path = new_array(peer, [SMALL // 8])
        with following(peer, [path], count, keep=SMALL) as followers:
            write_from(peer, WRITERS, count, lambda _: _put(path, stamped(SMALL), False))
            heard = followers.heard()
        assert heard.sequences == sorted(set(heard.sequences)), "out of order, or twice"
        return Figure(100 * len(heard.sequences) / count)

    return run


def new_array(peer: Peer, shape: list[int], structure: Any = None) -> str:
    """Create an array of float64 in one chunk, or of `structure`; return its path."""
    if structure is not None:
        return _create(peer, "array", structure, None)
    data_type = {"endianness": "little", "kind": "f", "itemsize": 8, "dt_units": None}
    structure = {
        "data_type": data_type,
        "shape": shape,
        "chunks": [[size] for size in shape],
        "dims": None,
        "resizable": False,
    }
    return _create(peer, "array", structure, None)


def new_table(peer: Peer, schema: pa.Schema) -> str:
    """Create a table to append rows to; return its path."""
    uri = "data:application/vnd.apache.arrow.file;base64,"
    structure = {
        "arrow_schema": uri + base64.b64encode(schema.serialize().to_pybytes()).decode(),
        "npartitions": 1,
        "columns": schema.names,
        "resizable": False,
    }
    return _create(peer, "table", structure, "application/x-tiled-sql-table")


def stamped(size: int) -> bytes:
    """Return a payload of this many bytes that begins with the current time."""
    return struct.pack("<d", time.perf_counter()) + bytes(size - 8)


def ipc_file(table: pa.Table) -> bytes:
    """Return a table as an Arrow IPC file."""
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _create(peer: Peer, family: str, structure: Any, mimetype: str | None) -> str:
    key = f"{family}{secrets.token_hex(6)}"
    source = {
        "structure_family": family,
        "structure": structure,
        "mimetype": mimetype,
        "parameters": {},
        "assets": [],
        "management": "writable",
    }
    writer = Writer(peer)
    writer.post_json(
        "/api/v1/metadata/",
        {
            "id": key,
            "structure_family": family,
            "metadata": {},
            "data_sources": [source],
            "specs": [],
        },
    )
    writer.close()
    return key


def _put(path: str, body: bytes, persist: bool) -> tuple[str, str, bytes, str]:
    query = "" if persist else "?persist=False"
    return "PUT", f"/api/v1/array/full/{path}{query}", body, OCTETS


def _rate(
    peer: Peer,
    connections: int,
    count: int,
    request: Callable[[int], tuple[str, str, bytes, str]],
    scale: float,
) -> Figure:
    cpu, begun = peer.cpu(), time.perf_counter()
    write_from(peer, connections, count, request)
    taken = time.perf_counter() - begun
    return Figure(count * scale / taken, 1e3 * (peer.cpu() - cpu) / count)
