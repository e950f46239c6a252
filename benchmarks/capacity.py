"""What a number of servers, Redis, a PostgreSQL and a bucket carry, by the costs of operations.

`python -m benchmarks.capacity --servers 3 --append 200 --size 1 --subscribers 5` reads measured
costs (`capacity.json`, from files of `benchmarks.scale --save`), and prints how much of each part
such a load takes, which part is full first, and how many times this load fits. The costs are those
of one machine: measure those of yours. An operation of another size costs what a straight line
through 8 KB and 1 MiB says.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

COSTS = Path(__file__).with_name("capacity.json")
OPERATIONS = ("update", "overwrite", "append", "append_rows", "create", "read")
WRITES = ("update", "overwrite", "append", "append_rows")
STORED = ("overwrite", "append", "append_rows")
PARTS = ("server", "balancer", "redis", "postgresql", "store")
MEGABYTE = 1 << 20
# A row of a table of `benchmarks.scale` has 40 bytes; an append has 100 of them.
ROWS_SIZE = 4000
# Of the measured deliveries: their subscribers, and how many of these there are per worker process.
SUBSCRIBERS = 20
MEASURED = 5
# Part of a processor, or of a network, above which waiting times grow.
FULL = 0.7

Costs = dict[str, dict[str, dict[str, float]]]


@dataclass(frozen=True)
class Site:
    """The parts and what one of each can do. Networks in bytes, disks in flushes per second."""

    servers: int
    processors: int
    redis: int
    database_processors: int
    commits: float
    network: float
    bucket: bool
    store_processors: int


@dataclass(frozen=True)
class Load:
    """Operations per second by name, MB of each, and the subscribers of each written node."""

    rates: dict[str, float]
    size: float
    subscribers: int


def cost(costs: Costs, operation: str, size: float, measure: str) -> float:
    """Return one measure of an operation of `size` bytes."""
    points = sorted((int(at), values[measure]) for at, values in costs[operation].items())
    first, last = points[0], points[-1]
    if first == last:
        return first[1]
    slope = max(last[1] - first[1], 0.0) / (last[0] - first[0])
    return max(first[1] + slope * (size - first[0]), 0.0)


def delivery(costs: Costs, size: float, measure: str) -> float:
    """Return one measure of a delivery to a subscriber, without its part of the write."""
    written = cost(costs, "update", size, measure) / SUBSCRIBERS
    return max(cost(costs, "deliver", size, measure) - written, 0.0)


def usage(costs: Costs, site: Site, load: Load) -> dict[str, float]:
    """Return which part of each resource the load takes; 1 is all of it."""
    size = load.size * MEGABYTE
    rates = load.rates
    # Each worker process that has a subscriber of a node reads its updates from Redis once.
    readers = min(load.subscribers, site.servers * site.processors)

    def total(measure: str) -> float:
        found = 0.0
        for name, rate in rates.items():
            bytes_each = ROWS_SIZE if name == "append_rows" else size
            found += rate * cost(costs, name, bytes_each, measure)
            if name in WRITES:
                count = readers * MEASURED if measure == "redis_ms" else load.subscribers
                found += rate * count * delivery(costs, bytes_each, measure)
        return found

    milliseconds = {part: total(f"{part}_ms") for part in PARTS}
    sizes = {name: ROWS_SIZE if name == "append_rows" else size for name in rates}
    produced = sum(rates[name] * sizes[name] for name in WRITES)
    stored = sum(rates[name] * sizes[name] for name in STORED)
    read = rates["read"] * size
    delivered = produced * load.subscribers
    clients = max(produced, read + delivered)
    # Each direction of a network has its own bandwidth: the busier one counts.
    received = produced * (1 + readers) + read * site.bucket
    sent = produced + stored * site.bucket + read + delivered
    return {
        "servers, processors": milliseconds["server"] / 1e3 / (site.servers * site.processors),
        "Redis, one processor each": milliseconds["redis"] / 1e3 / site.redis,
        "PostgreSQL, processors": milliseconds["postgresql"] / 1e3 / site.database_processors,
        "PostgreSQL, commits": total("commits") / site.commits,
        "store, processors": milliseconds["store"] / 1e3 / site.store_processors,
        "network of each server": max(received, sent) / site.servers / site.network,
        "network of each Redis": produced * max(readers, 1) / site.redis / site.network,
        "network of the balancer": clients / site.network,
        "network of the store": max(stored, read) * site.bucket / site.network,
    }


def main() -> None:
    """Print the usage of each part, and the part that is full first."""
    options = _options()
    site = Site(
        options.servers,
        options.processors,
        options.redis,
        options.database_processors,
        options.commits,
        options.network * 1e9 / 8,
        options.bucket,
        options.store_processors,
    )
    rates = {name: getattr(options, name) for name in OPERATIONS}
    costs = json.loads(options.costs.read_text())["bucket" if options.bucket else "folder"]
    found = usage(costs, site, Load(rates, options.size, options.subscribers))
    print("| part | used |\n| --- | --- |")
    for name, used in found.items():
        print(f"| {name} | {used:.0%} |")
    first = max(found, key=lambda name: found[name])
    if not found[first]:
        raise SystemExit("Give the operations per second, as --append 100.")
    print(f"\nFull first: {first}. This load fits {FULL / found[first]:.1f} times at {FULL:.0%}.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity", description=__doc__)
    parser.add_argument("--servers", type=int, default=1)
    parser.add_argument("--processors", type=int, default=4, help="of each server, and its workers")
    parser.add_argument("--redis", type=int, default=1, help="among which the streams are divided")
    parser.add_argument("--database-processors", type=int, default=4)
    parser.add_argument("--commits", type=float, default=2000, help="a second, that the disk does")
    parser.add_argument("--network", type=float, default=10, help="Gbit/s of each machine")
    parser.add_argument("--store-processors", type=int, default=4)
    parser.add_argument("--bucket", action="store_true", help="data are in a bucket")
    for name in OPERATIONS:
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=0, help="a second")
    parser.add_argument("--size", type=float, default=0.008, help="MB of an operation")
    parser.add_argument("--subscribers", type=int, default=1, help="of each node that is written")
    parser.add_argument("--costs", type=Path, default=COSTS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
