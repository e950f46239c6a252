"""Writes over one connection: our ingest endpoint, Tiled 0.2.20 and the bare server side by side.

Run by hand: `python -m benchmarks.ingest [--rounds 5] [--only NAME] [--quick]`. Ours is written to
by frames with a window; Tiled and the bare server by one request after another, which is what a
producer of theirs does. Another run of this server is on the database `--postgresql URI`.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tiled_client.wire.ingest import decode_reply, encode_header
from tiled_client.wire.subprotocols import INGEST

from . import peers, works
from .load import Writer
from .peers import KEY, Peer
from .works import ARROW, LARGE, OCTETS, SMALL

BARE = "bare"
HEADING = """\
| work | unit | ours | on PostgreSQL | Tiled | bare | ours / Tiled | ours / bare | own CPU |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |"""

Request = tuple[str, str, bytes, str]


@dataclass(frozen=True)
class Target:
    """A node to write to, and both ways to write `number` times."""

    path: str
    header: Callable[[int], dict[str, Any]]
    body: bytes
    request: Callable[[int], Request]


@dataclass(frozen=True)
class IngestWork:
    """Something to measure: `paced` writes are acknowledged one by one, at 50 per second."""

    name: str
    unit: str
    target: Callable[[Peer], Target]
    count: int
    scale: float = 1.0
    paced: bool = False


class Producer:
    """One connection to the ingest endpoint, which keeps a window of frames full."""

    def __init__(self, peer: Peer, path: str) -> None:
        self._connection: ClientConnection = connect(
            f"ws://127.0.0.1:{peer.port}/api/v1/ingest",
            subprotocols=[Subprotocol(INGEST)],
            additional_headers={"Authorization": f"Apikey {KEY}"},
            compression=None,
            max_size=None,
        ).__enter__()
        hello = self._next()
        self._frames = int(hello["window_frames"])
        self._bytes = int(hello["window_bytes"])
        self._connection.send(
            encode_header({"op": "open", "handle": 1, "path": path, "producer": "benchmark"})
        )
        assert self._next()["type"] == "opened"
        self._applied = 0
        self._sent = 0
        self._changed = threading.Condition()
        threading.Thread(target=self._receive, daemon=True).start()

    def send(self, header: dict[str, Any], body: bytes) -> None:
        """Send a frame as soon as the window has room for it."""
        window = max(1, min(self._frames, self._bytes // (len(body) + 256)))
        with self._changed:
            self._changed.wait_for(lambda: self._sent - self._applied < window)
            self._sent += 1
            fields = {**header, "handle": 1, "sequence": self._sent}
        self._connection.send(encode_header(fields) + body)

    def flush(self) -> None:
        """Wait until everything is acknowledged."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._sent == self._applied, 60)

    def close(self) -> None:
        """Disconnect."""
        self._connection.close()

    def _next(self) -> dict[str, Any]:
        message = self._connection.recv()
        assert isinstance(message, bytes)
        return decode_reply(message)

    def _receive(self) -> None:
        with contextlib.suppress(Exception):  # the connection was closed
            while True:
                reply = self._next()
                if reply["type"] == "error":
                    print(reply, file=sys.stderr)
                elif reply["type"] == "ack":
                    with self._changed:
                        self._applied = reply["applied"]
                        self._changed.notify_all()


