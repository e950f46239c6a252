"""What the metrics cost a small write, and what counting with prometheus_client would cost.

    python -m benchmarks.metrics [--rounds 400]

Requests of 8 KB are handled by the application of the server in this process, in batches that count
and batches that do not, in turns, so that other load of the machine falls on both alike; two
servers in separate processes differ by more than the metrics cost. The ratio of the processor
times is the median over the rounds. Then the counting itself is timed alone: what one write counts,
by this server and by prometheus_client in its mode for several processes, if that is installed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core.metrics import families
from core.metrics.families import add_to_both
from core.metrics.memory import MetricMemory

from .peers import KEY, valkey

SIZE = 8192
BATCH = 25
REPEATS = 100_000
WARM_UP = 4
PATH = "/api/v1/array/full/a"
STRUCTURE = {
    "data_type": {"endianness": "little", "kind": "f", "itemsize": 8, "dt_units": None},
    "shape": [SIZE // 8],
    "chunks": [[SIZE // 8]],
    "dims": None,
    "resizable": False,
}
NODE = {
    "id": "a",
    "structure_family": "array",
    "metadata": {},
    "specs": [],
    "data_sources": [
        {
            "structure_family": "array",
            "structure": STRUCTURE,
            "mimetype": None,
            "management": "writable",
            "parameters": {},
            "assets": [],
        }
    ],
}
PROMETHEUS = f"""
import time
from prometheus_client import Counter, Histogram
names = ["method", "code", "endpoint"]
duration, size = Histogram("d", "d", names), Histogram("s", "s", names)
writes, written = Counter("w", "w", ["family"]), Counter("b", "b", ["family"])
appended, appended_bytes = Counter("a", "a"), Counter("ab", "ab")
def write():
    appended.inc()
    appended_bytes.inc({SIZE})
    writes.labels("array").inc()
    written.labels("array").inc({SIZE})
    duration.labels("PUT", "200", "array/full").observe(0.001)
    size.labels("PUT", "200", "array/full").observe(4)
write()
began = time.process_time()
for _ in range({REPEATS}):
    write()
