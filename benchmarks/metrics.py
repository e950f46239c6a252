"""What the metrics cost a small write, and what counting with prometheus_client would cost.

    python -m benchmarks.metrics --before FOLDER [--rounds 300]

FOLDER has a checkout of the commit before the metrics. Both servers, each with one worker, are sent
batches of writes of 8 KB in turns, many times, so that the other load of the machine falls on both
alike. The processor time of each server is that of all its threads, in nanoseconds, and the ratio
is the median over the rounds. Without FOLDER only the counting itself is timed: what one write
counts, by this server and by prometheus_client, in the mode for several processes, if that is
installed.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import django
import psutil

from catalog.metrics import WRITES, WRITTEN_BYTES
from core.http import server_timing
from core.metrics import families
from core.metrics.memory import MetricMemory
from streaming.metrics import BYTES_APPENDED, MESSAGES_APPENDED
from tiledproject.http.request_metrics import DURATION, RESPONSE_SIZE

from .load import Writer
from .peers import PROJECT, Peer, ours
from .works import new_array

SIZE = 8192
BATCH = 25
OCTETS = "application/octet-stream"
REPEATS = 100_000
LABELS = ("PUT", "200", "array/full")

PROMETHEUS = """
import time
from prometheus_client import Counter, Histogram
names = ["method", "code", "endpoint"]
duration, size = Histogram("d", "d", names), Histogram("s", "s", names)
writes, written = Counter("w", "w", ["family"]), Counter("b", "b", ["family"])
appended, appended_bytes = Counter("a", "a"), Counter("ab", "ab")
def write():
    appended.inc()
    appended_bytes.inc(8192)
    writes.labels("array").inc()
    written.labels("array").inc(8192)
    duration.labels("PUT", "200", "array/full").observe(0.001)
    size.labels("PUT", "200", "array/full").observe(4)
write()
began = time.process_time()
for _ in range(100_000):
    write()
print((time.process_time() - began) / 100_000)
"""


def count_write() -> None:
    """Count what one small write counts."""
    MESSAGES_APPENDED.add()
    BYTES_APPENDED.add(SIZE)
    WRITES.labels("array").add()
    WRITTEN_BYTES.labels("array").add(SIZE)
    DURATION.labels(*LABELS).observe(0.001)
    RESPONSE_SIZE.labels(*LABELS).observe(4)


def whole_write() -> Callable[[], None]:
    """Return a function with all steps that metrics add to a small write, by the server's code."""
    from django.urls import resolve

    from tiledproject.http.endpoints import endpoint_of
    from tiledproject.http.handlers import PreparedResponse
    from tiledproject.http.request_measurement import RequestMeasurement
    from tiledproject.http.request_metrics import record_phases

    match = resolve("/api/v1/array/full/a")
    scope = {"type": "http", "method": "PUT", "path": "/", "headers": []}
    answer = PreparedResponse(200, [], b"null", None, "array/full")
    server_timing.start()
    server_timing.mark_authorized()
    with server_timing.measure("pack"):
        pass

    def write() -> None:
        measurement = RequestMeasurement(scope)
        MESSAGES_APPENDED.add()
        BYTES_APPENDED.add(SIZE)
        WRITES.labels("array").add()
        WRITTEN_BYTES.labels("array").add(SIZE)
        endpoint = endpoint_of(match)
        record_phases("PUT", 200, endpoint, None)
        measurement.answered(answer, 4)
        measurement.end()

    return write


def seconds_of(function: Callable[[], None]) -> float:
    """Return the processor time of a call, in seconds."""
    function()
    began = time.process_time()
    for _ in range(REPEATS):
        function()
    return (time.process_time() - began) / REPEATS


def counting() -> None:
    """Print the processor time of counting, in microseconds for each write."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tiledproject.settings")
    os.environ.setdefault("TILED_SERVER_DATA_DIR", tempfile.mkdtemp(prefix="tiled-bench-"))
    django.setup()
    families.install(MetricMemory.shared(2))
    print(f"all that metrics add: {1e6 * seconds_of(whole_write()):.2f} us for each write")
    print(f"counting, this server: {1e6 * seconds_of(count_write):.2f} us for each write")
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": folder}
        done = subprocess.run(
            [sys.executable, "-c", PROMETHEUS], env=environment, capture_output=True, text=True
        )
    if done.returncode:
        print("counting, prometheus_client: not installed")
    else:
        print(f"counting, prometheus_client: {1e6 * float(done.stdout):.2f} us for each write")


def processor_seconds(peer: Peer) -> float:
    """Return the processor time of all threads of a server, to the nanosecond."""
    root = psutil.Process(peer.process.pid)
    total = 0
    for process in (root, *root.children(recursive=True)):
        for task in Path(f"/proc/{process.pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def batch(peer: Peer, writer: Writer, target: str) -> tuple[float, float]:
    """Send a batch of writes; return the seconds and the processor seconds for each."""
    body = random.randbytes(SIZE)
    used, began = processor_seconds(peer), time.perf_counter()
    for _ in range(BATCH):
        writer.send("PUT", target, body, OCTETS)
    seconds = time.perf_counter() - began
    return seconds / BATCH, (processor_seconds(peer) - used) / BATCH


def compare(before: Path, after: Path, rounds: int) -> None:
    """Print the median ratios of the server in the folder `after` and of that in `before`."""
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        peers = []
        for name, project in (("before", before), ("now", after)):
            place = folder / name
            place.mkdir()
            peer = running.enter_context(ours(place, project=project, name=name))
            writer = Writer(peer)
            target = f"/api/v1/array/full/{new_array(peer, [SIZE // 8])}"
            peers.append((peer, writer, target))
        for persist in ("true", "false"):
            _compare(peers, f"?persist={persist}", rounds)


def _compare(peers: list[tuple[Peer, Writer, str]], query: str, rounds: int) -> None:
    ratios: dict[str, list[float]] = {"time": [], "processor": []}
    used: dict[str, list[float]] = {"before": [], "now": []}
    for number in range(rounds + 2):
        found = {}
        # Each of the two is first as often as the other.
        for peer, writer, target in peers if number % 2 else reversed(peers):
            found[peer.name] = batch(peer, writer, target + query)
        if number < 2:  # until both are warm
            continue
        for name, index in (("time", 0), ("processor", 1)):
            ratios[name].append(found["now"][index] / found["before"][index])
        for name in used:
            used[name].append(1e6 * found[name][1])
    middle = {name: statistics.median(values) for name, values in used.items()}
    print(
        f"PUT 8 KB{query}, {rounds} rounds of {BATCH}: processor "
        f"{middle['before']:.0f} -> {middle['now']:.0f} us for each write, median of ratios "
        f"{statistics.median(ratios['processor']):.4f} "
        f"(quartiles {_quartiles(ratios['processor'])}); "
        f"time {statistics.median(ratios['time']):.4f} (quartiles {_quartiles(ratios['time'])})"
    )


def _quartiles(values: list[float]) -> str:
    low, _, high = statistics.quantiles(values, n=4)
    return f"{low:.3f} to {high:.3f}"


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--before", type=Path, help="a checkout without metrics")
    parser.add_argument("--after", type=Path, default=PROJECT, help="another one than this")
    parser.add_argument("--rounds", type=int, default=300, help="how often to alternate")
    options = parser.parse_args()
    counting()
    if options.before is not None:
        compare(options.before, options.after, options.rounds)


if __name__ == "__main__":
    main()
