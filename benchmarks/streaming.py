"""Our server and Tiled 0.2.20 side by side, and how near to the machine's limit we come.

Run by hand: `python -m benchmarks.streaming [--rounds 3] [--only NAME] [--quick]`. Every work is
run on each server in turns, so that what else the machine does meets them alike; medians are
printed. `--before FOLDER` compares with the checkout of another version, which is run with the
packages that are installed here.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import redis

from . import peers, works
from .peers import Peer
from .works import LARGE, Figure, Work

SERVERS = {"ours": peers.ours, "tiled": peers.tiled, "bare": peers.bare}
MESSAGES = "ms CPU per 1,000"
EACH = "ms CPU each"
HEADING = """\
| benchmark | unit | this server | Tiled | ratio | target | of bare | processor time | before |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |"""


def the_works(scale: float) -> list[Work]:
    """All works; `scale` below 1 makes each of them shorter."""

    def n(count: int) -> int:
        return max(4, int(count * scale))

    return [
        Work("PUT 8 KB, 1 connection", "/s", 15, works.put_small(1, n(120)), True, EACH, 1 / 15),
        Work("PUT 8 KB, 8 connections", "/s", 15, works.put_small(8, n(200)), True, EACH, 1 / 15),
        Work("PUT 8 KB, persisted", "/s", 1, works.put_small(1, n(120), True), False, EACH),
        Work(
            "PATCH, one row of 1,000 float64",
            "/s",
            15,
            works.append_rows(1000, n(100), 1),
            False,
            EACH,
            1 / 15,
        ),
        Work("PUT 4 MB", "MB/s", 3, works.put_large(n(24), False), True, EACH),
        Work("PUT 4 MB, persisted", "MB/s", 4, works.put_large(n(24), True), False, EACH),
        Work(
            "PATCH 4 MB, appended",
            "MB/s",
            4,
            works.append_rows(LARGE // 8, n(24), LARGE / 1e6),
            False,
            EACH,
        ),
        Work("1 / delay, PUT to received", "/s", 8, works.delay(n(100), False), True),
        Work("1 / delay, persisted", "/s", 8, works.delay(n(100), True)),
        *(
            Work(
                f"fan-out 8 KB to {count}",
                "messages/s",
                reach,
                works.fan_out(count, n(updates)),
                True,
                MESSAGES,
                1 / 25 if count == 200 else None,
            )
            for count, updates, reach in (
                (1, 200, 15),
                (10, 150, 20),
                (50, 100, 20),
                (200, 60, 15),
            )
        ),
        *(
            Work(
                f"fan-out 4 MB to {count}",
                "MB/s",
                3,
                works.fan_out(count, n(updates), LARGE),
                True,
            )
            for count, updates in ((4, 24), (16, 12))
        ),
        Work("replay 8 KB", "items/s", 6, works.replay(n(2000), works.SMALL)),
        Work("replay 4 MB", "MB/s", 3, works.replay(n(100), LARGE)),
        Work("subscriptions opened", "/s", 10, works.opened(n(200), 1), True, EACH),
        Work("table append, 100 rows x 5", "/s", 15, works.append_table(n(80)), False, EACH),
        Work("updates received with 8 writers", "%", 1, works.kept(n(400))),
    ]


@contextmanager
def servers(names: Sequence[str], before: Path | None = None) -> Iterator[list[Peer]]:
    """All servers of these names, and that of the checkout `before`, running."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tiled-bench-")))
        running = []
        for name in names:
            place = folder / name
            place.mkdir()
            running.append(stack.enter_context(SERVERS[name](place)))
        if before is not None:
            place = folder / "before"
            place.mkdir()
            older = peers.ours(place, project=before.resolve(), name="before")
            running.append(stack.enter_context(older))
        yield running


def measure(work: Work, running: Sequence[Peer], rounds: int) -> dict[str, Figure]:
    """Return the medians of `rounds` turns on each server that can do the work."""
    able = [peer for peer in running if work.on_bare or peer.name != "bare"]
    figures: dict[str, list[Figure]] = {peer.name: [] for peer in able}
    for _ in range(rounds):
        for peer in able:
            figures[peer.name].append(work.run(peer))
    return {name: _median(values) for name, values in figures.items()}


def line(work: Work, figures: dict[str, Figure]) -> str:
    """One line of the table."""
    shown = {name: f"{figure.value:,.1f}" for name, figure in figures.items()}
    ours, tiled, bare = (figures.get(name) for name in ("ours", "tiled", "bare"))
    ratio = f"{ours.value / tiled.value:.1f}" if ours and tiled else ""
    fraction = f"{ours.value / bare.value:.0%}" if ours and bare else ""
    cpu = ""
    if work.cpu_unit and ours and ours.cpu is not None:
        cpu = f"{ours.cpu:.2f}"
        if tiled and tiled.cpu:
            cpu += f" / {tiled.cpu:.1f} = 1/{tiled.cpu / max(ours.cpu, 1e-9):.0f}"
        cpu += f" {work.cpu_unit}"
    before = figures.get("before")
    compared = []
    if ours and before:
        compared.append(f"{before.value:,.1f}, now {ours.value / before.value:.0%}")
        if ours.cpu is not None and before.cpu:
            compared.append(f"CPU {before.cpu:.2f}, now {ours.cpu / before.cpu:.0%}")
    cells = [
        work.name,
        work.unit,
        shown.get("ours", ""),
        shown.get("tiled", ""),
        ratio,
        f"{work.reach:g}",
        fraction,
        cpu,
        "; ".join(compared),
    ]
    return f"| {' | '.join(cells)} |"


def bare_client(size: int, count: int) -> float:
    """Payloads of `size` per second that a Redis client alone adds to a stream."""
    with (
        tempfile.TemporaryDirectory(prefix="tiled-bench-") as folder,
        peers.valkey(Path(folder)) as uri,
        redis.Redis.from_url(uri, protocol=2) as client,
    ):
        body, begun = bytes(size), time.perf_counter()
        for _ in range(count):
            client.xadd("log", {"frame": body}, maxlen=100)
        return count / (time.perf_counter() - begun)


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="turns for each work")
    parser.add_argument("--only", default="", help="works whose name holds this text")
    parser.add_argument("--quick", action="store_true", help="a quarter of the requests")
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    parser.add_argument("--before", type=Path, help="a checkout of this project to compare with")
    options = parser.parse_args()
    chosen = [one for one in the_works(0.25 if options.quick else 1.0) if options.only in one.name]
    if not chosen:
        parser.error(f"no work is called {options.only!r}")
    small, large = bare_client(works.SMALL, 2000), bare_client(LARGE, 50) * LARGE / 1e6
    print(f"A Redis client alone: {small:,.0f} x 8 KB per second; {large:,.0f} MB/s of 4 MB.\n")
    print(HEADING)
    with servers(options.servers, options.before) as running:
        for work in chosen:
            print(line(work, measure(work, running, options.rounds)))
            sys.stdout.flush()


def _median(figures: Sequence[Figure]) -> Figure:
    cpus = [figure.cpu for figure in figures if figure.cpu is not None]
    return Figure(
        statistics.median(figure.value for figure in figures),
        statistics.median(cpus) if cpus else None,
    )


if __name__ == "__main__":
    main()
