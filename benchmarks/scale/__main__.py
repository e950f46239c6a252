"""What operations cost in each part of a site, and how several servers share them.

`python -m benchmarks.scale` (Linux, as root) runs servers behind HAProxy, with their own PostgreSQL
and Redis, in network namespaces unless they use a bucket, and each server in a control group. It
prints the processor time of one operation in each part, and with `--save` writes these costs.
`--servers 1 2 3 --share 0.25` instead gives each server a quarter of a processor, and prints how
many operations there are in a second, and the ratio to one server. `--latency 0 1 5` prints how
long one request takes with these round trips, in ms, from servers to PostgreSQL, Redis and bucket.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path

from tools.faults.world import Plan

from .delays import delayed
from .meters import Cost, Place, place
from .works import LARGE, SMALL, WORKS, Work

SCALED = ("update", "overwrite", "append_rows", "read", "deliver")
UNITS = ("server_ms", "balancer_ms", "redis_ms", "postgresql_ms", "store_ms")


def main() -> None:
    """Measure, print tables in Markdown, and save the costs."""
    options = _options()
    if options.latency:
        delayed(options.latency, bucket=options.bucket, scale=options.scale)
    elif options.servers:
        scaled(options)
    else:
        costs(options)


def costs(options: argparse.Namespace) -> None:
    """Print the cost of each operation, as medians of some rounds."""
    found: dict[str, dict[str, Cost]] = {}
    plan = Plan(2, balancer=True, bucket=options.bucket, network=not options.bucket)
    print(f"| operation | {' | '.join(UNITS)} | commits | WAL, bytes | Redis, bytes |")
    print(f"|{' --- |' * (len(UNITS) + 4)}")
    with place(plan, None) as site:
        for name, (small, large) in WORKS.items():
            works = {SMALL: small, **({LARGE: large} if large else {})}
            found[name] = {}
            for size, make in works.items():
                cost = _median(site, make(options.scale), options.rounds)
                found[name][str(size)] = cost
                print(f"| {name}, {size >> 10} KiB | {_cells(cost)} |", flush=True)
    if options.save:
        options.save.write_text(json.dumps(found, indent=1) + "\n")


def scaled(options: argparse.Namespace) -> None:
    """Print operations per second with each number of servers, and ratios to the first."""
    print(f"| operation | {' | '.join(f'{n} servers' for n in options.servers)} |")
    print(f"|{' --- |' * (len(options.servers) + 1)}")
    rates: dict[str, list[float]] = {name: [] for name in SCALED}
    for count in options.servers:
        plan = Plan(count, balancer=True, bucket=options.bucket, network=not options.bucket)
        with place(plan, options.share) as site:
            for name in SCALED:
                work = WORKS[name][0](options.scale * options.share)
                work(site)  # caches and connections
                turns = [site.cost(lambda work=work: work(site))[1] for _ in range(options.rounds)]
                rates[name].append(statistics.median(turns))
    for name, values in rates.items():
        cells = [f"{value:,.0f}/s ({value / values[0]:.2f})" for value in values]
        print(f"| {name}, 8 KiB | {' | '.join(cells)} |", flush=True)


def _median(site: Place, work: Work, rounds: int) -> Cost:
    work(site)  # caches and connections
    turns = [site.cost(lambda: work(site))[0] for _ in range(rounds)]
    return {name: statistics.median(turn[name] for turn in turns) for name in turns[0]}


def _cells(cost: Cost) -> str:
    redis = cost["redis_in_bytes"] + cost["redis_out_bytes"]
    times = [f"{cost[unit]:.2f}" for unit in UNITS]
    return " | ".join(
        [*times, f"{cost['commits']:.2f}", f"{cost['wal_bytes']:,.0f}", f"{redis:,.0f}"]
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of operations")
    parser.add_argument("--bucket", action="store_true", help="store data in SeaweedFS")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the costs there")
    parser.add_argument("--servers", type=int, nargs="+", metavar="NUMBER")
    parser.add_argument("--share", type=float, default=0.25, help="of a processor, each server")
    parser.add_argument("--latency", type=float, nargs="+", metavar="MS", help="of a round trip")
    return parser.parse_args()


if __name__ == "__main__":
    main()
