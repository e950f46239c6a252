"""The Python client side by side with that of Tiled 0.2.20, each on both servers.

Run by hand: `python -m benchmarks.client [--rounds 5] [--only NAME] [--quick]`. Each client has a
process for each server, and does a work in turns with the others, so that the other load of the
machine affects all of them; medians are printed. `--before FOLDER` adds the client of another
checkout, on this server. `--servers ours` leaves Tiled's server out.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.backends.tiled_reference import reference_environment, reference_python

from ..load import Writer
from ..peers import KEY, PROJECT, Peer
from ..streaming import servers
from .driver import KEYS

DRIVER = Path(__file__).with_name("driver.py")
ALL_KEYS = 10_000


@dataclass(frozen=True)
class Work:
    """Something to measure: its name in the table, that of the driver, and the repetitions."""

    title: str
    name: str
    count: int


WORKS = [
    Work("connect", "connecting", 10),
    Work("look up a node", "lookup", 60),
    Work("read an array of 8 KB", "read 8000", 60),
    Work("read 1,000 elements of 4 MB", "slice", 60),
    Work("read a table of 10,000 rows", "table", 30),
    Work("read 4 MB", "read 4000000", 20),
    Work("write 4 MB", "overwrite 4000000", 20),
    Work("create an array of 8 KB", "create 8000", 20),
    Work("append 100 rows to a table", "append", 30),
    Work("list 10,000 keys", "keys", 1),
    Work("first 100 nodes of 10,000", "head", 4),
    Work("read 500 MB", "read 500000000", 1),
    Work("compute 500 MB with dask", "dask 500000000", 1),
    Work("create an array of 500 MB", "create 500000000", 1),
]


@dataclass(frozen=True)
class Client:
    """A process with a client that is connected to a server."""

    kind: str
    server: str
    process: subprocess.Popen[str]

    def measure(self, work: Work, count: int) -> list[tuple[float, float]]:
        """Return seconds, and seconds of processor time, of each repetition."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps({"work": work.name, "count": count}), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"The {self.kind} client on the server {self.server} has failed.")
        return [(wall, cpu) for wall, cpu in json.loads(line)]


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="turns for each work")
    parser.add_argument("--only", default="", help="works whose name holds this text")
    parser.add_argument("--quick", action="store_true", help="a quarter of the requests")
    parser.add_argument(
        "--servers", nargs="+", choices=["ours", "tiled"], default=["ours", "tiled"]
    )
    parser.add_argument(
        "--clients", nargs="+", choices=["ours", "tiled"], default=["ours", "tiled"]
    )
    parser.add_argument("--before", type=Path, help="a checkout of this project to compare with")
    options = parser.parse_args()
    chosen = [work for work in WORKS if options.only in work.title]
    if not chosen:
        parser.error(f"no work is called {options.only!r}")
    with servers(options.servers) as running, ExitStack() as stack:
        if any("10,000" in work.title for work in chosen):
            for peer in running:
                _make_keys(peer, ALL_KEYS // 10 if options.quick else ALL_KEYS)
        clients = [
            stack.enter_context(_client(kind, peer)) for peer in running for kind in options.clients
        ]
        if options.before is not None:
            clients.append(stack.enter_context(_client("before", running[0], options.before)))
        _print_heading(clients)
        for work in chosen:
            count = max(1, work.count // 4) if options.quick else work.count
            _print_line(work, clients, _medians(work, clients, options.rounds, count))


def _medians(
    work: Work, clients: Sequence[Client], rounds: int, count: int
) -> dict[tuple[str, str], tuple[float, float]]:
    """Return the median milliseconds of each client: in all, and of processor time."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for client in clients:
        client.measure(work, 1)
    for turn in range(rounds):
        # The first one of a turn finds other caches than the last one.
        for client in clients if turn % 2 else reversed(clients):
            taken = client.measure(work, count)
            found.setdefault((client.server, client.kind), []).extend(taken)
    return {
        name: (
            1e3 * statistics.median(wall for wall, _ in taken),
            1e3 * statistics.median(cpu for _, cpu in taken),
        )
        for name, taken in found.items()
    }


def _print_heading(clients: Sequence[Client]) -> None:
    cells = ["benchmark"]
    for server in dict.fromkeys(client.server for client in clients):
        kinds = [client.kind for client in clients if client.server == server]
        cells += [*(f"{kind} on {server}, ms (CPU)" for kind in kinds), "ratio"]
    print(f"| {' | '.join(cells)} |\n|{' --- |' * len(cells)}")


def _print_line(
    work: Work, clients: Sequence[Client], medians: dict[tuple[str, str], tuple[float, float]]
) -> None:
    cells = [work.title]
    for server in dict.fromkeys(client.server for client in clients):
        for client in clients:
            if client.server == server:
                wall, cpu = medians[server, client.kind]
                cells.append(f"{wall:,.1f} ({cpu:,.1f})")
        ours = medians.get((server, "ours"))
        others = [
            medians[server, kind] for kind in ("tiled", "before") if (server, kind) in medians
        ]
        cells.append(", ".join(f"{other[0] / ours[0]:.2f}" for other in others) if ours else "")
    print(f"| {' | '.join(cells)} |", flush=True)


@contextmanager
def _client(kind: str, peer: Peer, project: Path = PROJECT) -> Iterator[Client]:
    """Run the driver of a client."""
    environment = reference_environment()
    python = reference_python() if kind == "tiled" else sys.executable
    if kind != "tiled":
        environment["PYTHONPATH"] = str(project.resolve() / "client")
    driver = "tiled" if kind == "tiled" else "ours"
    command = [str(python), str(DRIVER), driver, f"http://127.0.0.1:{peer.port}", KEY]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        yield Client(kind, peer.name, process)
    finally:
        process.terminate()
        process.communicate()


def _make_keys(peer: Peer, count: int) -> None:
    """Create a container with this many children."""
    writer = Writer(peer)
    for path, key in [("", KEYS), *((KEYS, f"node{n:05}") for n in range(count))]:
        body: dict[str, Any] = {"id": key, "structure_family": "container", "data_sources": []}
        body |= {"metadata": {"sample": {"name": "a"}, "scan": 1}, "specs": []}
        writer.post_json(f"/api/v1/metadata/{path}", body)
    writer.close()


if __name__ == "__main__":
    main()
