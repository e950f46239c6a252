"""Writers and a subscriber at full speed: is anything lost, out of order, or stored otherwise?

Run by hand against a server that runs: `python -m tools.load.soak URI --api-key KEY --seconds 60`.
Every writer is a separate process. In turn it overwrites its own row of an array that all share,
and appends a row to a table that all share.
"""

from __future__ import annotations

import argparse
import multiprocessing
import secrets
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from tiled_client import ArrayUpdate, TableUpdate, from_uri

WIDTH = 1024
SCHEMA = pa.schema([("writer", pa.int64()), ("number", pa.int64()), ("time", pa.float64())])


@dataclass
class Watched:
    """The updates that a subscriber received, in order."""

    sequences: list[int] = field(default_factory=list)
    updates: list[Any] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    """Seconds from the write's beginning until the subscriber had it."""


@dataclass
class Report:
    """The outcome; `faults` is empty if nothing was wrong."""

    seconds: float
    writes: int
    slowest: float
    array: Watched
    table: Watched
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        delays = np.array(self.array.delays + self.table.delays) * 1000
        return (
            f"{self.writes} writes in {self.seconds:.1f} s ({self.writes / self.seconds:.0f}/s), "
            f"slowest {self.slowest * 1000:.0f} ms; from a write's beginning to the subscriber "
            f"{np.percentile(delays, 50):.1f} ms (median), {np.percentile(delays, 99):.1f} ms (p99)"
            f"\n{'; '.join(self.faults) or 'nothing lost, order kept, stored as streamed'}"
        )


def soak(uri: str, api_key: str, seconds: float, writers: int = 2) -> Report:
    """Let `writers` processes write for `seconds`, and check the updates of a subscriber."""
    key = f"soak{secrets.token_hex(4)}"
    container = from_uri(uri, api_key=api_key).create_container(key)
    array = container.write_array(np.zeros((writers, WIDTH)), key="array", chunks=(1, WIDTH))
    table = container.create_appendable_table(SCHEMA, key="table")
    heard, rows = Watched(), Watched()
    subscriptions = [array.subscribe(), table.subscribe()]
    subscriptions[0].new_data.add_callback(lambda update: _hear_array(heard, update))
    subscriptions[1].new_data.add_callback(lambda update: _hear_rows(rows, update))
    failures: list[Any] = []
    for subscription in subscriptions:
        subscription.callback_error.add_callback(failures.append)
        subscription.start_in_thread()
    begun = time.monotonic()
    with ProcessPoolExecutor(writers, multiprocessing.get_context("spawn")) as pool:
        address = array.uri.rpartition("/")[0]
        jobs = [pool.submit(_write, address, api_key, n, seconds) for n in range(writers)]
        results = [job.result() for job in jobs]
    elapsed = time.monotonic() - begun
    array.close_stream()
    table.close_stream()
    for subscription in subscriptions:
        subscription.wait(60)
    counts = [count for count, _ in results]
    report = Report(seconds, 2 * sum(counts), max(slowest for _, slowest in results), heard, rows)
    report.seconds = min(elapsed, seconds)
    report.faults += [f"a callback failed: {failure.error!r}" for failure in failures]
    report.faults += _faults_of_array(heard, counts, array.read())
    report.faults += _faults_of_table(rows, counts, table.read_arrow())
    return report


def _write(uri: str, api_key: str, writer: int, seconds: float) -> tuple[int, float]:
    """Write until the time is over; how often, and the longest that one write took."""
    container = from_uri(uri, api_key=api_key)
    array, table = container["array"], container["table"]
    row, number, slowest = np.empty((1, WIDTH)), 0, 0.0
    end = time.monotonic() + seconds
    while (begun := time.monotonic()) < end:
        row[:] = number
        row[0, 0] = time.time()
        array.patch(row, offset=(writer, 0))
        between = time.monotonic()
        table.append({"writer": [writer], "number": [number], "time": [time.time()]})
        slowest = max(slowest, between - begun, time.monotonic() - between)
        number += 1
    return number, slowest


def _hear_array(heard: Watched, update: ArrayUpdate) -> None:
    data = update.data()
    assert update.offset is not None
    heard.delays.append(time.time() - data[0, 0])
    heard.sequences.append(update.sequence)
    heard.updates.append((update.offset[0], int(data[0, 1]), float(data[0, 0])))


def _hear_rows(heard: Watched, update: TableUpdate) -> None:
    (row,) = update.arrow().to_pylist()
    heard.delays.append(time.time() - row["time"])
    heard.sequences.append(update.sequence)
    heard.updates.append((row["writer"], row["number"], row["time"]))


def _faults_of_array(heard: Watched, counts: list[int], stored: np.ndarray[Any, Any]) -> list[str]:
    # Its creation wrote each of its chunks, one for each writer.
    faults = _faults_of_order("array", heard, counts, first=1 + len(counts))
    expected = np.zeros_like(stored)
    for writer, number, moment in heard.updates:
        expected[writer] = number
        expected[writer, 0] = moment
    if not np.array_equal(stored, expected):
        faults.append("the stored array is not what its stream says")
    return faults


def _faults_of_table(heard: Watched, counts: list[int], stored: pa.Table) -> list[str]:
    faults = _faults_of_order("table", heard, counts, first=1)
    rows = [(row["writer"], row["number"], row["time"]) for row in stored.to_pylist()]
    if rows != heard.updates:
        faults.append("the stored rows are not those of the stream, or in another order")
    return faults


def _faults_of_order(name: str, heard: Watched, counts: list[int], first: int) -> list[str]:
    faults = []
    if heard.sequences != list(range(first, first + sum(counts))):
        faults.append(f"{name}: {sum(counts)} updates, {len(heard.sequences)} heard of, or astray")
    for writer, count in enumerate(counts):
        numbers = [number for other, number, _ in heard.updates if other == writer]
        if numbers != list(range(count)):
            faults.append(f"{name}: the updates of writer {writer} are not all there, in order")
    return faults


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("uri")
    parser.add_argument("--api-key", required=True)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--writers", type=int, default=2)
    options = parser.parse_args()
    report = soak(options.uri, options.api_key, options.seconds, options.writers)
    print(report)
    sys.exit(bool(report.faults))


if __name__ == "__main__":
    main()
