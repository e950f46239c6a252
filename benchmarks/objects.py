"""Arrays in a bucket and in a folder side by side, and the same objects through obstore alone.

Run by hand: `python -m benchmarks.objects [--count 400]`. The bucket is of a SeaweedFS on this
machine. Medians of single requests are printed, in milliseconds, and the ratios of the bucket to
the folder and to obstore.
"""

from __future__ import annotations

import argparse
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from catalog.storage.objects.client import ObjectStore
from tests.buckets import seaweedfs

from . import peers
from .load import Writer
from .peers import Peer
from .works import new_array

OCTETS = "application/octet-stream"
PORTION = 20
# A row of 8 KB, and a frame of 4 MB.
ROW, FRAME = (1024,), (1024, 1024)


class Stack:
    """An array of frames on one server, and the times of requests in seconds."""

    def __init__(self, peer: Peer, frame: tuple[int, ...], dtype: tuple[str, int]) -> None:
        kind, itemsize = dtype
        structure = {
            "data_type": {"endianness": "little", "kind": kind, "itemsize": itemsize},
            "chunks": [[1], *([size] for size in frame)],
            "shape": [1, *frame],
            "dims": None,
            "resizable": False,
        }
        self.frame, self.body = frame, secrets.token_bytes(_size(frame) * itemsize)
        self.writer = Writer(peer)
        self.path = new_array(peer, [1, *frame], structure)
        self.count = 0
        self.times: dict[str, list[float]] = {"append": [], "overwrite": [], "read": []}

    def run(self, count: int) -> None:
        """Append, overwrite and read `count` frames."""
        for _ in range(count):
            self._timed("append", lambda: self._patch(self.count))
            self.count += 1
        for number in range(count):
            self._timed("overwrite", lambda n=self.count - 1 - number: self._patch(n))
        for number in range(count):
            address = f"/api/v1/array/full/{self.path}?slice={self.count - 1 - number}"
            self._timed("read", lambda a=address: self.writer.get(a, OCTETS))

    def _patch(self, number: int) -> None:
        zeros = ",".join(["0"] * len(self.frame))
        sizes = ",".join(map(str, self.frame))
        address = f"/api/v1/array/full/{self.path}?offset={number},{zeros}&shape=1,{sizes}"
        self.writer.send("PATCH", f"{address}&extend=true", self.body, OCTETS)

    def _timed(self, name: str, call: Callable[[], object]) -> None:
        begun = time.perf_counter()
        call()
        self.times[name].append(time.perf_counter() - begun)


class Bare:
    """The same objects through obstore."""

    def __init__(self, store: ObjectStore, body: bytes) -> None:
        self.store, self.body, self.count = store, body, 0
        self.times: dict[str, list[float]] = {"append": [], "overwrite": [], "read": []}

    def run(self, count: int) -> None:
        """Put new objects, put objects of other names, and get them."""
        for name in ("append", "overwrite", "read"):
            for number in range(self.count, self.count + count):
                begun = time.perf_counter()
                if name == "append":
                    self.store.put_new(f"c/{number}/0", self.body)
                elif name == "overwrite":
                    self.store.put(f"v/{number}", self.body)
                else:
                    bytes(self.store.get(f"c/{number}/0"))
                self.times[name].append(time.perf_counter() - begun)
        self.count += count


def _size(shape: tuple[int, ...]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=400)
    count = parser.parse_args().count
    print("| | folder | bucket | obstore alone | bucket / folder | bucket / obstore |")
    print("| --- | --- | --- | --- | --- | --- |")
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name in ("folder", "bucket"):
            (root / name).mkdir()
        service = stack.enter_context(seaweedfs())
        folder = stack.enter_context(peers.ours(root / "folder"))
        bucket = stack.enter_context(
            peers.ours(root / "bucket", name="bucket", **service.settings())
        )
        for size, frame, dtype, number in (
            ("8 KB", ROW, ("f", 8), count),
            ("4 MB", FRAME, ("u", 4), max(count // 8, PORTION)),
        ):
            both = [Stack(peer, frame, dtype) for peer in (folder, bucket)]
            runs = [*both, Bare(service.store(), both[0].body)]
            # In turns, so that all meet the same load of the machine.
            for _ in range(number // PORTION):
                for one in runs:
                    one.run(PORTION)
            for name in ("append", "overwrite", "read"):
                a, b, c = (1e3 * statistics.median(one.times[name]) for one in runs)
                print(
                    f"| {name} {size} | {a:.2f} | {b:.2f} | {c:.2f} | {b / a:.1f} | {b / c:.1f} |"
                )


if __name__ == "__main__":
    main()
