"""Cost of reductions and of regions of interest, of frames of 2048 x 2048 uint16.

Run by hand: `python -m benchmarks.reductions [--rounds 3] [--frames 40]`. The first table has the
time of one computation, without a server. The second has the processor time of a server with one
worker for each frame that is written, with no subscriber and with twenty: twenty that request the
same take one computation, and their sockets.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from tiled_client.wire.reductions import Reduction
from tiled_client.wire.roi import RegionsOfInterest

from .load import following, write_from
from .peers import Peer
from .streaming import servers
from .works import OCTETS, new_array

SIDE = 2048
FRAME = np.random.default_rng(0).integers(0, 60_000, (SIDE, SIDE), "<u2")
STRUCTURE = {
    "data_type": {"endianness": "little", "kind": "u", "itemsize": 2, "dt_units": None},
    "shape": [SIDE, SIDE],
    "chunks": [[SIDE], [SIDE]],
    "dims": None,
    "resizable": False,
}
REDUCTIONS = ("mean:4,4", "sum:4,4", "max:4,4", "mean:8,8", "mean:3,3")
REGIONS = (":,:", "500:700,500:700", ";".join(f"{n}00:{n}50,0:50" for n in range(1, 9)))
VIEWERS = 20


def computations() -> dict[str, Callable[[], object]]:
    """Return what is computed of a frame, by the text of the request."""
    found: dict[str, Callable[[], object]] = {
        "numpy: reshape(512, 4, 512, 4).mean(axis=(1, 3))": partial(
            FRAME.reshape(SIDE // 4, 4, SIDE // 4, 4).mean, axis=(1, 3), dtype=np.float32
        )
    }
    for text in REDUCTIONS:
        found[f"reduce={text}"] = partial(Reduction.parse(text).apply, FRAME)
    for text in REGIONS:
        found[f"roi={text}"] = partial(RegionsOfInterest.parse(text).statistics, FRAME)
    return found


def queries() -> dict[str, list[str]]:
    """Return the parameters of the subscribers in each case."""
    distinct = [f"reduce=mean:4,4&slice={4 * n}:,:" for n in range(VIEWERS)]
    return {
        "no subscriber": [],
        "1, `mean:4,4`": ["reduce=mean:4,4"],
        "20, all `mean:4,4`": ["reduce=mean:4,4"] * VIEWERS,
        "20, `mean:4,4` of 20 slices": distinct,
        "1, `roi` of 200 x 200": ["roi=500:700,500:700"],
        "20, the same `roi`": ["roi=500:700,500:700"] * VIEWERS,
        "20, whole frames": [""] * VIEWERS,
    }


def cost(peer: Peer, requests: Sequence[str], frames: int) -> float:
    """Return the milliseconds of processor time of the server for each frame."""
    path, body = new_array(peer, [], STRUCTURE), FRAME.tobytes()

    def request(_: int) -> tuple[str, str, bytes, str]:
        return "PUT", f"/api/v1/array/full/{path}?persist=False", body, OCTETS

    if not requests:
        cpu = peer.cpu()
        write_from(peer, 1, frames, request)
        return 1e3 * (peer.cpu() - cpu) / frames
    expected = len(requests) * frames
    with following(peer, [path] * len(requests), expected, queries=requests) as followers:
        cpu = peer.cpu()
        write_from(peer, 1, frames, request)
        heard = followers.heard()
        assert heard.messages == expected, f"{heard.messages} messages instead of {expected}"
        return 1e3 * (peer.cpu() - cpu) / frames


def main() -> None:
    """Measure, and print two tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="turns for each case")
    parser.add_argument("--frames", type=int, default=40, help="frames written in each turn")
    options = parser.parse_args()
    print("| computation | ms |\n| --- | --- |")
    for name, compute in computations().items():
        print(f"| `{name}` | {1e3 * _fastest(compute):.2f} |")
    print("\n| subscribers | ms CPU for each frame |\n| --- | --- |")
    with servers(["ours"]) as (peer,):
        cases = queries()
        taken: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(options.rounds):
            for name, requests in cases.items():
                taken[name].append(cost(peer, requests, options.frames))
        for name, values in taken.items():
            print(f"| {name} | {statistics.median(values):.1f} |")


def _fastest(compute: Callable[[], object]) -> float:
    """Return the seconds of the fastest of many runs: other load of the machine adds to all."""
    taken = []
    for _ in range(50):
        begun = time.perf_counter()
        compute()
        taken.append(time.perf_counter() - begun)
    return min(taken)


if __name__ == "__main__":
    main()
