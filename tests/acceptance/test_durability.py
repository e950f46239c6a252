"""What was acknowledged is there, and what is streamed is what is stored, whatever happens."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext, suppress
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa

from tests.client.cuttable_proxy import Line
from tests.conftest import API_KEY
from tests.servers import RunningServer, own_database, running
from tiled_client import ArrayClient, TableClient, TransportError, from_uri
from tools.load.soak import soak

from .client_processes import TILED, ClientProcesses

SIDE = 64
AT_LEAST = 40
PATIENCE = 60.0


class Writer(threading.Thread):
    """Writes number after number, until it is stopped or a write may or may not have arrived."""

    def __init__(self, write: Callable[[int], None], first: int) -> None:
        super().__init__(daemon=True)
        self.first = self.next = first
        self.stopping = False
        self._write = write

    def run(self) -> None:
        """Write; all before `next` is acknowledged."""
        while not self.stopping:
            try:
                self._write(self.next)
            except TransportError:
                return
            self.next += 1


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
        with suppress(psutil.NoSuchProcess):  # those that ended with one killed before
            process.kill()
    server.process.wait(10)


def kill_supervisor(server: RunningServer) -> None:
    server.stop(signal.SIGKILL)


def ask_to_stop(server: RunningServer) -> None:
    assert server.stop(signal.SIGTERM) == 0


class Experiment:
    """An array and a table that grow, and what a subscriber received of the array."""

    def __init__(self, server: RunningServer) -> None:
        client = from_uri(server.uri, api_key=server.api_key)
        schema = pa.schema([("number", pa.int64()), ("text", pa.string())])
        self.rows = client.create_appendable_table(schema, key="rows")
        self.frames = client.write_array(frame(0), key="frames")
        self.received: list[int] = []
        self.subscription = self.frames.subscribe()
        self.subscription.new_data.add_callback(
            lambda update: self.received.extend(np.unique(update.data()).tolist())
        )
        self.subscription.start_in_thread(0)

    def writers(self) -> list[Writer]:
        """Who extends the array, and who appends to the table, each from where it ends."""
        return [
            Writer(lambda number: extend(self.frames, number), first=len(self.frames.read())),
            Writer(lambda number: append(self.rows, number), first=len(self.rows.read())),
        ]

    def check_stored(self, extended: int, appended: int) -> None:
        """All that was acknowledged is there; of what was not, nothing or all of one write."""
        stored, rows = self.frames.read(), self.rows.read()
        assert len(stored) - extended in (0, 1)
        np.testing.assert_array_equal(stored, np.concatenate([*map(frame, range(len(stored)))]))
        assert len(rows) - appended in (0, 1)
        assert rows["number"].tolist() == list(range(len(rows)))
        assert [len(text) for text in rows["text"]] == [n % 100 for n in rows["number"]]

    def extend_by(self, count: int) -> int:
        """Write so many frames, and wait until the subscriber has the last; which it is."""
        length = len(self.frames.read())
        for number in range(length, length + count):
            extend(self.frames, number)
        eventually(lambda: self.received[-1] == length + count - 1)
        return self.received[-1]


def test_whichever_way_a_server_ends_what_it_acknowledged_is_there_and_subscribers_resume(
    tmp_path: Path, client_processes: ClientProcesses
) -> None:
    unmodified = client_processes.process("subscriber", TILED)
    unmodified_received: list[str] = []
    children: list[str] = []
    with own_database() as database, ExitStack() as servers:

        def serve(port: str) -> RunningServer:
            options = ("--api-key", API_KEY, "--workers", "2", "--port", port)
            return servers.enter_context(running(tmp_path, "serve", *options, **database))

        server = serve("0")
        port = server.uri.rpartition(":")[2]
        experiment = Experiment(server)
        container = from_uri(server.uri, api_key=API_KEY).create_container("container")
        idle_subscription = container.subscribe()
        idle_subscription.child_created.add_callback(lambda update: children.append(update.key))
        idle_subscription.start_in_thread()
        unmodified.run("follow", server.uri, "frames")
        for stop in (kill_all, kill_supervisor, ask_to_stop):
            writers = experiment.writers()
            for writer in writers:
                writer.start()
            eventually(lambda: all(w.next - w.first >= AT_LEAST for w in writers))  # noqa: B023
            belonging = server.processes()
            # Tiled's client gives up if a worker accepts its connection and is then killed, too.
            with unmodified.paused() if stop is kill_all else nullcontext():
                stop(server)
                assert not psutil.wait_procs(belonging, timeout=10)[1], "nothing of it is left"
            for writer in writers:
                writer.stopping = True
            server = serve(port)
            # At once, before those can be back who have never heard anything yet.
            container.create_container(stop.__name__)
            for writer in writers:
                writer.join(PATIENCE)
            experiment.check_stored(extended=writers[0].next, appended=writers[1].next)
            last = experiment.extend_by(10)
            unmodified_received += unmodified.prints_until(str(last))
            assert experiment.received[-10:] == list(range(last - 9, last + 1))
            assert unmodified_received[-10:] == [str(n) for n in range(last - 9, last + 1)]
            # History lies in the memory of the private Valkey: the next stop takes it along.
            eventually(lambda: children[-1:] == [stop.__name__])  # noqa: B023
        experiment.frames.close_stream()
        assert experiment.subscription.wait(PATIENCE)
        unmodified.finishes()
        idle_subscription.disconnect()
    assert children == ["kill_all", "kill_supervisor", "ask_to_stop"]
    for received in (experiment.received, [int(number) for number in unmodified_received]):
        assert received == sorted(set(received)), "in order, and nothing twice"


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
