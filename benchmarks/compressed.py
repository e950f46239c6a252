"""Frames of a 4-megapixel detector, raw and as it compresses them: throughput and processor time.

Run by hand: `python -m benchmarks.compressed [--rounds 5] [--frames 40]`. The frames are uint16
and sparse, as of a photon-counting detector; compressed, they are what HDF5's filter 32008 writes.
They are appended over the ingest endpoint and stored, with and without subscribers.
"""

from __future__ import annotations

import argparse
import io
import statistics
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tiled_client import from_uri
from tiled_client.wire.ingest import decode_reply, encode_header
from tiled_client.wire.subprotocols import INGEST

from . import peers
from .peers import KEY, Peer

SHAPE = (2048, 2048)
ENCODING = "bitshuffle-lz4"
DIFFERENT = 8
HEADING = """\
| frames | subscribers | frames/s | MB/s of the wire | MB/s of data | CPU of the server per frame |
| --- | --- | --- | --- | --- | --- |"""


def detector_frames() -> tuple[list[bytes], list[bytes]]:
    """Return some frames raw, and the same compressed."""
    rng = np.random.default_rng(0)
    raw, compressed = [], []
    with h5py.File(io.BytesIO(), "w") as file:
        for number in range(DIFFERENT):
            frame = rng.poisson(0.02, (1, *SHAPE)).astype("<u2")
            filters = hdf5plugin.Bitshuffle(cname="lz4")
            dataset = file.create_dataset(str(number), data=frame, chunks=frame.shape, **filters)
            compressed.append(bytes(dataset.id.read_direct_chunk((0, 0, 0))[1]))
            raw.append(frame.tobytes())
    return raw, compressed


class Subscriber(threading.Thread):
    """Receives `count` updates and decodes nothing."""

    def __init__(self, peer: Peer, path: str, count: int, *, accepts: bool) -> None:
        super().__init__(daemon=True)
        query = f"?envelope_format=msgpack{f'&accept_encoding={ENCODING}' if accepts else ''}"
        address = f"ws://127.0.0.1:{peer.port}/api/v1/stream/single/{path}{query}"
        headers = {"Authorization": f"Apikey {KEY}"}
        self._connection: ClientConnection = connect(
            address, additional_headers=headers, compression=None, max_size=None
        ).__enter__()
        self._connection.recv()
        self._count = count

    def run(self) -> None:
        """Receive them all."""
        for _ in range(self._count):
            self._connection.recv()
        self._connection.close()


def append(peer: Peer, path: str, frames: list[bytes], count: int, encoding: str | None) -> None:
    """Append `count` frames, with a window that is kept full, and wait for all of them."""
    with connect(
        f"ws://127.0.0.1:{peer.port}/api/v1/ingest",
        subprotocols=[Subprotocol(INGEST)],
        additional_headers={"Authorization": f"Apikey {KEY}"},
        compression=None,
        max_size=None,
    ) as connection:
        hello = decode_reply(connection.recv())  # type: ignore[arg-type]
        opening = {"op": "open", "handle": 1, "path": path, "producer": "benchmark-producer"}
        connection.send(encode_header(opening))
        connection.recv()
        extra: dict[str, Any] = {"encoding": encoding} if encoding else {}
        window = min(int(hello["window_frames"]), int(hello["window_bytes"]) // len(frames[0]) or 1)
        applied = 0
        for number in range(1, count + 1):
            while number - applied > window:
                applied = _applied(connection)
            header = {"op": "append", "handle": 1, "sequence": number, **extra}
            connection.send(encode_header(header) + frames[number % len(frames)])
        while applied < count:
            applied = _applied(connection)


def _applied(connection: ClientConnection) -> int:
    reply = decode_reply(connection.recv())  # type: ignore[arg-type]
    assert reply["type"] == "ack", reply
    return int(reply["applied"])


def measure(
    peer: Peer, frames: list[bytes], count: int, encoding: str | None, subscribers: list[bool]
) -> tuple[float, float]:
    """Return frames per second, and seconds of processor time of the server per frame."""
    client = from_uri(f"http://127.0.0.1:{peer.port}", api_key=KEY)
    empty = np.empty((0, *SHAPE), "<u2")
    node = client.write_array(empty, codec=encoding)
    path = "/".join(node.path)
    append(peer, path, frames, 2, encoding)
    node.delete(external_only=False)
    node = client.write_array(empty, codec=encoding)
    path = "/".join(node.path)
    threads = [Subscriber(peer, path, count, accepts=accepts) for accepts in subscribers]
    for thread in threads:
        thread.start()
    cpu, begun = peer.cpu(), time.perf_counter()
    append(peer, path, frames, count, encoding)
    for thread in threads:
        thread.join()
    taken, used = time.perf_counter() - begun, peer.cpu() - cpu
    node.delete(external_only=False)
    return count / taken, used / count


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=40)
    options = parser.parse_args()
    raw, compressed = detector_frames()
    audiences = {"none": [], "1": [False], "10": [False] * 10}
    runs = [("raw", raw, None, name, who) for name, who in audiences.items()]
    able = {"none": [], "1, accepts it": [True], "10, accept it": [True] * 10, "10": [False] * 10}
    runs += [(ENCODING, compressed, ENCODING, name, who) for name, who in able.items()]
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        peer = stack.enter_context(peers.ours(folder))
        for _ in range(options.rounds):
            for name, frames, encoding, audience, who in runs:
                one = measure(peer, frames, options.frames, encoding, who)
                found.setdefault((name, audience), []).append(one)
    print(HEADING)
    for name, frames, _, audience, _ in runs:
        rate = statistics.median(rate for rate, _ in found[name, audience])
        cpu = statistics.median(cpu for _, cpu in found[name, audience])
        size = sum(map(len, frames)) / len(frames) / 1e6
        print(
            f"| {name} | {audience} | {rate:,.0f} | {rate * size:,.0f} | "
            f"{rate * len(raw[0]) / 1e6:,.0f} | {cpu * 1e3:.1f} ms |",
            flush=True,
        )


if __name__ == "__main__":
    main()