print((time.process_time() - began) / {REPEATS})
"""


class Nothing:
    """Takes the place of what counts, and counts nothing."""

    def __init__(self, *_: object) -> None: ...

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return self._ignore

    def _ignore(self, *_: object) -> Nothing:
        return self


class Switch:
    """Turns off, and on, all that metrics do in a request."""

    def __init__(self) -> None:
        from catalog import events
        from streaming.writing import log
        from tiledproject.http import application, handlers

        nothing = Nothing()
        self._off: list[tuple[Any, str, Any]] = [
            (application, "RequestMeasurement", Nothing),
            (handlers, "record_phases", nothing._ignore),
            (handlers, "endpoint_of", lambda _: "none"),
            (events, "_count_stored", nothing._ignore),
            (log, "MESSAGES_APPENDED", nothing),
            (log, "BYTES_APPENDED", nothing),
        ]
        self._on = [(module, name, getattr(module, name)) for module, name, _ in self._off]

    def set(self, *, on: bool) -> None:
        """Count from now on, or do not."""
        for module, name, value in self._on if on else self._off:
            setattr(module, name, value)


async def send(application: Any, method: str, path: str, query: str, body: bytes) -> None:
    """Handle one request. Raises RuntimeError unless it succeeded."""
    media_type = b"application/json" if method == "POST" else b"application/octet-stream"
    headers = {b"host": b"localhost", b"authorization": f"Apikey {KEY}".encode()}
    headers |= {b"content-type": media_type, b"content-length": str(len(body)).encode()}
    scope = {"type": "http", "http_version": "1.1", "method": method, "scheme": "http"}
    scope |= {"path": path, "raw_path": path.encode(), "query_string": query.encode()}
    scope |= {"root_path": "", "headers": [*headers.items()], "client": ("127.0.0.1", 1)}
    messages: list[Mapping[str, Any]] = []

    async def receive() -> Mapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def keep(message: Mapping[str, Any]) -> None:
        messages.append(message)

    await application(scope, receive, keep)
    if messages[0]["status"] >= 300:
        raise RuntimeError(f"{messages[0]['status']}: {messages[1]['body'][:300]!r}")


async def toggle(query: str, rounds: int) -> None:
    """Print the ratio of the processor time of writes that are counted to that of others."""
    from tiledproject.http.application import HttpApplication
    from tiledproject.http.handlers import RequestHandler

    application, switch = HttpApplication(RequestHandler(), max_body_bytes=1 << 30), Switch()
    used: dict[bool, list[float]] = {False: [], True: []}
    body = random.randbytes(SIZE)
    for number in range(rounds + WARM_UP):
        for on in (True, False) if number % 2 else (False, True):
            switch.set(on=on)
            began = time.process_time()
            for _ in range(BATCH):
                await send(application, "PUT", PATH, query, body)
            used[on].append((time.process_time() - began) / BATCH)
    off, on_ = used[False][WARM_UP:], used[True][WARM_UP:]
    low, middle, high = statistics.quantiles([a / b for a, b in zip(on_, off, strict=True)], n=4)
    print(
        f"PUT 8 KB?{query}: {1e6 * statistics.median(off):.0f} us of processor time without "
        f"metrics, {1e6 * statistics.median(on_):.0f} with; median of {rounds} ratios "
        f"{middle:.4f}, quartiles {low:.3f} and {high:.3f}; ratio of sums {sum(on_) / sum(off):.4f}"
    )


async def measure(rounds: int) -> None:
    """Create the array, and measure writes to it."""
    from tiledproject.http.application import HttpApplication
    from tiledproject.http.handlers import RequestHandler

    application = HttpApplication(RequestHandler(), max_body_bytes=1 << 30)
    await send(application, "POST", "/api/v1/metadata/", "", json.dumps(NODE).encode())
    for query in ("persist=true", "persist=false"):
        await toggle(query, rounds)


def count_write() -> None:
    """Count what one small write counts."""
    from catalog.metrics import WRITES, WRITTEN_BYTES
    from streaming.metrics import BYTES_APPENDED, MESSAGES_APPENDED
    from tiledproject.http.request_metrics import DURATION, RESPONSE_SIZE

    labels = ("PUT", "200", "array/full")
    MESSAGES_APPENDED.labels().add()
    BYTES_APPENDED.labels().add(SIZE)
    add_to_both(WRITES.labels("array"), WRITTEN_BYTES.labels("array"), SIZE)
    DURATION.labels(*labels).observe_alone(0.001)
    RESPONSE_SIZE.labels(*labels).observe_alone(4)


def counting() -> None:
    """Print the processor time of counting alone, in microseconds for each write."""
    count_write()
    began = time.process_time()
    for _ in range(REPEATS):
        count_write()
    own = (time.process_time() - began) / REPEATS
    print(f"counting, this server: {1e6 * own:.2f} us for each write")
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": folder}
        done = subprocess.run(
            [sys.executable, "-c", PROMETHEUS], env=environment, capture_output=True, text=True
        )
    if done.returncode:
        print("counting, prometheus_client: not installed")
    else:
        print(f"counting, prometheus_client: {1e6 * float(done.stdout):.2f} us for each write")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=400, help="how often to alternate")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tiled-bench-") as folder, valkey(Path(folder)) as uri:
        os.environ.update(
            DJANGO_SETTINGS_MODULE="tiledproject.settings",
            TILED_SERVER_DATA_DIR=folder,
            TILED_STREAMING_CACHE_URI=uri,
            TILED_SINGLE_USER_API_KEY=KEY,
        )
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        families.install(MetricMemory.shared(2))
        asyncio.run(measure(options.rounds))
        counting()


if __name__ == "__main__":
    main()
