"""Backups of a site in a bucket that is being written, restored into buckets and folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.buckets import SHARED_BUCKET, Service
from tests.servers import manage, own_database, running
from tests.tiledproject.test_backups import API_KEY, Producer, check_contents
from tests.tiledproject.test_storage_copy import PACKED, write_all_families
from tiled_client import Container, from_uri
from tiledproject.backups.checking import check_backup

OPTIONS = ("--port", "0", "--workers", "1", "--api-key", API_KEY)
pytestmark = pytest.mark.skipif(bool(SHARED_BUCKET), reason="has several buckets")
# Bytes of a table that is in several objects, and has a tail.
ROWS = 3_000_000


def write_before(root: Container) -> None:
    """Write what no later write changes: overwritten chunks, and a table in several objects."""
    root.create_container("kept", metadata={"color": "red"})
    write_all_families(root["kept"])
    root["kept"].write_array(np.zeros((4, 2000)), key="overwritten")
    root["kept"]["overwritten"].patch(np.ones((2, 2000)), offset=(1, 0))
    large = root["kept"].write_table(pd.DataFrame({"n": np.arange(ROWS)}), key="large")
    large.append_partition(0, pd.DataFrame({"n": [ROWS]}))


def check_before(root: Container) -> None:
    kept = root["kept"]
    assert kept["overwritten"].read().sum(axis=1).tolist() == [0, 2000, 2000, 0]
    assert kept["some"].read().sum(axis=1).tolist() == [0, 0, 0, 0, 2000]
    assert kept["scalar"].read() == 7.5
    assert kept["packed"].read().tolist() == PACKED.tolist()
    assert kept["sparse"].read().todense().tolist() == np.eye(4).tolist()
    assert kept["large"].read()["n"].tolist() == list(range(ROWS + 1))
    check_contents(root)


@pytest.fixture(scope="module")
def backups(buckets: Service, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two backups of a site in a bucket, which was written meanwhile."""
    folder = tmp_path_factory.mktemp("busy")
    target = tmp_path_factory.mktemp("backups") / "all"
    settings = buckets.settings()
    with (
        own_database() as database,
        running(folder, "serve", *OPTIONS, **database, **settings) as server,
    ):
        producer = Producer(server)
        write_before(producer.root)
        with producer:
            for _ in range(2):
                done = server.manage("backup", str(target))
                assert done.returncode == 0, done.stderr
                assert not done.stderr.strip()
        refused = server.manage("backup", str(target), "--link")
        assert "without --link" in refused.stderr
    return target


def restored(folder: Path, backup: Path, **settings: str) -> Any:
    done = manage(folder, "restore", str(backup), **settings)
    assert done.returncode == 0, done.stderr
    verified = manage(folder, "verify", **settings)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    return done


def test_the_next_backup_links_the_objects_that_it_has_in_common(backups: Path) -> None:
    first, second = sorted(backups.glob("2*"))
    summaries = [json.loads((one / "backup.json").read_text()) for one in (first, second)]
    assert [summary["problems"] for summary in summaries] == [[], []]
    objects = [one for one in first.glob("storage/**/*") if one.is_file()]
    common = [one for one in objects if (second / one.relative_to(first)).exists()]
    assert len(common) > 20
    assert all(one.samefile(second / one.relative_to(first)) for one in common)
    assert {one.stat().st_mode & 0o777 for one in second.rglob("*")} == {0o700, 0o600}
    assert check_backup(backups).damaged == []


@pytest.mark.parametrize("in_bucket", [True, False])
def test_a_backup_is_restored_into_a_bucket_and_into_a_folder(
    backups: Path, buckets: Service, tmp_path: Path, *, in_bucket: bool
) -> None:
    storage = buckets.settings() if in_bucket else {}
    with own_database() as database:
        settings = {**database, **storage}
        restored(tmp_path / "site", backups, **settings)
        refused = manage(tmp_path / "site", "restore", str(backups), **settings)
        assert "empty site" in refused.stderr
        with running(tmp_path / "site", "serve", *OPTIONS, **settings) as server:
            check_before(from_uri(server.uri, api_key=API_KEY))


def test_a_backup_of_a_folder_is_restored_into_a_bucket(buckets: Service, tmp_path: Path) -> None:
    with (
        own_database() as database,
        running(tmp_path / "first", "serve", *OPTIONS, **database) as server,
    ):
        producer = Producer(server)
        write_before(producer.root)
        with producer:
            done = server.manage("backup", str(tmp_path / "backups"))
            assert done.returncode == 0, done.stderr
    with own_database() as database:
        settings = {**database, **buckets.settings()}
        restored(tmp_path / "other", tmp_path / "backups", **settings)
        with running(tmp_path / "other", "serve", *OPTIONS, **settings) as server:
            check_before(from_uri(server.uri, api_key=API_KEY))


def test_a_damaged_object_ends_the_restore_or_is_left_out(
    backups: Path, buckets: Service, tmp_path: Path
) -> None:
    newest = sorted(backups.glob("2*"))[-1]
    damaged = max(
        (p for p in newest.glob("storage/**/*") if p.is_file()), key=lambda p: p.stat().st_size
    )
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    try:
        assert check_backup(backups).damaged == [str(damaged.relative_to(newest))]
        with own_database() as database:
            settings = {**database, **buckets.settings()}
            done = manage(tmp_path, "restore", str(backups), **settings)
            assert "--skip-damaged" in done.stderr
            done = manage(
                tmp_path, "restore", str(backups), "--force", "--skip-damaged", **settings
            )
            assert (done.returncode, done.stderr.count("Left out")) == (1, 1)
            refused = manage(tmp_path / "x", "restore", str(backups), "--skip-damaged", **database)
            assert "of the same kind" in refused.stderr
    finally:
        damaged.write_bytes(content)
