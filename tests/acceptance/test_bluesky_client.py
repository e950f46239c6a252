"""Runs that a RunEngine has written, as this project's client offers them."""

from __future__ import annotations

import asyncio
import json
import queue
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest

from tests.servers import RunningServer
from tiled_client import (
    AmbiguousKey,
    AsyncBlueskyRun,
    AsyncClient,
    BlueskyEventStream,
    BlueskyRun,
    CatalogOfBlueskyRuns,
    from_uri,
)
from tiled_client.bluesky import PartialUID, PlanName, ScanID, ScanIDRange, TimeRange
from tiled_client.queries import Key

from .client_processes import TILED, ClientProcesses
from .script_processes import Process

PATIENCE = 60.0
PLANS = ["count", "scan", "count", "broken", "count"]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documents of the first two runs, as the RunEngine emitted them."""
    return tmp_path_factory.mktemp("documents") / "emitted.json"


@pytest.fixture(scope="module")
def beamline(client_processes: ClientProcesses) -> Process:
    """The process of the RunEngine."""
    return client_processes.process("beamline", TILED)


@pytest.fixture(scope="module")
def catalog(
    server: RunningServer, beamline: Process, readable: Path, log: Path
) -> Iterator[CatalogOfBlueskyRuns]:
    """A catalog of five runs, with the scan ids 1, 2, 3, 4, and 1 again; a sixth may begin."""
    key = f"b{secrets.token_hex(4)}"
    beamline.run("write_runs", server.uri, server.api_key, key, readable, log)
    beamline.prints("The beam is off.", "written")
    return from_uri(server.uri, server.api_key)[key]


@pytest.fixture(scope="module")
def runs(catalog: CatalogOfBlueskyRuns) -> list[Any]:
    """The five runs, oldest first."""
    return catalog.values()[:5]


def test_a_run_is_found_by_scan_id_uid_and_age(
    catalog: CatalogOfBlueskyRuns, runs: list[Any]
) -> None:
    assert isinstance(catalog, CatalogOfBlueskyRuns)
    assert all(isinstance(run, BlueskyRun) for run in runs)
    assert catalog[2] == runs[1] == catalog[np.int64(2)]
    assert catalog[1] == runs[4], "the newest run of the scan id"
    assert [catalog[-n] for n in range(1, 6)] == runs[::-1]
    assert catalog[-2:] == runs[3:]
    assert catalog[-3:-1] == runs[2:4]
    for run in runs:
        assert catalog[run.uid] == catalog[run.uid[:8]] == run
    assert catalog[[3, runs[0].uid]] == [runs[2], runs[0]]
    assert catalog.get(99) is None
    assert 99 not in catalog
    assert runs[0].uid[:7] in catalog
    assert catalog[runs[1].uid[:9], "primary", "motor"].shape == (5,)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (99, "No run has the scan id 99 in /b"),
        (-99, "There are less than 99 runs in /b"),
        (0, r"use catalog\[-1\] for the newest run"),
        ("0000", "too short for a uid: give at least its first 5 characters"),
        ("no-such", "No uid begins with 'no-such'"),
    ],
)
def test_a_run_that_is_not_there_is_a_key_error_with_a_reason(
    catalog: CatalogOfBlueskyRuns, key: Any, message: str
) -> None:
    with pytest.raises(KeyError, match=message):
        catalog[key]
    with pytest.raises(IndexError, match=r"as catalog\[-5:\]"):
        catalog[2:5]


def test_an_ambiguous_uid_is_refused_with_the_runs_that_match(server: RunningServer) -> None:
    specs = ["CatalogOfBlueskyRuns"]
    catalog = from_uri(server.uri, server.api_key).create_container(specs=specs)
    for number in (1, 2):
        uid = f"abcdef{number}0-0000-4000-8000-000000000000"
        start = {"uid": uid, "scan_id": number, "time": 1.7e9}
        catalog.create_container(uid, specs=["BlueskyRun"], metadata={"start": start})
    assert catalog["abcdef1"].scan_id == 1
    with pytest.raises(AmbiguousKey) as caught:
        catalog["abcdef"]
    assert "abcdef10-0000-4000-8000-000000000000 (scan id 1, 2023-11-1" in str(caught.value)
    assert "abcdef20-0000-4000-8000-000000000000 (scan id 2, 2023-11-1" in str(caught.value)
    assert str(caught.value).endswith("Give more characters.")
    assert "abcdef" not in catalog


def test_runs_are_searched_by_the_fields_of_their_documents(
    catalog: CatalogOfBlueskyRuns, runs: list[Any]
) -> None:
    def found(*arguments: Any, **fields: Any) -> list[int]:
        return [runs.index(run) for run in catalog.search(*arguments, **fields).values()][:5]

    assert [run.start["plan_name"] for run in runs] == PLANS
    assert found(scan_id=1) == [0, 4] == found(ScanID(1))
    assert found(scan_id=[2, 3]) == [1, 2] == found(ScanIDRange(2, 4))
    assert found(plan_name="count", until="2099-01-01") == [0, 2, 4] == found(PlanName("count"))
    times = [run.start["time"] for run in runs]
    assert found(since=times[1], until=times[3]) == [1, 2] == found(TimeRange(times[1], times[3]))
    assert found(PartialUID(runs[3].uid[:10])) == [3]
    assert found(Key("sample") == "Cu") == [1] == found(Key("start.sample") == "Cu")
    assert found(Key("stop.exit_status") == "fail") == [3]
    assert catalog.search(plan_name="count")[-1] == runs[4]
    assert catalog.search(plan_name="count")[1] == runs[4]
    with pytest.raises(TypeError, match="runs are not searched by sample: use plan_name"):
        catalog.search(sample="Ni")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="since must be a time such as '2026-03-01'"):
        catalog.search(since="yesterday")


def test_a_run_shows_its_documents_and_how_it_ended(
    catalog: CatalogOfBlueskyRuns, runs: list[Any]
) -> None:
    scan, broken = runs[1], runs[3]
    assert scan.start["motors"] == ["motor"] == scan.metadata["start"]["motors"]
    assert (scan.stop["exit_status"], scan.status, scan.scan_id) == ("success", "success", 2)
    assert broken.status == "fail"
    assert repr(scan).startswith(
        f"<BlueskyRun '/{catalog.key}/{scan.uid}' scan_id=2 plan_name='scan' success 20"
    )
    assert repr(scan).endswith(" {'baseline', 'primary'} 2 entries>")
    assert "/primary' {'seq_num', 'time', 'det1', 'motor', " in repr(scan.primary)
    assert repr(scan.primary).endswith("} 8 entries>")
    for shown in (scan._repr_html_(), catalog._repr_html_()):
        assert "scan_id=2 plan_name=&#x27;scan&#x27; success 20" in shown
    newest = "5 runs, newest first: [1, 4, 3, 2, 1]"
    assert repr(catalog) == f"<CatalogOfBlueskyRuns '/{catalog.key}' {newest}>"
    assert {"baseline", "primary"} <= set(dir(scan))
    assert "motor" in dir(scan.primary)
    with pytest.raises(AttributeError, match="no attribute or stream 'dark'"):
        _ = scan.dark


def test_a_stream_is_a_dataset_a_table_and_a_mapping_of_readings(runs: list[Any]) -> None:
    stream = runs[1]["primary"]
    assert isinstance(stream, BlueskyEventStream)
    data = stream.read()
    assert dict(data.sizes) == {"time": 5}
    assert data.motor.values.tolist() == [-1, -0.5, 0, 0.5, 1]
    assert set(data.data_vars) == {"det1", "motor", "motor_setpoint"}
    assert np.all(np.diff(data.time) > 0)
    assert set(stream.read(["motor"]).variables) == {"motor", "time"}
    assert "ts_motor" in stream.read(["motor", "ts_motor"])
    table = stream.table()
    assert list(table) == ["time", "det1", "motor", "motor_setpoint"]
    assert table.index.name == "seq_num"
    assert table.motor.to_dict() == {1: -1, 2: -0.5, 3: 0, 4: 0.5, 5: 1}
    assert stream.motor.read().tolist() == table.motor.tolist()
    assert list(stream)[:4] == ["seq_num", "time", "det1", "motor"]
    assert len(stream) == 8
    assert "motor" in stream
    assert list(stream.base) == ["internal"]
    assert stream.values()[3].read().tolist() == table.motor.tolist()
    for read in (stream.read, stream.table):
        with pytest.raises(KeyError, match="There is no reading 'x'; there are seq_num, time"):
            read(["x"])


def test_arrays_of_detectors_are_read_with_the_readings(runs: list[Any]) -> None:
    stream = runs[2].primary
    data = stream.read()
    assert data.camera.dims[0] == data["img"].dims[0] == data.det.dims[0] == "time"
    assert data.camera.shape == (3, 1, 240, 320)
    assert data["img"].shape == (3, 10, 10)
    np.testing.assert_array_equal(data.camera, stream.camera.read())
    np.testing.assert_array_equal(data["camera-sum"], data.camera.sum(axis=(1, 2, 3)))
    table = stream.table()
    assert set(table) == {"time", "det", "camera-sum"}
    assert table["camera-sum"].tolist() == data["camera-sum"].values.tolist()
    with pytest.raises(ValueError, match=r"'camera' has several values per event.*use read\(\)"):
        stream.table(["camera"])
    lazy = stream.dask.read()
    assert isinstance(lazy.camera.data, da.Array)
    np.testing.assert_array_equal(lazy.camera.max("time"), data.camera.max("time"))


def test_documents_are_those_that_the_run_engine_emitted(
    runs: list[Any], log: Path, client_processes: ClientProcesses, tmp_path: Path
) -> None:
    count, scan = [list(run.documents()) for run in runs[:2]]
    emitted = json.loads(log.read_text())
    assert [_told(each) for each in (*count, *scan)] == [_told(tuple(each)) for each in emitted]
    saved = tmp_path / "documents.json"
    saved.write_text(json.dumps(scan))
    desk = client_processes.process("office", TILED)
    desk.run("emit_documents", saved)
    printed = [line.split("|")[1:-1] for line in desk.prints_until("done")]
    desk.busy = False
    rows = [[cell.strip() for cell in row] for row in printed if len(row) == 4]
    assert [row[2:] for row in rows[1:]] == [
        [position, "5.000"] for position in ("-1.000", "-0.500", "0.000", "0.500", "1.000")
    ]


def _told(document: tuple[str, dict[str, Any]]) -> tuple[str, Any]:
    """What of a document is stored: not the uids of events."""
    name, content = document
    fields = ("seq_num", "data") if name == "event" else ("uid", "time")
    return name, [content[field] for field in fields]


def test_the_client_for_asyncio_has_the_same(
    server: RunningServer, catalog: CatalogOfBlueskyRuns, runs: list[Any]
) -> None:
    async def look() -> None:
        async with AsyncClient(server.uri, api_key=server.api_key) as client:
            there = await client[catalog.key]
            run = await there[2]
            assert isinstance(run, AsyncBlueskyRun)
            assert run.start == runs[1].start
            assert [each.uid for each in await there[-5:]] == [each.uid for each in runs]
            assert (await there[run.uid[:8]]).uid == run.uid
            assert await there.search(plan_name="scan").count() == 1
            stream = await run["primary"]
            assert (await stream.read()).identical(runs[1].primary.read())
            assert (await (await stream["motor"]).read()).tolist() == [-1, -0.5, 0, 0.5, 1]
            assert [key async for key in stream] == list(runs[1].primary)
            names = [name async for name, _ in run.documents()]
            assert names == [name for name, _ in runs[1].documents()]

    asyncio.run(look())


def test_a_run_is_followed_while_it_is_written(
    catalog: CatalogOfBlueskyRuns, runs: list[Any], beamline: Process
) -> None:
    begun: queue.Queue[Any] = queue.Queue()
    positions: queue.Queue[float] = queue.Queue()
    ended = threading.Event()
    new_runs = catalog.subscribe()
    new_runs.child_created.add_callback(lambda update: begun.put(update.child()))
    with new_runs.start_in_thread():
        beamline.say()
        run = begun.get(timeout=PATIENCE)
        readings = run.subscribe(recursive=True)
        readings.new_data.add_callback(lambda update: [*map(positions.put, update.data()["motor"])])
        readings.node_closed.add_callback(lambda closed: closed.node == run and ended.set())
        with readings.start_in_thread(0):
            beamline.prints("two events")
            assert [positions.get(timeout=PATIENCE) for _ in range(2)] == [0, 1]
            assert isinstance(run, BlueskyRun)
            assert (run.stop, run.status, run == catalog[-1]) == (None, "running", True)
            assert "running" in repr(run)
            assert run.primary.read().motor.values.tolist() == [0, 1]
            assert [name for name, _ in run.documents()] == ["start", "descriptor", *["event"] * 2]
            beamline.say()
            assert [positions.get(timeout=PATIENCE) for _ in range(2)] == [2, 3]
            beamline.finishes()
            assert ended.wait(PATIENCE)
    run.refresh()
    assert run.status == run.stop["exit_status"] == "success"
    assert len(run.primary.table()) == 4
