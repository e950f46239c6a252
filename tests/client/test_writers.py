"""Writers: many writes over one connection, also while servers are killed and Redis is away."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.client.cuttable_proxy import Line
from tests.conftest import API_KEY
from tests.servers import RunningServer, running
from tiled_client import from_uri, from_uri_async
from tiled_client.errors import FrameRejected, NodeNotFound, StreamTimeout, Unauthorized
from tiled_client.ingest.spool import Spool
from tiled_client.wire.ingest import encode_header
from tools.backends.valkey_server import Cache, own_cache

COUNT = 300


@pytest.fixture(scope="module")
def cache() -> Iterator[Cache]:
    with own_cache() as one:
        yield one


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, cache: Cache) -> Iterator[RunningServer]:
    """Run a server of one worker, whose Redis stays when it is killed."""
    settings = {
        "TILED_STREAMING_CACHE_URI": cache.uri,
        "TILED_STREAMING_CACHE_PREFIX": "tiled",
        "TILED_STREAMING_CACHE_TIMEOUT": "1",
        "TILED_SINGLE_USER_API_KEY": API_KEY,
    }
    folder = tmp_path_factory.mktemp("writers")
    with running(folder, "serve", "--port", "0", "--workers", "1", **settings) as server:
        yield server


def new_array(server: RunningServer, rows: int = 1) -> object:
    client = from_uri(server.uri, api_key=API_KEY)
    return client.write_array(np.zeros((rows, 2), "<i8"))


def streamed(node: object) -> list[int]:
    """Return the first number of each update after the first write; the stream ends here."""
    node.close_stream()  # type: ignore[attr-defined]
    updates = node.updates(start=0)  # type: ignore[attr-defined]
    return [int(update.data().flat[0]) for update in updates][1:]


def kill_worker(server: RunningServer) -> None:
    """Kill the worker process; the supervisor starts another."""
    worker_of(server).kill()


def worker_of(server: RunningServer) -> psutil.Process:
    """Return the worker process, once there is one."""
    while True:
        found = [p for p in server.processes() if _is_worker(p.cmdline())]
        if found:
            return found[0]


def _is_worker(command: list[str]) -> bool:
    return any("spawn_main" in word for word in command)


@pytest.mark.parametrize("persist", [True, False])
def test_nothing_is_lost_or_doubled_when_the_worker_is_killed(
    site: RunningServer, persist: bool
) -> None:
    node = new_array(site)
    with node.writer(persist=persist, max_pending=50) as writer:  # type: ignore[attr-defined]
        for number in range(1, COUNT + 1):
            writer.append([number, number])
            if number in (COUNT // 3, 2 * COUNT // 3):
                kill_worker(site)
        writer.flush(60)
        assert writer.acknowledged == COUNT
    assert streamed(node) == list(range(1, COUNT + 1))
    if persist:
        node.refresh()  # type: ignore[attr-defined]
        assert node.read()[:, 0].tolist() == list(range(COUNT + 1))  # type: ignore[attr-defined]


@pytest.mark.parametrize("persist", [True, False])
def test_writes_go_on_after_redis_was_away(
    site: RunningServer, cache: Cache, persist: bool
) -> None:
    node = new_array(site)
    with node.writer(persist=persist) as writer:  # type: ignore[attr-defined]
        writer.append([1, 1])
        writer.flush(30)
        cache.hang()
        resumed = threading.Timer(3.0, cache.go_on)
        resumed.start()
        for number in range(2, 21):
            writer.append([number, number])
        writer.flush(60)
        resumed.join()
    assert streamed(node) == list(range(1, 21))


def test_a_connection_that_is_cut_is_replaced(site: RunningServer) -> None:
    with Line(site.uri) as line:
        node = from_uri(line.uri, api_key=API_KEY).write_array(np.zeros((1, 2), "<i8"))
        with node.writer(max_pending=20) as writer:
            for number in range(1, 101):
                writer.append([number, number])
                if number % 30 == 0:
                    line.cut()
        assert streamed(node) == list(range(1, 101))


def test_one_connection_writes_to_arrays_and_tables(site: RunningServer) -> None:
    client = from_uri(site.uri, api_key=API_KEY)
    array = client.write_array(np.zeros(4, "<i8"), chunks=2)
    table = client.write_table({"n": [0]})
    with client.writer() as writer:
        a, t = writer.open(array), writer.open(table)
        a.write([1, 2, 3, 4])
        a.write_block([5, 6], 1)
        a.patch([7], offset=0)
        a.patch([8], offset=4, extend=True)
        t.append({"n": [1, 2]})
        t.append({"n": [3]})
        writer.flush(30)
        assert (a.acknowledged, t.acknowledged, writer.pending) == (4, 2, 0)
    array.refresh()
    assert array.read().tolist() == [7, 2, 5, 6, 8]
    assert table["n"].tolist() == [0, 1, 2, 3]


def test_the_error_of_a_frame_is_raised_later_and_the_others_are_applied(
    site: RunningServer,
) -> None:
    node = from_uri(site.uri, api_key=API_KEY).write_array(np.zeros(4, "<i8"))
    with node.writer() as writer:
        writer.patch([1], offset=0)
        writer.patch([2], offset=4)
        writer.patch([3], offset=5)
        writer.patch([4], offset=1)
        with pytest.raises(FrameRejected, match=r"Frame 2 for the node .* does not fit") as failed:
            writer.flush(30)
        assert (failed.value.sequence, failed.value.status) == (2, 409)
        assert failed.value.later_applied
        assert [other.sequence for other in failed.value.others] == [3]
        writer.patch([5], offset=2)
    assert node.read().tolist() == [1, 4, 5, 0]


def test_a_node_that_is_deleted_ends_its_writer(site: RunningServer) -> None:
    client = from_uri(site.uri, api_key=API_KEY)
    node = client.write_array(np.zeros(4, "<i8"))
    with client.writer() as writer:
        w = writer.open(node)
        w.write([1, 2, 3, 4])
        writer.flush(30)
        client.delete_contents([node.key], external_only=False)
        w.write([5, 6, 7, 8])
        with pytest.raises(FrameRejected) as failed:
            writer.flush(30)
        assert isinstance(failed.value.reason, NodeNotFound)
        assert not failed.value.later_applied
        with pytest.raises(NodeNotFound):
            w.write([5, 6, 7, 8])


def test_a_writer_that_may_not_write_is_not_connected(site: RunningServer) -> None:
    with pytest.raises(Unauthorized), from_uri(site.uri, api_key="wrong").writer():
        pass


def test_a_call_waits_for_room_as_long_as_it_is_told(site: RunningServer, cache: Cache) -> None:
    node = new_array(site)
    with node.writer(persist=False, max_pending=5, timeout=0.2) as writer:  # type: ignore[attr-defined]
        writer.append([0, 0])
        writer.flush(30)
        cache.hang()
        try:
            with pytest.raises(StreamTimeout, match="not acknowledged enough"):
                for number in range(1, 10):
                    writer.append([number, number])
        finally:
            cache.go_on()
        writer.flush(60)
    assert streamed(node) == list(range(6))


SPOOLING = """
import os, sys
from tiled_client import from_uri, from_uri_async
node = from_uri(sys.argv[1], api_key=sys.argv[2])[sys.argv[3]]
writer = node.writer(spool=sys.argv[4], persist=sys.argv[5] == "True").__enter__()
for number in range(1, 101):
    writer.append([number, number])
    if number == 40:
        writer.flush(30)
        os.kill(int(sys.argv[6]), 9)
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("persist", [True, False])
def test_the_next_writer_sends_the_spool_of_a_killed_process(
    site: RunningServer, tmp_path: Path, persist: bool
) -> None:
    node = new_array(site)
    arguments = [site.uri, API_KEY, node.key, str(tmp_path), str(persist)]  # type: ignore[attr-defined]
    worker = str(worker_of(site).pid)
    killed = subprocess.run([sys.executable, "-c", SPOOLING, *arguments, worker], check=False)
    assert killed.returncode == -9
    with node.writer(spool=tmp_path, persist=persist) as writer:  # type: ignore[attr-defined]
        with pytest.raises(BlockingIOError, match="used by another writer"):
            node.writer(spool=tmp_path)  # type: ignore[attr-defined]
        writer.append([101, 101])
        writer.flush(60)
    assert streamed(node) == list(range(1, 102))
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".frames"] == []