def write_whole(size: int, persist: bool) -> Callable[[Peer], Target]:
    """Overwrite an array of float64."""

    def target(peer: Peer) -> Target:
        path = "x" if peer.name == BARE else works.new_array(peer, [size // 8])
        query = "" if persist else "?persist=False"
        where, body = f"/api/v1/array/full/{path}{query}", works.stamped(size)
        header = {"op": "write"} if persist else {"op": "write", "persist": False}
        return Target(path, lambda _: header, body, lambda _: ("PUT", where, body, OCTETS))

    return target


def append_frames(size: int) -> Callable[[Peer], Target]:
    """Append a row of float64 to an array; the bare server passes it on only."""

    def target(peer: Peer) -> Target:
        width, body = size // 8, works.stamped(size)
        path = "x" if peer.name == BARE else works.new_array(peer, [1, width])

        def request(number: int) -> Request:
            query = f"offset={number + 1},0&shape=1,{width}&extend=True"
            method = "PUT" if peer.name == BARE else "PATCH"
            return method, f"/api/v1/array/full/{path}?{query}", body, OCTETS

        return Target(path, lambda _: {"op": "append"}, body, request)

    return target


def append_rows(peer: Peer) -> Target:
    """Append 10 rows of 5 columns to a table; the bare server passes them on only."""
    table = pa.table({name: np.random.default_rng(0).random(10) for name in "abcde"})
    path = "x" if peer.name == BARE else works.new_table(peer, table.schema)
    body, where = works.ipc_file(table), f"/api/v1/table/partition/{path}?partition=0"
    method = "PUT" if peer.name == BARE else "PATCH"
    return Target(path, lambda _: {"op": "append"}, body, lambda _: (method, where, body, ARROW))


def the_works(scale: float) -> list[IngestWork]:
    """All works; `scale` below 1 makes each of them shorter."""

    def n(count: int) -> int:
        return max(10, int(count * scale))

    small, large = write_whole(SMALL, persist=False), LARGE / 1e6
    return [
        IngestWork("8 KB, not persisted", "/s", small, n(4000)),
        IngestWork("8 KB appended, persisted", "/s", append_frames(SMALL), n(2000)),
        IngestWork("table append, 10 rows x 5", "/s", append_rows, n(2000)),
        IngestWork("4 MB, not persisted", "MB/s", write_whole(LARGE, False), n(50), large),
        IngestWork("4 MB appended, persisted", "MB/s", append_frames(LARGE), n(50), large),
        IngestWork("latency at 50/s, not persisted", "ms", small, n(100), paced=True),
        IngestWork("latency at 50/s, persisted", "ms", append_frames(SMALL), n(100), paced=True),
    ]


def run(work: IngestWork, peer: Peer) -> tuple[float, float]:
    """Return the figure of one turn, and milliseconds of processor time of each write."""
    target, ours = work.target(peer), peer.name.startswith("ours")
    # Tiled takes a tenth of a second for many of them: it gets fewer. The rate is the same.
    count = work.count if peer.name != "tiled" or work.paced else max(10, work.count // 40)
    cpu, begun = peer.cpu(), time.perf_counter()
    delays = (_by_frames if ours else _by_requests)(peer, target, count, paced=work.paced)
    taken = time.perf_counter() - begun
    cpu = 1e3 * (peer.cpu() - cpu) / count
    return (1e3 * statistics.median(delays) if work.paced else count * work.scale / taken), cpu


def _by_frames(peer: Peer, target: Target, count: int, *, paced: bool) -> list[float]:
    producer = Producer(peer, target.path)

    def write(number: int) -> None:
        producer.send(target.header(number), target.body)
        if paced:
            producer.flush()

    delays = _repeat(write, count, paced=paced)
    producer.flush()
    producer.close()
    return delays


def _by_requests(peer: Peer, target: Target, count: int, *, paced: bool) -> list[float]:
    writer = Writer(peer)
    delays = _repeat(lambda number: writer.send(*target.request(number)), count, paced=paced)
    writer.close()
    return delays


def _repeat(write: Callable[[int], object], count: int, *, paced: bool) -> list[float]:
    delays = []
    for number in range(count):
        begun = time.perf_counter()
        write(number)
        delays.append(time.perf_counter() - begun)
        if paced:
            time.sleep(max(0.0, 0.02 - delays[-1]))
    return delays


@contextmanager
def servers(names: Sequence[str], postgresql: str) -> Iterator[list[Peer]]:
    """Run the servers with these names, and ours once more on PostgreSQL if its URI is given."""
    kinds = {"ours": peers.ours, "tiled": peers.tiled, BARE: peers.bare}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tiled-bench-")))
        running = []
        for name in names:
            (folder / name).mkdir()
            running.append(stack.enter_context(kinds[name](folder / name)))
        if postgresql:
            (folder / "postgresql").mkdir()
            other = peers.ours(folder / "postgresql", database=postgresql, name="ours-postgresql")
            running.append(stack.enter_context(other))
        yield running


def line(work: IngestWork, figures: dict[str, tuple[float, float]]) -> str:
    """One line of the table; ratios of latencies are those of their inverses."""
    names = ("ours", "ours-postgresql", "tiled", BARE)
    shown = [f"{figures[name][0]:,.2f}" if name in figures else "" for name in names]
    ratios = []
    for other, form in (("tiled", "{:.0f}"), (BARE, "{:.0%}")):
        if other in figures and "ours" in figures:
            ratio = figures["ours"][0] / figures[other][0]
            ratios.append(form.format(1 / ratio if work.paced else ratio))
        else:
            ratios.append("")
    cpu = f"{figures['ours'][1]:.3f} ms" if "ours" in figures else ""
    return f"| {' | '.join([work.name, work.unit, *shown, *ratios, cpu])} |"


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="turns for each work")
    parser.add_argument("--only", default="", help="works whose name holds this text")
    parser.add_argument("--quick", action="store_true", help="a quarter of the writes")
    parser.add_argument("--postgresql", default="", help="URI of an empty database")
    known = ["ours", "tiled", BARE]
    parser.add_argument("--servers", nargs="+", choices=known, default=known)
    options = parser.parse_args()
    chosen = [one for one in the_works(0.25 if options.quick else 1.0) if options.only in one.name]
    if not chosen:
        parser.error(f"no work is called {options.only!r}")
    print(HEADING)
    with servers(options.servers, options.postgresql) as running:
        for work in chosen:
            turns: dict[str, list[tuple[float, float]]] = {peer.name: [] for peer in running}
            for _ in range(options.rounds):
                for peer in running:
                    turns[peer.name].append(run(work, peer))
            medians = {
                name: (statistics.median(f for f, _ in each), statistics.median(c for _, c in each))
                for name, each in turns.items()
            }
            print(line(work, medians), flush=True)


if __name__ == "__main__":
    main()
