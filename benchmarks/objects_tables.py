"""Tables in a bucket and in a folder side by side: appends of 100 rows, and reads.

Run by hand: `python -m benchmarks.objects_tables [--appends 2000] [--database URI]`. The bucket is
of a SeaweedFS on this machine. With `--database`, a PostgreSQL in which databases may be created,
both are measured with that too. Medians are printed, of single appends and reads in milliseconds;
the mean of appends, which includes moving rows to objects; and the ratio of bucket to folder.
"""

from __future__ import annotations

import argparse
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import numpy as np
import pyarrow as pa

from tests.buckets import seaweedfs

from . import peers
from .load import Writer
from .peers import Peer
from .works import ARROW, ipc_file, new_table

PORTION = 50
READS = 15


class Table:
    """A table on one server, and the times of the appends to it in seconds."""

    def __init__(self, peer: Peer, rows: pa.Table) -> None:
        self.peer, self.body, self.times = peer, ipc_file(rows), list[float]()
        self.writer, self.path = Writer(peer), new_table(peer, rows.schema)

    def append(self, count: int) -> None:
        """Append the rows this many times."""
        target = f"/api/v1/table/partition/{self.path}?partition=0"
        for _ in range(count):
            self.times.append(timed(lambda: self.writer.send("PATCH", target, self.body, ARROW)))

    def read(self, query: str) -> float:
        """Return the median time in milliseconds of a read."""
        target = f"/api/v1/table/full/{self.path}?{query}"
        found = [timed(lambda: self.writer.get(target, ARROW)) for _ in range(READS)]
        return 1e3 * statistics.median(found)


def timed(function: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


def compare(folder: Peer, bucket: Peer, appends: int) -> Iterator[tuple[str, float, float]]:
    """Yield what was measured: folder, and bucket, in milliseconds."""
    rows = pa.table({name: np.random.default_rng(0).random(100) for name in "abcde"})
    both = [Table(peer, rows) for peer in (folder, bucket)]
    for table in both:
        table.append(PORTION)
        table.times.clear()
    # In turns, so that both meet the same load of the machine.
    for _ in range(appends // PORTION):
        for table in both:
            table.append(PORTION)
    yield ("append 100 rows, median", *(1e3 * statistics.median(t.times) for t in both))
    yield ("append 100 rows, mean", *(1e3 * statistics.fmean(t.times) for t in both))
    total = 100 * len(both[0].times)
    for name, query in (
        ("read all rows", ""),
        ("read one column", "column=a"),
        ("read 100 rows in the middle", f"rows={total // 2}:{total // 2 + 100}"),
        ("read the last 100 rows", f"rows={total - 100}:{total}"),
    ):
        yield (name, *(table.read(query) for table in both))


@contextmanager
def databases(uri: str, count: int) -> Iterator[list[str]]:
    """Create databases in a PostgreSQL; drop them at the end."""
    import psycopg

    names = [f"bench_{secrets.token_hex(6)}" for _ in range(count)]
    with psycopg.connect(uri, autocommit=True) as connection:
        for name in names:
            connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield [urlunsplit(urlsplit(uri)._replace(path=f"/{name}")) for name in names]
        finally:
            for name in names:
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--appends", type=int, default=2000)
    parser.add_argument("--database", default="", help="a PostgreSQL, as postgresql://...")
    chosen = parser.parse_args()
    print("| database | | folder | bucket | ratio |\n| --- | --- | --- | --- | --- |")
    for kind in ["SQLite", *(["PostgreSQL"] if chosen.database else [])]:
        with ExitStack() as stack:
            root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            for name in ("folder", "bucket"):
                (root / name).mkdir()
            service = stack.enter_context(seaweedfs())
            uris = ["", ""]
            if kind == "PostgreSQL":
                uris = stack.enter_context(databases(chosen.database, 2))
            folder = stack.enter_context(peers.ours(root / "folder", database=uris[0]))
            in_bucket = service.settings()
            bucket = stack.enter_context(
                peers.ours(root / "bucket", database=uris[1], name="bucket", **in_bucket)
            )
            for name, one, other in compare(folder, bucket, chosen.appends):
                print(f"| {kind} | {name} | {one:.2f} | {other:.2f} | {other / one:.2f} |")


if __name__ == "__main__":
    main()
