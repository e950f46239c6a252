"""Writers that create nodes, change metadata, and write to nodes of every structure family."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.client.cuttable_proxy import Line
from tests.conftest import API_KEY
from tests.servers import RunningServer
from tiled_client import (
    ArrayStructure,
    Asset,
    Container,
    DataSource,
    Management,
    StructureFamily,
    from_uri,
    from_uri_async,
)
from tiled_client.errors import FrameRejected, NodeExists
from tiled_client.ingest.engine.ingest_engine import IngestEngine
from tiled_client.ingest.engine.new_node import NewNode
from tiled_client.settings import WriterOptions
from tiled_client.wire.ingest import ReplyType, decode_frame, encode_reply

EMPTY = ArrayStructure.from_array(np.zeros((0, 2), "<i8"))


@pytest.fixture
def client(server: RunningServer) -> Container:
    top: Container = from_uri(server.uri, api_key=server.api_key)
    return top.create_container()


def test_a_run_is_created_described_written_and_closed_over_one_connection(
    client: Container,
) -> None:
    with client.writer() as writer:
        run = writer.create(client, "run", metadata={"sample": "A"}, specs=["Scan"])
        images = writer.create(run, "images", EMPTY, metadata={"unit": "counts"})
        rows = writer.create(run, "rows", {"time": "f8", "name": "str"})
        live = writer.create(run, "live", EMPTY, persist=False)
        numbers = [images.append([n, n]) for n in range(3)]
        images.patch([[7, 7]], offset=(3, 0), extend=True)
        images.update_metadata({"gain": 2}, drop_revision=True)
        rows.append({"time": [0.5], "name": ["one"]})
        live.append([1, 1])
        run.update_metadata({"stop": {"reason": "success"}}, specs=["Scan", "Done"])
        patch = [{"op": "add", "path": "/stop/time", "value": None}]
        run.patch_metadata(patch, drop_revision=True)
        for one in (images, rows, live, run):
            one.close_stream()
    found = client["run"]
    assert numbers == [1, 2, 3]
    assert found.metadata == {"sample": "A", "stop": {"reason": "success", "time": None}}
    assert [spec.name for spec in found.specs] == ["Scan", "Done"]
    assert found["images"].read().tolist() == [[0, 0], [1, 1], [2, 2], [7, 7]]
    assert found["images"].metadata == {"unit": "counts", "gain": 2}
    assert list(found["images"].metadata_revisions) == []
    assert len(list(found.metadata_revisions)) == 1
    assert found["rows"].read().to_dict("list") == {"time": [0.5], "name": ["one"]}
    assert len(found["live"]) == 0
    for key in ("images", "rows"):
        kinds = [type(update).__name__ for update in found[key].updates(start=0)]
        assert kinds == [f"{'Array' if key == 'images' else 'Table'}Update"] * len(kinds)
        assert len(kinds) == {"images": 4, "rows": 1}[key]


def test_nodes_of_every_family_are_written_as_over_http(client: Container) -> None:
    array = client.write_array(np.zeros((2, 2), "<i8"), chunks=(1, 2))
    table = client.write_table({"n": [0, 1]})
    ragged = client.write_ragged([[1.5], [2.5, 3.5]])
    sparse = client.write_sparse(np.array([[0], [1]]), np.array([1.5]), (2, 4))
    awkward = client.write_awkward([{"hits": [1, 2, 3]}])
    with client.writer() as writer:
        a = writer.open(array)
        a.write([[1, 2], [3, 4]])
        a.write_block([[5, 6]], (1, 0))
        writer.open(table).write({"n": [7]}, partition=0)
        r = writer.open(ragged)
        r.write([[1.0, 2.0], []])
        r.append([[4.0]])
        r.patch([[9.0]], 1)
        r.patch([[5.0, 6.0]], 3, extend=True)
        s = writer.open(sparse)
        s.write(np.array([[1], [2]]), np.array([7.0]))
        s.write_block(np.array([[0], [0]]), np.array([8.0]), (0, 0))
        writer.open(awkward).write([{"hits": [7, 8, 9]}])
    assert array.read().tolist() == [[1, 2], [5, 6]]
    assert table["n"].tolist() == [7]
    ragged.refresh()
    assert ragged.read().tolist() == [[1, 2], [9], [4], [5, 6]]
    assert sparse.todense().tolist() == [[8, 0, 0, 0], [0, 0, 0, 0]]
    assert awkward.read().to_list() == [{"hits": [7, 8, 9]}]
    ragged.close_stream()
    streamed = [update.data().tolist() for update in ragged.updates(start=0)]
    assert streamed[1:] == [[[1, 2], []], [[4]], [[9]], [[5, 6]]]


def test_files_are_registered_and_grow_over_the_connection(
    client: Container, readable: Path
) -> None:
    path = readable / f"{client.key}.npy"
    np.save(path, np.arange(6, dtype="<i8").reshape(3, 2))
    structure = ArrayStructure.from_array(np.zeros((2, 2), "<i8"))
    source = DataSource(
        StructureFamily.array,
        structure,
        mimetype="application/x-npy",
        assets=[Asset(path.as_uri(), False, parameter="data_uri")],
        management=Management.external,
    )
    with client.writer() as writer:
        file = writer.create(client, "file", source)
        grown = replace(source, structure=structure.with_shape((3, 2)), assets=[])
        file.update_data_source(grown, offset=(2, 0), shape=(1, 2))
        file.close_stream()
    node = client["file"]
    assert node.read().tolist() == [[0, 1], [2, 3], [4, 5]]
    assert [update.offset for update in node.updates(start=0)] == [(2, 0)]


def test_a_rejected_node_and_those_in_it_are_reported_and_the_others_written(
    client: Container,
) -> None:
    client.create_container("taken")
    with client.writer() as writer:
        taken = writer.create(client, "taken")
        below = writer.create(taken, "below", EMPTY)
        below.append([1, 1])
        other = writer.create(client, "other", EMPTY)
        other.append([2, 2])
        with pytest.raises(FrameRejected, match="taken was not created") as failed:
            writer.flush(30)
        assert isinstance(failed.value.reason, NodeExists)
        assert [one.path.rpartition("/")[2] for one in failed.value.others] == ["below"]
        with pytest.raises(NodeExists):
            below.append([1, 1])
        with pytest.raises(NodeExists):
            writer.create(taken, "more")
    assert client["other"].read().tolist() == [[2, 2]]
    assert list(client["taken"]) == []


@pytest.mark.parametrize("cuts", [1, 5])
def test_nodes_are_created_once_when_the_connection_is_cut(
    server: RunningServer, client: Container, cuts: int
) -> None:
    with Line(server.uri) as line:
        top = from_uri(line.uri, api_key=server.api_key)[client.key]
        with top.writer() as writer:
            for number in range(20):
                made = writer.create(top, f"n{number}", EMPTY)
                if number % (20 // cuts) == 0:
                    line.cut()
                made.append([number, number])
            writer.flush(60)
    assert sorted(client) == sorted(f"n{n}" for n in range(20))
    assert [client[f"n{n}"].read().tolist() for n in range(20)] == [[[n, n]] for n in range(20)]


def test_a_node_that_was_created_before_the_reply_was_lost_is_opened() -> None:
    """Return to a server that has forgotten the token of the creation, as it does after an hour."""
    engine = IngestEngine(WriterOptions())
    node = engine.create(NewNode("", "run", "{}", None, "token"))
    operations = []
    for answer in ({}, {"status": 409, "detail": "taken", "code": "node_exists"}):
        engine.on_connected()
        engine.receive(hello())
        operations.append(decode_frame(engine.take() or b"")[0].op)
        if answer:
            engine.receive(
                encode_reply(ReplyType.error, handle=1, sequence=0, stopped=True, **answer)
            )
        else:
            engine.on_lost()
    operations.append(decode_frame(engine.take() or b"")[0].op)
    assert operations == ["create", "create", "open"]
    engine.receive(encode_reply(ReplyType.opened, handle=1, uuid="u", applied=0))
    assert (node.opened, engine.pending) == (True, 0)
    engine.raise_failures()


def test_a_container_is_described_and_closed_after_older_writes_to_nodes_in_it() -> None:
    engine = IngestEngine(WriterOptions())
    run = engine.open("run", "a")
    images = engine.open("run/images", "b")
    other = engine.open("runs", "c")
    engine.on_connected()
    engine.receive(hello())
    for node in (run, images, other):
        assert engine.take() is not None
        engine.receive(encode_reply(ReplyType.opened, handle=node.handle, uuid="u", applied=0))
    engine.add(images, {"op": "append"}, b"1")
    engine.add(run, {"op": "metadata"}, b"{}")
    engine.add(images, {"op": "append"}, b"2")
    engine.add(other, {"op": "close"}, b"")
    sent = [decode_frame(engine.take() or b"")[0] for _ in range(3)]
    assert [(one.handle, one.op) for one in sent] == [(2, "append"), (2, "append"), (3, "close")]
    assert (engine.take(), engine.has_more()) == (None, False)
    engine.receive(encode_reply(ReplyType.ack, handle=2, applied=1))
    assert engine.has_more()
    assert decode_frame(engine.take() or b"")[0].op == "metadata"


def hello() -> bytes:
    return encode_reply(ReplyType.hello, window_frames=9, window_bytes=999)


SPOOLING = """
import os, sys
import numpy as np
from tiled_client import ArrayStructure, Container, DataSource, StructureFamily, from_uri
top = from_uri(sys.argv[1], api_key=sys.argv[2])[sys.argv[3]]
print("connected", flush=True)
input()
writer = top.writer(spool=sys.argv[4]).__enter__()
run = writer.create(top, "run")
images = writer.create(run, "images", ArrayStructure.from_array(np.zeros((0, 2), "<i8")))
for number in range(10):
    images.append([number, number])