def test_an_outage_of_the_server_costs_nothing(site: RunningServer, tmp_path: Path) -> None:
    with Line(site.uri) as line:
        node = from_uri(line.uri, api_key=API_KEY).write_array(np.zeros((1, 2), "<i8"))
        with node.writer(spool=tmp_path, max_pending=5, pending_bytes=1000) as writer:
            writer.append([1, 1])
            writer.flush(30)
            line.is_down = True
            line.cut()
            for number in range(2, 201):
                writer.append([number, number])
            line.is_down = False
            writer.flush(60)
        assert streamed(node) == list(range(1, 201))


def test_a_spool_is_bounded_and_ignores_a_frame_that_was_cut_off(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 1000)
    frames = [
        encode_header({"op": "write", "handle": 1, "sequence": n}) + bytes(100) for n in (1, 2, 3)
    ]
    positions = [spool.append(one) for one in frames]
    assert spool.has_room(100)
    assert not spool.has_room(900)
    assert [spool.read(position) for position in positions] == frames
    spool.release(positions[0])
    spool.close()
    (segment,) = tmp_path.glob("*.frames")
    segment.write_bytes(segment.read_bytes()[:-1])
    spool = Spool(tmp_path, 1000)
    assert [(frame.handle, frame.sequence) for frame in spool.left] == [(1, 1), (1, 2)]
    spool.close()


@pytest.mark.parametrize("persist", [True, False])
async def test_an_async_writer_continues_after_a_cut_and_a_killed_worker(
    site: RunningServer, persist: bool
) -> None:
    with Line(site.uri) as line:
        node = from_uri(line.uri, api_key=API_KEY).write_array(np.zeros((1, 2), "<i8"))
        async with node.writer_async(persist=persist, max_pending=20) as writer:
            for number in range(1, 151):
                await writer.append([number, number])
                if number == 50:
                    line.cut()
                elif number == 100:
                    kill_worker(site)
            await writer.flush(60)
            assert writer.acknowledged == 150
        assert await asyncio.to_thread(streamed, node) == list(range(1, 151))


async def test_async_writers_report_errors_and_write_from_several_tasks(
    site: RunningServer, tmp_path: Path
) -> None:
    async with await from_uri_async(site.uri, api_key=API_KEY) as client:
        array = await client.write_array(np.zeros(4, "<i8"))
        table = await client.write_table({"n": [0]})
        async with client.writer() as writer:
            a, t = writer.open(array), writer.open(table)
            await asyncio.gather(*(t.append({"n": [n]}) for n in range(1, 6)))
            await a.patch([1], offset=0)
            await a.patch([2], offset=4)
            await a.patch([3], offset=1)
            with pytest.raises(FrameRejected, match="does not fit"):
                await writer.flush(30)
        assert (await array.read()).tolist() == [1, 3, 0, 0]
        assert sorted((await table.read())["n"]) == [0, 1, 2, 3, 4, 5]
        async with array.writer(spool=tmp_path) as w:
            await w.write([4, 5, 6, 7])
        assert (await array.read()).tolist() == [4, 5, 6, 7]
