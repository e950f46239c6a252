"""What large data cost in memory: 2 GB written and read, and the most that the server held.

Run by hand: `python -m benchmarks.large [--gigabytes 2] [--workers 2]`. The memory is that of the
supervisor and of all workers, as the system counts it (RSS), and what of it belongs to no file.
"""

from __future__ import annotations

import argparse
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa

from . import peers
from .load import Writer
from .peers import KEY, Peer
from .works import ARROW, OCTETS, new_array, new_table

MIB = 1 << 20
PIECE = 8 * MIB
ROW = 1 * MIB
# Below what an answer may have by default.
SLICE = 256 * MIB
EVERY = 0.01


@dataclass
class Memory:
    """The most that was seen, in bytes, beyond what there was at the beginning."""

    resident: int = 0
    own: int = 0


@contextmanager
def watched(peer: Peer) -> Iterator[Memory]:
    """How much more memory than at the beginning the server has at most."""
    most, stop, before = Memory(), threading.Event(), _memory(peer)

    def watch() -> None:
        while not stop.wait(EVERY):
            now = _memory(peer)
            most.resident = max(most.resident, now.resident - before.resident)
            most.own = max(most.own, now.own - before.own)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        stop.set()
        thread.join()


def _memory(peer: Peer) -> Memory:
    root = psutil.Process(peer.process.pid)
    infos = [one.memory_info() for one in (root, *root.children(recursive=True))]
    return Memory(sum(i.rss for i in infos), sum(i.rss - i.shared for i in infos))


def put(peer: Peer, target: str, pieces: Iterator[bytes], length: int, media_type: str) -> None:
    """One PUT of a body that is made piece by piece."""
    with socket.create_connection(("127.0.0.1", peer.port)) as line:
        line.sendall(
            f"PUT {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Apikey {KEY}\r\n"
            f"Content-Type: {media_type}\r\nContent-Length: {length}\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        for piece in pieces:
            line.sendall(piece)
        with line.makefile("rb") as answer:
            status = answer.readline()
    if b" 200 " not in status:
        raise RuntimeError(f"PUT {target}: {status!r}")


def get(peer: Peer, target: str, accept: str) -> tuple[int, int]:
    """How many bytes an answer has, and a sum over its 64-bit words; it is not kept."""
    with socket.create_connection(("127.0.0.1", peer.port)) as line:
        line.sendall(
            f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Apikey {KEY}\r\n"
            f"Accept: {accept}\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n".encode()
        )
        with line.makefile("rb", buffering=PIECE) as answer:
            status, head = answer.readline(), b""
            while (field := answer.readline()) != b"\r\n":
                head += field
            if b" 200 " not in status:
                raise RuntimeError(f"GET {target}: {status!r}")
            size = total = 0
            while data := answer.read(PIECE):
                size += len(data)
                total += int(np.frombuffer(data[: len(data) // 8 * 8], np.uint64).sum())
    return size, total % 2**64


def rows_of(count: int) -> Iterator[bytes]:
    """So many rows of 1 MiB, eight at a time; each is filled with its number."""
    for start in range(0, count, 8):
        numbers = np.arange(start, min(start + 8, count), dtype=np.uint64)
        yield np.repeat(numbers, ROW // 8).tobytes()


def table_file(path: Path, size: int) -> int:
    """Return an Arrow IPC file of about `size` bytes with one batch, as from pandas."""
    rows = size // 16
    table = pa.table({"a": np.arange(rows), "b": np.arange(rows) / 3})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return path.stat().st_size


def pieces_of(path: Path) -> Iterator[bytes]:
    """Yield a file in pieces."""
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


def measure(peer: Peer, name: str, size: int, work: Callable[[], object]) -> None:
    """Run a benchmark, and print a row of the table."""
    begun = time.perf_counter()
    with watched(peer) as most:
        work()
    rate = size / 1e6 / (time.perf_counter() - begun)
    print(f"| {name} | {rate:,.0f} | {most.resident / MIB:,.0f} | {most.own / MIB:,.0f} |")


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    count = int(options.gigabytes * 1024)
    print("| benchmark | MB/s | memory increase, MiB | not backed by a file, MiB |")
    print("| --- | --- | --- | --- |")
    with (
        tempfile.TemporaryDirectory(prefix="tiled-bench-") as folder,
        peers.ours(Path(folder), workers=options.workers) as peer,
    ):
        _warm(peer)
        _arrays(peer, count)
        _tables(peer, count, Path(folder) / "table.arrow")


def _warm(peer: Peer) -> None:
    path = new_array(peer, [ROW // 8])
    for _ in range(50):
        Writer(peer).send("PUT", f"/api/v1/array/full/{path}", bytes(ROW), OCTETS)


def _arrays(peer: Peer, count: int) -> None:
    size, shape = count * ROW, [count, ROW // 8]
    whole, blocks = (new_array(peer, shape, _structure(shape, n)) for n in (count, 64))
    target = f"/api/v1/array/full/{whole}"
    measure(
        peer,
        "write an array, one PUT",
        size,
        lambda: put(peer, target, rows_of(count), size, OCTETS),
    )
    many = SLICE // ROW

    def read(path: str) -> None:
        for start in range(0, count, many):
            stop = min(start + many, count)
            found = get(peer, f"/api/v1/array/full/{path}?slice={start}:{stop}", OCTETS)
            expected = (stop - start) * ROW, sum(range(start, stop)) * (ROW // 8) % 2**64
            assert found == expected, (found, expected)

    measure(peer, "read it in slices of 256 MiB", size, lambda: read(whole))

    def write_blocks() -> None:
        for number, start in enumerate(range(0, count, 64)):
            rows = np.arange(start, min(start + 64, count), dtype=np.uint64)
            body = np.repeat(rows, ROW // 8).tobytes()
            target = f"/api/v1/array/block/{blocks}?block={number},0"
            put(peer, target, iter([body]), len(body), OCTETS)

    measure(peer, "write an array in blocks of 64 MiB", size, write_blocks)
    measure(peer, "read it in slices of 256 MiB", size, lambda: read(blocks))

    def at_once() -> None:
        threads = [threading.Thread(target=read, args=(blocks,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    measure(peer, "read it with four clients at once", 4 * size, at_once)


def _tables(peer: Peer, count: int, file: Path) -> None:
    size = table_file(file, count * ROW)
    with pa.ipc.open_file(pa.memory_map(str(file))) as reader:
        path = new_table(peer, reader.schema)
    target = f"/api/v1/table/partition/{path}?partition=0"
    measure(
        peer,
        "write a table, one PUT",
        size,
        lambda: put(peer, target, pieces_of(file), size, ARROW),
    )
    rows, many = count * ROW // 16, SLICE // 16

    def read() -> None:
        for start in range(0, rows, many):
            get(peer, f"{target}&rows={start}:{min(start + many, rows)}", ARROW)

    measure(peer, "read it in ranges of 256 MiB", size, read)


def _structure(shape: list[int], rows: int) -> dict[str, object]:
    chunks = [min(rows, shape[0] - start) for start in range(0, shape[0], rows)]
    return {
        "data_type": {"endianness": "little", "kind": "u", "itemsize": 8, "dt_units": None},
        "shape": shape,
        "chunks": [chunks, [shape[1]]],
        "dims": None,
        "resizable": False,
    }


if __name__ == "__main__":
    main()
