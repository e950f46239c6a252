"""What was acknowledged is there, and what is streamed is what is stored, whatever happens."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pytest

from benchmarks.soak import soak
from tests.client.lines import Line
from tests.conftest import API_KEY
from tests.servers import RunningServer, own_database, running
from tiled_client import ArrayClient, TableClient, TransportError, from_uri

from .desks import TILED, Desks

SIDE = 64
AT_LEAST = 40
PATIENCE = 60.0
SERVE = ("serve", "--api-key", API_KEY)


class Writer(threading.Thread):
    """Writes number after number, until it is stopped or a write may or may not have arrived."""

    def __init__(self, write: Callable[[int], None]) -> None:
        super().__init__(daemon=True)
        self.acknowledged = 0
        self.stopping = False
        self._write = write

    def run(self) -> None:
        """Write; what is not acknowledged is the last that was tried."""
        while not self.stopping:
            try:
                self._write(self.acknowledged)
            except TransportError:
                return
            self.acknowledged += 1


def frame(number: int) -> np.ndarray:
    return np.full((1, SIDE, SIDE), number, dtype=np.int64)


def extend(array: ArrayClient, number: int) -> None:
    array.patch(frame(number), offset=(number, 0, 0), extend=True)


def append(table: TableClient, number: int) -> None:
    table.append({"number": [number], "text": ["x" * (number % 100)]})


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.01)


def kill_all(server: RunningServer) -> None:
    """At once: the supervisor, its workers, and the Valkey with its guard."""
    for process in server.processes():
        process.send_signal(signal.SIGKILL)
    server.process.wait(10)


def kill_supervisor(server: RunningServer) -> None:
    server.stop(signal.SIGKILL)


def ask_to_stop(server: RunningServer) -> None:
    assert server.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize("stop", [kill_all, kill_supervisor, ask_to_stop])
def test_after_a_restart_all_that_was_acknowledged_is_there_and_subscribers_resume(
    tmp_path: Path, desks: Desks, stop: Callable[[RunningServer], None]
) -> None:
    unmodified = desks.sit("subscriber", TILED)
    told: list[int] = []
    children: list[str] = []
    with own_database() as database:
        with running(tmp_path, *SERVE, "--port", "0", "--workers", "2", **database) as first:
            client = from_uri(first.uri, api_key=first.api_key)
            frames = client.write_array(frame(0), key="frames")
            schema = pa.schema([("number", pa.int64()), ("text", pa.string())])
            rows = client.create_appendable_table(schema, key="rows")
            container = client.create_container("container")
            subscription = frames.subscribe()
            subscription.new_data.add_callback(
                lambda update: told.extend(np.unique(update.data()).tolist())
            )
            subscription.start_in_thread(0)
            unheard = container.subscribe()
            unheard.child_created.add_callback(lambda update: children.append(update.key))
            unheard.start_in_thread()
            unmodified.run("follow", first.uri, "frames")
            writers = [
                Writer(lambda number: extend(frames, number + 1)),
                Writer(lambda number: append(rows, number)),
            ]
            for writer in writers:
                writer.start()
            eventually(lambda: min(writer.acknowledged for writer in writers) >= AT_LEAST)
            belonging = first.processes()
            stop(first)
            assert not psutil.wait_procs(belonging, timeout=10)[1], "nothing of it is left"
            for writer in writers:
                writer.stopping = True
        port = first.uri.rpartition(":")[2]
        with running(tmp_path, *SERVE, "--port", port, "--workers", "1", **database):
            for writer in writers:
                writer.join(PATIENCE)
            # At once, before those can be back who have never heard anything yet.
            container.create_container("child")
            stored = frames.read()
            # The one that was not acknowledged may have been stored, wholly.
            assert len(stored) - 1 - writers[0].acknowledged in (0, 1)
            np.testing.assert_array_equal(stored, np.concatenate([*map(frame, range(len(stored)))]))
            numbers = rows.read()
            assert len(numbers) - writers[1].acknowledged in (0, 1)
            assert numbers["number"].tolist() == list(range(len(numbers)))
            assert [len(text) for text in numbers["text"]] == [n % 100 for n in numbers["number"]]

            for number in range(len(stored), len(stored) + 10):
                extend(frames, number)
            append(rows, len(numbers))
            assert rows.read()["number"].tolist() == list(range(len(numbers) + 1))
            eventually(lambda: told[-1] == len(stored) + 9)
            unmodified_told = [int(n) for n in unmodified.prints_until(str(len(stored) + 9))]
            frames.close_stream()
            unmodified.finishes()
            assert subscription.wait(PATIENCE)
            eventually(lambda: children == ["child"])
    for numbers_told in (told, unmodified_told):
        assert numbers_told == sorted(set(numbers_told)), "in order, and nothing twice"
        assert numbers_told[-10:] == list(range(len(stored), len(stored) + 10))
    assert told[:AT_LEAST] == list(range(AT_LEAST))


def test_a_line_that_breaks_before_the_first_update_loses_nothing(server: RunningServer) -> None:
    array = from_uri(server.uri, api_key=server.api_key).write_array(np.zeros(1, dtype=np.int64))
    updates: list[int] = []
    with Line(server.uri) as line:
        address = f"{line.uri}/api/v1/metadata/{array.key}"
        subscription = from_uri(address, api_key=server.api_key).subscribe()
        subscription.new_data.add_callback(lambda update: updates.append(update.sequence))
        with subscription.start_in_thread():
            line.cut()
            array.write(np.ones(1, dtype=np.int64))
            eventually(lambda: updates == [2])


def test_two_writers_at_full_speed_lose_nothing(server: RunningServer) -> None:
    report = soak(server.uri, server.api_key, seconds=3, writers=2)
    assert report.faults == []
    assert report.writes > 0


def test_the_stream_ends_with_what_is_stored_when_many_write_to_one_place(
    server: RunningServer,
) -> None:
    client = from_uri(server.uri, api_key=server.api_key)
    array = client.write_array(np.zeros((SIDE, SIDE), dtype=np.int64))
    updates = []
    subscription = array.subscribe()
    subscription.new_data.add_callback(updates.append)
    subscription.start_in_thread()

    def write(writer: int) -> None:
        for number in range(6):
            array.write(np.full((SIDE, SIDE), 100 * writer + number))
            array.patch(np.full((SIDE, 1), -100 * writer - number), offset=(0, 5))

    with ThreadPoolExecutor(16) as writers:
        list(writers.map(write, range(16)))
    array.close_stream()
    assert subscription.wait(PATIENCE)
    assert [update.sequence for update in updates] == list(range(2, 2 + 16 * 12))
    replayed = np.zeros((SIDE, SIDE), dtype=np.int64)
    for update in updates:
        column = update.offset[1]
        replayed[:, column : column + update.shape[1]] = update.data()
    np.testing.assert_array_equal(array.read(), replayed)
