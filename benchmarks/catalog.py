"""How fast things are found in a catalog of a million nodes.

    python -m benchmarks.catalog --folder /tmp/large
    python -m benchmarks.catalog --folder /tmp/large-pg --database postgresql://...

makes the catalog in the folder (or in the database, which has to be empty) unless it is there
already, starts a server on it, and says how long that takes to answer: one request after the other,
over HTTP, each asking for something else. It fails if a 95th percentile is beyond what is aimed at:
50 ms on PostgreSQL, 150 ms on SQLite.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from .load import Writer
from .peers import KEY, Peer, ours

LARGE = 100_000
"""Children of the container `large`; the other nodes are in containers of a thousand."""
SMALL = 1000
BATCH = 5000
AIMED_AT = {"postgresql": 50.0, "sqlite": 150.0}
SAMPLES = ["Ni", "Fe", "Cu", "Au", "Si", "Ge", "Pt", "Ti", "Mn", "Co"]
WORDS = [
    f"{a}{b}" for a in ("al", "ber", "cor", "dan", "el") for b in ("ma", "ti", "so", "ra", "ne")
]
ADDRESS = "/api/v1/"


def main() -> int:
    """Make, measure, say; the exit status."""
    options = _options()
    make(options.folder, options.nodes, options.database)
    with ours(options.folder, database=options.database) as peer:
        return _measure(peer, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, required=True, help="where the catalog is kept")
    parser.add_argument("--database", default="", help="a PostgreSQL to keep it in instead")
    parser.add_argument("--nodes", type=int, default=1_000_000, help="how many in all")
    parser.add_argument("--times", type=int, default=40, help="how often to ask each question")
    return parser.parse_args()


def metadata(number: int) -> dict[str, Any]:
    """As of a run: a few dozen values, of which some are each node's own and some are common."""
    chance = random.Random(number)
    return {
        "start": {
            "uid": f"{chance.getrandbits(128):032x}",
            "time": 1.7e9 + number,
            "scan_id": number,
            "plan_name": chance.choice(["count", "scan", "grid_scan", "fly"]),
            "detectors": chance.sample(["det", "eiger", "pilatus", "diode"], 2),
            "num_points": chance.randint(1, 500),
            "sample": {"name": chance.choice(SAMPLES), "id": number // 20},
            "proposal": f"pass-{number // 500}",
            "note": " ".join(chance.choices(WORDS, k=8)) + f" unique{number}",
            "versions": {"ophyd": "1.9.0", "bluesky": "1.13.1"},
        },
        "stop": {"exit_status": chance.choice(["success"] * 9 + ["fail"]), "reason": ""},
    }


def make(folder: Path, count: int, database: str = "") -> None:
    """Create a catalog of `count` nodes in the folder, or in the database, unless it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        TILED_SERVER_DATA_DIR=str(folder),
        TILED_DATABASE_URI=database,
        TILED_SINGLE_USER_API_KEY=KEY,
        DJANGO_SETTINGS_MODULE="tiledproject.settings",
    )
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    from catalog.models import Node

    if Node.objects.count() >= count:
        return
    begun, made = time.perf_counter(), 0
    for batch in _batches(count):
        made += len(Node.objects.bulk_create(batch))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")
    took = time.perf_counter() - begun
    print(f"{made:,} nodes made in {took:.0f} s, {1e6 * took / made:.0f} µs each")


def _batches(count: int) -> Iterator[list[Any]]:
    from catalog.models import Node

    root = Node.objects.get(path="")
    large = Node.objects.create(
        parent=root, key="large", path="large", structure_family="container"
    )
    for start in range(0, LARGE, BATCH):
        yield [_node(large, number) for number in range(start, start + BATCH)]
    for start in range(LARGE, count, SMALL):
        key = f"day{start // SMALL}"
        day = Node.objects.create(parent=root, key=key, path=key, structure_family="container")
        yield [_node(day, number) for number in range(start, start + SMALL)]


def _node(parent: Any, number: int) -> Any:
    from catalog.models import Node

    key = f"run{number}"
    return Node(
        parent=parent,
        key=key,
        path=f"{parent.path}/{key}",
        structure_family="container",
        metadata=metadata(number),
        specs=[{"name": "BlueskyRun", "version": "3.0"}],
    )


def questions() -> dict[str, Callable[[int], str]]:
    """Return the requests, each with its address for the n-th time."""
    return {
        "first page": lambda n: "search/large?page[limit]=100",
        "last page, by offset": lambda n: f"search/large?page[offset]={LARGE - 100}",
        "a page in the middle": lambda n: f"search/large?page[offset]={_any(n)}&page[limit]=100",
        "the newest ten": lambda n: "search/large?sort=-&page[limit]=10",
        "how many": lambda n: "search/large?fields=count",
        "look-up by path": lambda n: f"metadata/large/run{_any(n)}",
        "look-up in a search": lambda n: _search("lookup", key=f"run{_any(n)}"),
        "eq, one of 100,000": lambda n: _eq("start.scan_id", _any(n)),
        "eq, 20 of 100,000": lambda n: _eq("start.sample.id", _any(n) // 20),
        "eq, 500 of 100,000": lambda n: _eq("start.proposal", f"pass-{_any(n) // 500}"),
        "a word, one of 100,000": lambda n: _search("fulltext", text=f"unique{_any(n)}"),
        "two words of 500": lambda n: _search("fulltext", text=f"pass {_any(n) // 500}"),
        "eq, everywhere below": lambda n: _eq("start.scan_id", 7 * _any(n), "search-deep/"),
        "a word, everywhere below": lambda n: _search(
            "fulltext", "search-deep/", text=f"unique{7 * _any(n)}"
        ),
    }


def heavy_questions() -> dict[str, Callable[[int], str]]:
    """Return requests that read much of the container; there is no target for these."""
    return {
        "eq, 10,000 of 100,000": lambda n: _eq("start.sample.name", SAMPLES[n % 10]),
        "a word of 27,000": lambda n: _search("fulltext", text=WORDS[n % len(WORDS)]),
        "comparison": lambda n: _search(
            "comparison", operator="gt", key="start.time", value=1.7e9 + _any(n)
        ),
        "sort by metadata": lambda n: "search/large?sort=-start.time&page[limit]=10",
        "sort by key": lambda n: "search/large?sort=-id&page[limit]=10",
        "distinct": lambda n: "distinct/large?metadata=start.sample.name&counts=true",
        "first page of the root": lambda n: "search/?page[limit]=100",
    }


def _any(number: int) -> int:
    return random.Random(number).randrange(LARGE - 100)


def _eq(key: str, value: Any, address: str = "search/large") -> str:
    return _search("eq", address, key=key, value=json.dumps(value))


def _search(kind: str, address: str = "search/large", **values: Any) -> str:
    fields = {f"filter[{kind}][condition][{name}]": value for name, value in values.items()}
    return f"{address}?{urlencode(fields)}"


def _measure(peer: Peer, options: argparse.Namespace) -> int:
    aim = AIMED_AT["postgresql" if options.database else "sqlite"]
    failed = [
        name
        for name, address in questions().items()
        if _p95(peer, name, address, options.times) > aim
    ]
    print("\nWithout an aim:")
    for name, address in heavy_questions().items():
        _p95(peer, name, address, max(options.times // 4, 5))
    if failed:
        print(f"\nBeyond {aim:.0f} ms: {', '.join(failed)}")
    return 1 if failed else 0


def _p95(peer: Peer, name: str, address: Callable[[int], str], times: int) -> float:
    writer = Writer(peer)
    took = []
    for number in range(-3, times):
        target = f"{ADDRESS}{address(number)}".replace("[", "%5B").replace("]", "%5D")
        begun = time.perf_counter()
        answer = writer.send("GET", target, b"", "application/json")
        if number >= 0:
            took.append(1000 * (time.perf_counter() - begun))
    writer.close()
    p95 = statistics.quantiles(took, n=20)[-1]
    found = (json.loads(answer).get("meta") or {}).get("count", "")
    print(f"{name:28} p50 {statistics.median(took):7.1f} ms   p95 {p95:7.1f} ms   {found}")
    return p95


if __name__ == "__main__":
    raise SystemExit(main())
