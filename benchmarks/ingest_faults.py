"""Producers that write over one connection each while a worker is killed and Redis is away.

Run by hand: `python -m benchmarks.ingest_faults [--seconds 60] [--producers 8]`. Half of the
producers store their frames. A third of the time from the start the worker is killed; after
another third, Redis hangs for five seconds. Prints for each producer how many frames were
acknowledged, are stored, and are in the stream, and how often one is missing or there twice.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from tests.servers import RunningServer, running
from tiled_client import from_uri
from tools.backends.valkey_server import own_cache

KEY = "secret"
AWAY_SECONDS = 5.0


class FaultyProducer(threading.Thread):
    """Appends numbered rows to its own array until `stop` is set."""

    def __init__(self, server: RunningServer, *, persist: bool, stop: threading.Event) -> None:
        super().__init__()
        self.persist = persist
        self.acknowledged = 0
        self.node: Any = from_uri(server.uri, api_key=KEY).write_array(np.zeros((1, 1024)))
        self._stopped = stop

    def run(self) -> None:
        """Write as fast as frames are acknowledged, at most 500 per second."""
        with self.node.writer(persist=self.persist, max_pending=200) as writer:
            number = 0
            while not self._stopped.is_set():
                number += 1
                writer.append(np.full(1024, float(number)))
                time.sleep(0.002)
            writer.flush(120)
            self.acknowledged = writer.acknowledged

    def line(self) -> str:
        """Return a line of the table."""
        self.node.close_stream()
        streamed = [int(update.data().flat[0]) for update in self.node.updates(start=0)][1:]
        expected = range(1, self.acknowledged + 1)
        kept = "-"
        if self.persist:
            self.node.refresh()
            stored = [int(value) for value in self.node[1:, 0]]
            kept = f"{len(stored)}{'' if stored == list(expected) else ' (wrong)'}"
        twice = sum(count - 1 for count in Counter(streamed).values())
        missing = len(set(expected) - set(streamed))
        order = "yes" if streamed == sorted(streamed) else "no"
        kind = "stored" if self.persist else "streamed only"
        cells = [kind, self.acknowledged, kept, len(streamed), missing, twice, order]
        return f"| {' | '.join(map(str, cells))} |"


def kill_worker(server: RunningServer) -> None:
    """Kill the worker process; the supervisor starts another."""
    for process in server.processes():
        if any("spawn_main" in word for word in process.cmdline()):
            process.kill()
            return
    raise RuntimeError("There is no worker.")


def main() -> None:
    """Run, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--producers", type=int, default=8)
    options = parser.parse_args()
    with TemporaryDirectory(prefix="tiled-bench-") as folder, own_cache() as cache:
        settings = {
            "TILED_STREAMING_CACHE_URI": cache.uri,
            "TILED_STREAMING_CACHE_PREFIX": "tiled",
            "TILED_SINGLE_USER_API_KEY": KEY,
        }
        start = ("serve", "--port", "0", "--workers", "1")
        with running(Path(folder), *start, **settings) as server:
            stop = threading.Event()
            producers = [
                FaultyProducer(server, persist=number % 2 == 0, stop=stop)
                for number in range(options.producers)
            ]
            for producer in producers:
                producer.start()
            time.sleep(options.seconds / 3)
            kill_worker(server)
            time.sleep(options.seconds / 3)
            cache.hang()
            time.sleep(AWAY_SECONDS)
            cache.go_on()
            time.sleep(max(0.0, options.seconds / 3 - AWAY_SECONDS))
            stop.set()
            for producer in producers:
                producer.join()
            print("| producer | acknowledged | kept | streamed | missing | twice | in order |")
            print("| --- | --- | --- | --- | --- | --- | --- |")
            for producer in producers:
                print(producer.line(), flush=True)


if __name__ == "__main__":
    main()
