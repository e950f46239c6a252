"""Backups of a site that is being written, and what is restored from them elsewhere."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pandas as pd
import pytest

from tests.buckets import in_folder
from tests.servers import RunningServer, manage, own_database, running
from tiled_client import Container, from_uri
from tiled_client.errors import TiledClientError
from tiledproject.backups.checking import check_backup

API_KEY = "secret"
FRAME = np.ones((1, 40, 50), "i4")


class Producer:
    """Writes numbered frames and rows, and creates and deletes nodes, until stopped."""

    def __init__(self, server: RunningServer) -> None:
        self.root = from_uri(server.uri, api_key=API_KEY)
        self.frames = self.rows = 0
        self._frames = self.root.write_array(0 * FRAME, key="frames")
        self._table = self.root.write_table(pd.DataFrame({"n": [0]}), key="rows")
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=each) for each in (self._append, self._add_rows, self._replace)
        ]

    def __enter__(self) -> Producer:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _append(self) -> None:
        while not self._stop.wait(0.005):
            number = self.frames + 1
            self._frames.patch(number * FRAME, offset=(number, 0, 0), extend=True)
            self.frames = number

    def _add_rows(self) -> None:
        while not self._stop.wait(0.005):
            number = self.rows + 1
            self._table.append_partition(0, pd.DataFrame({"n": [number]}))
            self.rows = number

    def _replace(self) -> None:
        """Create a node of each kind of files, rewrite its files, and delete it."""
        number = 0
        while not self._stop.wait(0.005):
            number += 1
            key = f"passing-{number}"
            self.root.write_table(pd.DataFrame({"n": range(number)}), key=key)
            self.root[key].write(pd.DataFrame({"n": range(number)}))
            self.root.write_array(np.full((300, 20), number), key=f"array-{number}")
            with suppress(TiledClientError):
                old = [f"passing-{number - 2}", f"array-{number - 2}"]
                self.root.delete_contents(old, external_only=False)


@dataclass
class Site:
    """A site in a folder, with a database as the tests use."""

    folder: Path
    settings: dict[str, str]

    def manage(self, *arguments: str) -> Any:
        return manage(self.folder, *arguments, **self.settings)


@contextmanager
def other_site(folder: Path, *, postgresql: bool) -> Iterator[Site]:
    """An empty site; its Redis holds other streams than those of the first."""
    if not postgresql:
        yield Site(folder, {"TILED_DATABASE_URI": f"sqlite:///{folder / 'catalog.db'}"})
        return
    with own_database() as database:
        yield Site(folder, database)


@pytest.fixture(scope="module")
def backups(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Producer]]:
    """Two backups of a site that was written meanwhile, and what had been written before."""
    folder = tmp_path_factory.mktemp("busy")
    target = tmp_path_factory.mktemp("backups") / "all"
    options = ("--port", "0", "--workers", "1", "--api-key", API_KEY)
    with own_database() as database, running(folder, "serve", *options, **database) as server:
        (folder / "api_key").write_text("of-the-original\n")
        (folder / "api_key").chmod(0o644)
        producer = Producer(server)
        producer.root.create_container("kept", metadata={"color": "red"})
        producer.root["kept"].write_awkward(ak.Array([[1, 2], [], [3]]), key="awkward")
        with producer:
            for _ in range(2):
                done = server.manage("backup", str(target))
                assert done.returncode == 0, done.stderr
                assert not done.stderr.strip()
        yield target, producer


@in_folder
def test_a_backup_is_private_and_the_next_links_what_has_not_changed(
    backups: tuple[Path, Producer],
) -> None:
    first, second = sorted(path for path in backups[0].iterdir() if path.name[0] != ".")
    summary = json.loads((second / "backup.json").read_text())
    assert not summary["problems"]
    modes = {path.stat().st_mode & 0o777 for path in second.rglob("*")}
    assert modes == {0o700, 0o600}
    (before,) = first.glob("storage/*/*/buffers-*.zip")
    assert before.samefile(second / before.relative_to(first))
    with closing(sqlite3.connect(second / "manifest.db")) as manifest:
        listed = {name for (name,) in manifest.execute("SELECT name FROM files")}
    found = {str(path.relative_to(second)) for path in second.rglob("*") if path.is_file()}
    assert found - listed == {"backup.json", "manifest.db"}


@in_folder
@pytest.mark.parametrize("postgresql", [False, True])
def test_a_backup_of_a_busy_site_is_restored_elsewhere(
    backups: tuple[Path, Producer], tmp_path: Path, *, postgresql: bool
) -> None:
    if postgresql and not os.environ.get("TEST_DATABASE_URI"):
        pytest.skip("TEST_DATABASE_URI names no PostgreSQL to restore into")
    folder, _ = backups
    with other_site(tmp_path / "other", postgresql=postgresql) as site:
        done = site.manage("restore", str(folder))
        assert done.returncode == 0, done.stderr
        assert (site.folder / "api_key").read_text() == "of-the-original\n"
        assert (site.folder / "api_key").stat().st_mode & 0o777 == 0o600
        verified = site.manage("verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        refused = site.manage("restore", str(folder))
        assert refused.returncode == 1
        assert "empty site" in refused.stderr
        options = ("--port", "0", "--workers", "1", "--api-key", API_KEY)
        with running(site.folder, "serve", *options, **site.settings) as server:
            running_refused = site.manage("restore", str(folder), "--force")
            assert "stop its servers" in running_refused.stderr
            check_contents(from_uri(server.uri, api_key=API_KEY))


def check_contents(root: Container) -> None:
    assert root["kept"].metadata == {"color": "red"}
    assert ak.to_list(root["kept"]["awkward"].read()) == [[1, 2], [], [3]]
    frames = root["frames"]
    numbers = frames.read()[:, 0, 0].tolist()
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > 1
    rows = root["rows"].read()["n"].tolist()
    assert rows == list(range(len(rows)))
    passing = [key for key in root if key.startswith(("passing-", "array-"))]
    newest = max((int(key.partition("-")[2]) for key in passing), default=0)
    for key in passing:
        kind, _, digits = key.partition("-")
        number = int(digits)
        # The moment of the backup may be between the creation of the newest node and its data.
        is_new = number == newest
        if kind == "passing":
            found = root[key].read()["n"].tolist()
            assert found == list(range(number)) or (is_new and not found), key
        else:
            values = set(root[key].read().ravel().tolist())
            assert values == {number} or (is_new and values == {0}), key
    # It can be written where it ended: what the original has written since is not there.
    frames.patch(len(numbers) * FRAME, offset=(len(numbers), 0, 0), extend=True)
    assert frames.read()[:, 5, 5].tolist() == list(range(len(numbers) + 1))
    root["rows"].append_partition(0, pd.DataFrame({"n": [len(rows)]}))
    assert root["rows"].read()["n"].tolist() == list(range(len(rows) + 1))


@in_folder
def test_a_damaged_backup_is_noticed(backups: tuple[Path, Producer], tmp_path: Path) -> None:
    folder, _ = backups
    second = sorted(folder.glob("2*"))[1]
    (chunk,) = second.glob("storage/*/*/buffers-*.zip")
    content = chunk.read_bytes()
    chunk.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    try:
        with other_site(tmp_path / "other", postgresql=False) as site:
            assert check_backup(folder).damaged == [str(chunk.relative_to(second))]
            done = site.manage("restore", str(folder))
            assert done.returncode == 1
            assert "--skip-damaged" in done.stderr
            done = site.manage("restore", str(folder), "--force", "--skip-damaged")
            assert (done.returncode, done.stderr.count("Left out")) == (1, 1)
    finally:
        chunk.write_bytes(content)
