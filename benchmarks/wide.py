"""Tables of many columns: what each operation takes at 1,000 columns, and at ten times as many.

Run by hand: `python -m benchmarks.wide [--rounds 3] [--before FOLDER]`. Each cost should grow with
the number of columns, not with its square: where the last figure is far beyond 10, it does not.
Medians in milliseconds are printed. `--before FOLDER` measures the checkout of another version in
turns with this one.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa

from .load import Writer
from .peers import Peer
from .streaming import servers
from .works import ARROW, ipc_file, new_table

COLUMNS = (1_000, 10_000)
FORMATS = ("application/json", "text/csv", ARROW)


def operations(peer: Peer, columns: int) -> dict[str, float]:
    """Write and read a table with this many columns; return the seconds that each step took."""
    table = pa.table({f"pv_{number:05d}": [1.0] for number in range(columns)})
    body, found = ipc_file(table), dict[str, float]()
    writer = Writer(peer)

    def timed(name: str, function: Callable[[], object]) -> None:
        begun = time.perf_counter()
        function()
        found[name] = time.perf_counter() - begun

    paths: list[str] = []
    timed("make", lambda: paths.append(new_table(peer, table.schema)))
    (path,) = paths
    place = f"/api/v1/table/partition/{path}?partition=0"
    timed("append the first row", lambda: writer.send("PATCH", place, body, ARROW))
    timed("append another", lambda: writer.send("PATCH", place, body, ARROW))
    for media_type in FORMATS:
        full = partial(writer.get, f"/api/v1/table/full/{path}", media_type)
        timed(f"read as {media_type}", full)
    one = f"/api/v1/array/full/{path}/{table.column_names[-1]}"
    timed("read one column", lambda: writer.get(one, "application/octet-stream"))
    timed("describe", lambda: writer.get(f"/api/v1/metadata/{path}", "application/json"))
    writer.close()
    return found


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="turns for each size")
    parser.add_argument("--before", type=Path, help="a checkout of this project to compare with")
    options = parser.parse_args()
    few, many = COLUMNS
    print(f"| operation | server | {few:,} columns, ms | {many:,} columns, ms | times |")
    print("| --- | --- | --- | --- | --- |")
    taken: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    with servers(["ours"], options.before) as running:
        for _ in range(options.rounds):
            for columns in COLUMNS:
                for peer in running:
                    for name, seconds in operations(peer, columns).items():
                        taken[name, peer.name, columns].append(1e3 * seconds)
        for name, server in dict.fromkeys((name, server) for name, server, _ in taken):
            small, large = (statistics.median(taken[name, server, size]) for size in COLUMNS)
            print(f"| {name} | {server} | {small:,.1f} | {large:,.1f} | {large / small:.1f} |")


if __name__ == "__main__":
    main()
