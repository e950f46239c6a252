"""A site moves from a folder to a bucket and back: copied while it is written, then switched."""

from __future__ import annotations

import os
import time
from pathlib import Path

import awkward as ak
import dask.array as da
import numpy as np
import pandas as pd
import sparse

from tests.buckets import Service, in_folder
from tests.servers import RunningServer, manage, own_database, running
from tests.tiledproject.test_backups import API_KEY, FRAME, Producer
from tiled_client import Container, from_uri
from tiled_client.wire.data_sources import DataSource
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure

OPTIONS = ("--port", "0", "--workers", "1", "--api-key", API_KEY)
pytestmark = in_folder


# In one chunk, which is stored compressed.
PACKED = np.arange(6000).reshape(3, 2000)


def write_all_families(root: Container) -> None:
    root.write_awkward(ak.Array([[1, 2], [], [3]]), key="awkward")
    root.write_sparse(sparse.COO(np.eye(4)), key="sparse")
    some = root.write_array(np.zeros((2, 2000)), key="some")
    # Chunks are left out, which are zeros.
    some.patch(np.ones((1, 2000)), offset=(4, 0), extend=True)
    texts = root.write_array(np.array([["a", "bcd"], ["", "é"]]), key="texts")
    assert texts.shape == (2, 2)
    root.write_array(np.array(7.5), key="scalar")
    structure = ArrayStructure.from_array(PACKED)
    source = DataSource(StructureFamily.array, structure, parameters={"codec": "zstd"})
    root.new(StructureFamily.array, [source], key="packed").write(PACKED)


def check(root: Container, frames: int, rows: int) -> None:
    assert ak.to_list(root["awkward"].read()) == [[1, 2], [], [3]]
    assert root["sparse"].read().todense().tolist() == np.eye(4).tolist()
    assert root["some"].read().sum(axis=1).tolist() == [0, 0, 0, 0, 2000]
    assert root["texts"].read().tolist() == [["a", "bcd"], ["", "é"]]
    assert root["scalar"].read() == 7.5
    assert root["packed"].read().tolist() == PACKED.tolist()
    assert root["frames"].read()[:, 0, 0].tolist() == list(range(frames + 1))
    assert root["rows"].read()["n"].tolist() == list(range(rows + 1))


def grow(root: Container, frames: int, rows: int) -> None:
    root["frames"].patch((frames + 1) * FRAME, offset=(frames + 1, 0, 0), extend=True)
    root["rows"].append_partition(0, pd.DataFrame({"n": [rows + 1]}))


def copied(server: RunningServer, *arguments: str) -> None:
    done = server.manage("storage", "copy", *arguments)
    assert done.returncode == 0, done.stderr


