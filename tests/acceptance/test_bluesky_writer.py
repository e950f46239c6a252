"""`tiled_client.bluesky.Writer` writes what bluesky's own `TiledWriter` writes."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.client.cuttable_proxy import Line
from tests.servers import PROJECT, RunningServer
from tiled_client import Container, StructureFamily, from_uri
from tools.backends.tiled_reference import reference_python

from .script_processes import SCRIPTS, Process

TIMEOUT = 300


def run_beside_bluesky(script: str, *arguments: str | int | Path) -> str:
    """Run a script in the environment of bluesky with both clients; return what it prints."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "client")}
    command = [reference_python(), SCRIPTS / f"{script}.py", *map(str, arguments)]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def described(node: Any) -> dict[str, Any]:
    """Return all that a reader can learn of a node, without what differs between two nodes."""
    found = {
        "family": node.structure_family,
        # Which of several arrays comes first is not determined.
        "metadata": {**node.metadata, "notes": sorted(node.metadata.get("notes", []))},
        "specs": node.specs,
        "revisions": len(list(node.metadata_revisions)),
        "sources": [source_of(one) for one in node.data_sources()],
    }
    match node.structure_family:
        case StructureFamily.container:
            # In place of a table, a composite container lists its columns, which are no nodes.
            columns = set(node["internal"].columns) if "internal" in node else set()
            keys = [*(set(node) - columns), *(["internal"] if columns else [])]
            return {**found, "children": {key: described(node[key]) for key in keys}}
        case StructureFamily.table:
            rows = node.read()
            columns = {name: [as_comparable(one) for one in rows[name]] for name in rows}
            return {**found, "types": str(node.schema), "rows": columns}
        case StructureFamily.array:
            data = node.read()
            dense = (data.dtype.str, data.tolist())
            return {**found, "chunks": node.chunks, "dims": node.dims, "data": repr(dense)}
    return {**found, "dims": node.dims, "data": node.read().tolist()}


def source_of(source: Any) -> dict[str, Any]:
    """Return a data source without what is the server's own."""
    assets = [
        (one.data_uri, one.is_directory, one.parameter, one.num)
        for one in source.assets
        if source.management == "external"
    ]
    structure = source.structure.to_json()
    fields = (source.structure_family, source.mimetype, source.parameters, source.management)
    return {"fields": fields, "structure": structure, "assets": assets}


def as_comparable(value: Any) -> Any:
    """Return a cell in which NaN equals NaN."""
    if isinstance(value, np.ndarray):
        return [as_comparable(one) for one in value]
    return "NaN" if isinstance(value, float) and np.isnan(value) else value


def differences(one: Any, other: Any, place: str = "") -> list[str]:
    """Return the places where two descriptions differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted({*one, *other}, key=str)
        return [
            found
            for key in keys
            for found in differences(one.get(key), other.get(key), f"{place}/{key}")
        ]
    return [] if one == other else [f"{place}: {one!r:.300} != {other!r:.300}"]


@pytest.mark.parametrize("batch_size", [1, 10_000])
def test_a_reader_cannot_tell_which_of_the_two_has_written_a_run(
    server: RunningServer, readable: Path, batch_size: int
) -> None:
    key = f"both{secrets.token_hex(4)}"
    printed = run_beside_bluesky(
        "write_both_ways", server.uri, server.api_key, key, readable, batch_size
    )
    assert printed.splitlines()[-1] == "written 5"
    top: Container = from_uri(server.uri, api_key=server.api_key)[key]
    original, ours = (described(top[name])["children"] for name in ("original", "ours"))
    assert len(original) == 5
    assert differences(original, ours) == []
    kinds = [update_kinds(top, name, original) for name in ("original", "ours")]
    assert kinds[0] == kinds[1]


def update_kinds(top: Container, name: str, runs: dict[str, Any]) -> dict[str, list[Any]]:
    """Return what subscribers of each node with data receive, up to the end of its stream."""
    found = {}
    for uid, run in runs.items():
        for stream, described_stream in run["children"].items():
            for key, node in described_stream["children"].items():
                if node["family"] in (StructureFamily.array, StructureFamily.table):
                    updates = top[name, uid, stream, key].updates(start=0)
                    kinds = [(type(one).__name__, getattr(one, "offset", None)) for one in updates]
                    found[f"{uid}/{stream}/{key}"] = kinds
    return found


def events_of(run: Any) -> list[int]:
    """Return the numbers of the events of a complete run."""
    assert run.metadata["stop"]["exit_status"] == "success"
    assert run.metadata["stop"]["num_events"] == {"primary": 10}
    return [int(number) for number in run["primary", "internal"].read()["seq_num"]]


@pytest.fixture
def beside_bluesky(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Process]]:
    """Start processes with bluesky and this project's client, which run one script."""
    monkeypatch.setenv("PYTHONPATH", str(PROJECT / "client"))
    started: list[Process] = []

    def start(script: str, *arguments: Any) -> Process:
        process = Process(reference_python())
        started.append(process)
        process.prints("ready")
        process.run(script, *arguments)
        return process

    yield start
    for process in started:
        process.stop()


def test_a_run_engine_does_not_notice_that_the_connection_was_cut(
    server: RunningServer, beside_bluesky: Callable[..., Process]
) -> None:
    runs = from_uri(server.uri, api_key=server.api_key).create_container()
    with Line(server.uri) as line:
        beamline = beside_bluesky("write_with_writer", line.uri, server.api_key, runs.key, "", 1)
        beamline.prints("ready", "four events")
        line.cut()
        beamline.say()
        beamline.finishes("run 0", "sent")
    (run,) = runs.values()
    assert events_of(run) == list(range(1, 11))


def test_runs_that_were_taken_during_an_outage_are_sent_by_the_next_process(
    server: RunningServer, beside_bluesky: Callable[..., Process], tmp_path: Path
) -> None:
    runs = from_uri(server.uri, api_key=server.api_key).create_container()
    with Line(server.uri) as line:
        arguments = [line.uri, server.api_key, runs.key, tmp_path]
        beamline = beside_bluesky("write_with_writer", *arguments, 2)
        beamline.prints("ready", "four events")
        line.is_down = True
        line.cut()
        beamline.say()
        beamline.prints("run 0", "run 1")
        beamline.stop()
        line.is_down = False
        assert ["stop" in run.metadata for run in runs.values()] == [False]
        following = beside_bluesky("write_with_writer", *arguments, 0)
        following.prints("ready")
        following.say()
        following.finishes("sent")
    assert [events_of(run) for run in runs.values()] == [list(range(1, 11))] * 2
    assert list(tmp_path.iterdir()) == []


def test_rejected_runs_are_reported_or_kept_in_the_backup(server: RunningServer) -> None:
    runs = from_uri(server.uri, api_key=server.api_key).create_container()
    printed = run_beside_bluesky("write_rejected", server.uri, server.api_key, runs.key)
    assert printed.splitlines() == [
        "written",
        "FrameRejected 409",
        "written",
        "6",
        "ValueError event",
        "Writer takes a container of tiled_client",
    ]
