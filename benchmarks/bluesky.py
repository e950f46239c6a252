"""A run of 10,000 events through `tiled_client.bluesky.Writer` and through bluesky's `TiledWriter`.

Run by hand: `python -m benchmarks.bluesky [--rounds 3] [--events 10000]`. Both write the same
documents to this server, and with `--tiled`, TiledWriter also to Tiled 0.2.20, which takes more
than 100 ms for each event that is written by itself. The time is that from the first
document until the last one is taken, when everything is stored.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tools.backends.tiled_reference import reference_environment, reference_python

from . import peers
from .peers import KEY, PROJECT, Peer

OURS = (("Writer", "ours"), ("TiledWriter", "ours"))
TILED = ("TiledWriter", "tiled")
HEADING = """\
| events at a time | Writer | TiledWriter | ratio | TiledWriter to Tiled | CPU of the server |
| --- | --- | --- | --- | --- | --- |"""


def seconds(kind: str, peer: Peer, events: int, batch_size: int) -> float:
    """Return how long a writer took for one run, in a separate process."""
    environment = {**os.environ, **reference_environment(), "PYTHONPATH": str(PROJECT / "client")}
    script = Path(__file__).parent / "tasks" / "bluesky_run.py"
    arguments = [kind, f"http://127.0.0.1:{peer.port}", KEY, str(events), str(batch_size)]
    done = subprocess.run(
        [reference_python(), script, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[-1])


def rows(running: dict[str, Peer], rounds: int, events: int) -> Iterator[str]:
    """Yield a line of the table for each size of the batches."""
    ways = [*OURS, *([TILED] if TILED[1] in running else [])]
    for batch_size in (1, 100, 10_000):
        taken: dict[tuple[str, str], list[float]] = {way: [] for way in ways}
        spent: dict[tuple[str, str], list[float]] = {way: [] for way in ways}
        for _ in range(rounds):
            for way in ways:
                kind, name = way
                before = running[name].cpu()
                taken[way].append(seconds(kind, running[name], events, batch_size))
                spent[way].append(running[name].cpu() - before)
        times = [statistics.median(taken[way]) for way in ways]
        ours, original, *tiled = (f"{one:.2f} s" for one in times)
        cpu = ", ".join(f"{statistics.median(spent[way]):.1f} s" for way in ways)
        ratio = f"{times[1] / times[0]:.1f}"
        yield f"| {batch_size:,} | {ours} | {original} | {ratio} | {''.join(tiled)} | {cpu} |"


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="turns for each way")
    parser.add_argument("--events", type=int, default=10_000, help="events of the run")
    parser.add_argument("--tiled", action="store_true", help="write to Tiled 0.2.20, too")
    options = parser.parse_args()
    kinds = {"ours": peers.ours, **({"tiled": peers.tiled} if options.tiled else {})}
    print(HEADING)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tiled-bench-")))
        running = {}
        for name, kind in kinds.items():
            (folder / name).mkdir()
            running[name] = stack.enter_context(kind(folder / name))
        for row in rows(running, options.rounds, options.events):
            print(row, flush=True)


if __name__ == "__main__":
    main()