os.kill(os.getpid(), 9)
"""


def test_nodes_that_a_killed_process_wanted_during_an_outage_are_created_by_the_next(
    server: RunningServer, client: Container, tmp_path: Path
) -> None:
    with Line(server.uri) as line:
        arguments = [line.uri, server.api_key, client.key, str(tmp_path)]
        process = subprocess.Popen(
            [sys.executable, "-c", SPOOLING, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "connected\n"
        line.is_down = True
        line.cut()
        process.communicate("\n", timeout=60)
    assert process.returncode == -9
    assert list(client) == []
    for _ in range(2):
        with client.writer(spool=tmp_path) as writer:
            writer.flush(60)
    assert client["run/images"].read()[:, 0].tolist() == list(range(10))


async def test_an_async_writer_creates_and_describes_nodes(server: RunningServer) -> None:
    async with await from_uri_async(server.uri, api_key=API_KEY) as client:
        top: Any = await client.create_container()
        async with client.writer() as writer:
            run = writer.create(top, "run")
            await writer.flush(30)
            ragged = await top.write_ragged([[1.5]], key="ragged")
            images = writer.create(run, "images", EMPTY)
            await images.append([1, 2])
            await run.update_metadata({"done": True})
            await writer.open(ragged).append([[2.5, 3.5]])
        assert (await (await top["run/images"]).read()).tolist() == [[1, 2]]
        assert (await top["run"]).metadata == {"done": True}
        assert (await (await top["ragged"]).read()).tolist() == [[1.5], [2.5, 3.5]]