def test_a_site_moves_to_a_bucket_and_back(buckets: Service, tmp_path: Path) -> None:
    folder, prefix = tmp_path / "site", "moved"
    settings = buckets.settings(prefix)
    keys = {
        "AWS_ACCESS_KEY_ID": buckets.key,
        "AWS_SECRET_ACCESS_KEY": buckets.secret,
    }
    to_bucket = ("--to", settings["TILED_STORAGE_URI"], "--endpoint", buckets.endpoint)
    with own_database() as database:
        with running(folder, "serve", *OPTIONS, **database, **keys) as server:
            producer = Producer(server)
            write_all_families(producer.root)
            with producer:
                copied(server, *to_bucket)
            refused = server.manage("storage", "copy", *to_bucket, "--switch")
            assert refused.returncode == 1
            assert "stop its servers" in refused.stderr
        frames, rows = producer.frames, producer.rows
        done = manage(folder, "storage", "copy", *to_bucket, "--switch", **database, **keys)
        assert done.returncode == 0, done.stderr
        assert "set storage.uri" in done.stdout
        old = manage(folder, "serve", *OPTIONS, **database)
        assert old.returncode == 1
        assert "it has no mark" in old.stderr
        with running(folder, "serve", *OPTIONS, **database, **settings) as server:
            root = from_uri(server.uri, api_key=API_KEY)
            check(root, frames, rows)
            grow(root, frames, rows)
            root["some"].patch(np.ones((1, 2000)), offset=(4, 0))
            check(root, frames + 1, rows + 1)
            checked = server.manage("verify")
            assert checked.returncode == 0, checked.stdout + checked.stderr
            copied(server, "--to", str(tmp_path / "back"))
        back = ("--to", str(tmp_path / "back"), "--switch")
        done = manage(folder, "storage", "copy", *back, **database, **settings)
        assert done.returncode == 0, done.stderr
        settings = {"TILED_STORAGE_DIRECTORY": str(tmp_path / "back")}
        with running(folder, "serve", *OPTIONS, **database, **settings) as server:
            root = from_uri(server.uri, api_key=API_KEY)
            check(root, frames + 1, rows + 1)
            grow(root, frames + 1, rows + 1)
            check(root, frames + 2, rows + 2)
            checked = server.manage("verify")
            assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_prefix_with_data_of_others_is_refused(buckets: Service, tmp_path: Path) -> None:
    folder, settings = tmp_path / "site", buckets.settings("taken")
    buckets.store("taken").put("something", b"of others")
    keys = {"AWS_ACCESS_KEY_ID": buckets.key, "AWS_SECRET_ACCESS_KEY": buckets.secret}
    to_bucket = ("--to", settings["TILED_STORAGE_URI"], "--endpoint", buckets.endpoint)
    with (
        own_database() as database,
        running(folder, "serve", *OPTIONS, **database, **keys) as server,
    ):
        done = server.manage("storage", "copy", *to_bucket)
    assert done.returncode == 1
    assert "has data already" in done.stderr


def test_a_further_copy_skips_what_it_has_and_names_what_is_lost(
    buckets: Service, tmp_path: Path
) -> None:
    folder, settings = tmp_path / "site", buckets.settings("again")
    keys = {"AWS_ACCESS_KEY_ID": buckets.key, "AWS_SECRET_ACCESS_KEY": buckets.secret}
    to_bucket = ("--to", settings["TILED_STORAGE_URI"], "--endpoint", buckets.endpoint)
    with own_database() as database:
        with running(folder, "serve", *OPTIONS, **database) as server:
            root = from_uri(server.uri, api_key=API_KEY)
            root.write_array(da.ones((40, 3000), chunks=(1, 3000)), key="frames")
            for key in ("lost", "kept"):
                root.write_table(pd.DataFrame({"n": [1, 2]}), key=key)
        lost, *_ = (folder / "storage").glob("*/*/*.arrows")
        lost.unlink()
        age(folder / "storage")

        def copied(*options: str) -> str:
            done = manage(folder, "storage", "copy", *to_bucket, *options, **database, **keys)
            return f"{done.stdout} {done.stderr}"

        assert "Copied 3 data sources" in (first := copied())
        assert "except 1: see the log" in first
        objects = buckets.store("again")
        before = {info.name: info.modified for info in objects.list_objects()}
        (chunk,) = (folder / "storage").glob("*/*/c/3/0")
        chunk.write_bytes(np.full(3000, 7.0).tobytes())
        name = chunk.relative_to(folder / "storage").as_posix()
        time.sleep(1.1)  # the resolution of the times of objects
        assert "except 1: see the log" in copied()
        after = {info.name: info.modified for info in objects.list_objects()}
        changed = {each for each, when in after.items() if when != before[each]}
        assert changed == {name, f"{name.partition('/c/')[0]}/zarr.json"}
        assert bytes(objects.get(name)) == chunk.read_bytes()
        assert "--skip-damaged" in copied("--switch")
        assert "set storage.uri" in copied("--switch", "--skip-damaged")
        checked = manage(folder, "verify", **database, **settings)
        assert checked.stdout.count("no-data") == 1
        assert len(checked.stdout.splitlines()) == 1, checked.stdout


def age(folder: Path) -> None:
    """Let all files be old, so that they are known to be unchanged by their times."""
    for path in folder.rglob("*"):
        os.utime(path, (1e9, 1e9))
