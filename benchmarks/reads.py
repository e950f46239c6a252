"""Reads, and the making of nodes, side by side with Tiled 0.2.20.

Run by hand: `python -m benchmarks.reads [--rounds 3] [--only NAME] [--quick]`. Every work is run on
each server in turns, so that what else the machine does meets them alike; medians are printed.
`--before FOLDER` compares with the checkout of another version, which is run with the packages that
are installed here.
"""

from __future__ import annotations

import argparse
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .load import Writer
from .peers import Peer
from .streaming import HEADING, line, measure, servers
from .works import LARGE, OCTETS, Figure, Work, new_array

MSGPACK = "application/x-msgpack"
# What the Tiled client asks for where all its decoders are installed.
CLIENT_ENCODINGS = "gzip, deflate, zstd, blosc2"
PAGE = 100
Request = Callable[[Writer], object]


def the_works(scale: float) -> list[Work]:
    """All works; `scale` below 1 makes each of them shorter."""

    def n(count: int) -> int:
        return max(4, int(count * scale))

    return [
        _work("metadata by path", 12, n(200), _metadata),
        _work("search page of 100", 4, n(40), _page),
        _work("4 MB array of noise", 5, n(24), _array(noise, "identity"), LARGE),
        _work("the same, compressed", 5, n(24), _array(noise, CLIENT_ENCODINGS), LARGE),
        _work("4 MB image, compressed", 5, n(24), _array(picture, CLIENT_ENCODINGS), LARGE),
        _work("slice of 1,000 elements", 12, n(200), _slice),
        _work("create a container", 12, n(60), _container),
        _work("create an array", 12, n(60), _array_node),
    ]


def noise() -> np.ndarray[Any, Any]:
    """4 MB that nothing can compress."""
    return np.random.default_rng(0).random(LARGE // 8)


def picture() -> np.ndarray[Any, Any]:
    """4 MB as a detector brings them: counts about a bright spot, in 32 bits."""
    side = int((LARGE // 4) ** 0.5)
    x, y = np.meshgrid(np.linspace(-3, 3, side), np.linspace(-3, 3, side))
    counts = np.random.default_rng(0).poisson(200 * np.exp(-(x**2) - y**2))
    return counts.astype(np.int32)


def _work(
    name: str, reach: float, count: int, prepared: Callable[[Peer], Request], size: int = 0
) -> Work:
    unit = "MB/s" if size else "/s"
    scale = size / 1e6 if size else 1.0
    kept: dict[str, Request] = {}

    def run(peer: Peer) -> Figure:
        if peer.name not in kept:
            kept[peer.name] = prepared(peer)
        return _rate(peer, count, kept[peer.name], scale)

    return Work(name, unit, reach, run, cpu_unit="ms CPU each")


def _rate(peer: Peer, count: int, request: Request, scale: float) -> Figure:
    writer = Writer(peer)
    request(writer)
    cpu, begun = peer.cpu(), time.perf_counter()
    for _ in range(count):
        request(writer)
    taken = time.perf_counter() - begun
    writer.close()
    return Figure(count * scale / taken, 1e3 * (peer.cpu() - cpu) / count)


def _metadata(peer: Peer) -> Request:
    path = _container_of(peer, 0)
    return lambda writer: writer.get(f"/api/v1/metadata/{path}", MSGPACK, CLIENT_ENCODINGS)


def _page(peer: Peer) -> Request:
    path = _container_of(peer, PAGE)
    target = f"/api/v1/search/{path}?page[limit]={PAGE}&fields=metadata&fields=structure"
    return lambda writer: writer.get(target, MSGPACK, CLIENT_ENCODINGS)


def _array(made: Callable[[], np.ndarray[Any, Any]], encoding: str) -> Callable[[Peer], Request]:
    def prepared(peer: Peer) -> Request:
        target = _stored(peer, made())
        return lambda writer: writer.get(target, OCTETS, encoding)

    return prepared


def _slice(peer: Peer) -> Request:
    target = f"{_stored(peer, noise())}?slice=50000:51000&expected_shape=1000"
    return lambda writer: writer.get(target, OCTETS, CLIENT_ENCODINGS)


def _container(peer: Peer) -> Request:
    parent = _container_of(peer, 0)
    return lambda writer: _post(writer, parent, _child())


def _array_node(peer: Peer) -> Request:
    parent = _container_of(peer, 0)
    source = {
        "structure_family": "array",
        "structure": _structure(np.zeros(1000)),
        "mimetype": None,
        "parameters": {},
        "assets": [],
        "management": "writable",
    }
    return lambda writer: _post(
        writer, parent, _child() | {"structure_family": "array", "data_sources": [source]}
    )


def _stored(peer: Peer, array: np.ndarray[Any, Any]) -> str:
    path = new_array(peer, list(array.shape), _structure(array))
    writer = Writer(peer)
    writer.send("PUT", f"/api/v1/array/full/{path}", array.tobytes(), OCTETS)
    writer.close()
    return f"/api/v1/array/full/{path}"


def _structure(array: np.ndarray[Any, Any]) -> dict[str, Any]:
    kind, size = array.dtype.kind, array.dtype.itemsize
    return {
        "data_type": {"endianness": "little", "kind": kind, "itemsize": size, "dt_units": None},
        "shape": array.shape,
        "chunks": [[length] for length in array.shape],
        "dims": None,
        "resizable": False,
    }


def _container_of(peer: Peer, count: int) -> str:
    writer = Writer(peer)
    path = _post(writer, "", _child())["id"]
    for _ in range(count):
        _post(writer, path, _child())
    writer.close()
    return str(path)


def _child() -> dict[str, Any]:
    return {
        "id": f"node{secrets.token_hex(6)}",
        "structure_family": "container",
        "metadata": {"sample": {"name": "a", "temperature": 4.2}, "scan": list(range(10))},
        "data_sources": [],
        "specs": [],
    }


def _post(writer: Writer, parent: str, body: dict[str, Any]) -> Any:
    return writer.post_json(f"/api/v1/metadata/{parent}", body)


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="turns for each work")
    parser.add_argument("--only", default="", help="works whose name holds this text")
    parser.add_argument("--quick", action="store_true", help="a quarter of the requests")
    parser.add_argument("--servers", nargs="+", default=["ours", "tiled"])
    parser.add_argument("--before", type=Path, help="a checkout of this project to compare with")
    options = parser.parse_args()
    chosen = [one for one in the_works(0.25 if options.quick else 1.0) if options.only in one.name]
    if not chosen:
        parser.error(f"no work is called {options.only!r}")
    print(HEADING)
    with servers(options.servers, options.before) as running:
        for work in chosen:
            print(line(work, measure(work, running, options.rounds)), flush=True)


if __name__ == "__main__":
    main()
