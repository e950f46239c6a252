"""Servers are upgraded one by one, while producers write and subscribers receive.

The version before is the last tag of git, or the commit in the variable UPGRADE_FROM.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import numpy as np
import pandas as pd
import pytest

from tests.servers import PROJECT, manage, running
from tiled_client import Container, from_uri
from tools.backends.valkey_server import own_cache

API_KEY = "secret"
OPTIONS = ("serve", "--port", "0", "--workers", "1", "--api-key", API_KEY)
FRAME = np.ones((1, 8, 128), "i4")


def git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *arguments], cwd=PROJECT, capture_output=True, check=False)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code of the version before, in a folder."""
    commit = os.environ.get("UPGRADE_FROM")
    if not commit:
        found = git("describe", "--tags", "--abbrev=0")
        if found.returncode:
            pytest.skip("There is no version before: git has no tag, and UPGRADE_FROM is not set.")
        commit = found.stdout.decode().strip()
    archive = git("archive", commit)
    if archive.returncode:
        pytest.skip(f"The history of {commit} is missing, as in a shallow clone.")
    folder = tmp_path_factory.mktemp("before")
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


@contextmanager
def empty_database(folder: Path) -> Iterator[str]:
    """A database without tables, which the version before migrates."""
    uri = os.environ.get("TEST_DATABASE_URI")
    if not uri:
        yield f"sqlite:///{folder / 'catalog.db'}"
        return
    import psycopg

    name = f"tiled_test_{secrets.token_hex(6)}"
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlunsplit(urlsplit(uri)._replace(path=f"/{name}"))
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


class Producer:
    """Writes numbered frames and rows through one server or another."""

    def __init__(self, root: Container) -> None:
        root.write_array(0 * FRAME, key="frames", metadata={"text": "heron"})
        root.write_table(pd.DataFrame({"n": [0]}), key="rows")
        self.count = 1

    def write(self, root: Container, times: int) -> None:
        frames, rows = root["frames"], root["rows"]
        for _ in range(times):
            frames.patch(self.count * FRAME, offset=(self.count, 0, 0), extend=True)
            rows.append_partition(0, pd.DataFrame({"n": [self.count]}))
            self.count += 1


class Subscriber(threading.Thread):
    """Collects the number of each row, and of the row that the update says it is."""

    def __init__(self, root: Container, start: int, stop: int) -> None:
        super().__init__()
        self.seen: list[tuple[int, int, Any]] = []
        self._subscription = root["rows"].subscribe()
        self._first, self._last = start, stop
        self.start()

    def run(self) -> None:
        with self._subscription.updates(start=self._first, timeout=60) as updates:
            for update in updates:
                (number,) = update.data()["n"].tolist()
                self.seen.append((update.sequence, number, getattr(update, "offset", None)))
                if update.sequence >= self._last:
                    return


def test_writers_and_subscribers_go_from_one_version_to_the_next(
    before: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    with own_cache() as cache, empty_database(data) as database:
        shared = {
            "TILED_SERVER_DATA_DIR": str(data),
            "TILED_DATABASE_URI": database,
            "TILED_STREAMING_CACHE_URI": cache.uri,
            "TILED_STREAMING_CACHE_PREFIX": "rolling",
        }
        old = {**shared, "PYTHONPATH": f"{before / 'client'}"}
        with running(tmp_path / "old", *OPTIONS, project=before, **old) as first:
            assert {process.cwd() for process in first.processes()} >= {str(before)}
            first_root = from_uri(first.uri, api_key=API_KEY)
            producer = Producer(first_root)
            # It receives rows of both versions through a server of the one before.
            follower = Subscriber(first_root, start=0, stop=31)
            producer.write(first_root, 10)
            migrated = manage(tmp_path / "command", "migrate", **shared)
            assert migrated.returncode == 0, migrated.stderr
            producer.write(first_root, 5)
            with running(tmp_path / "new", *OPTIONS, **shared) as second:
                second_root = from_uri(second.uri, api_key=API_KEY)
                later = Subscriber(second_root, start=0, stop=41)
                for _ in range(5):
                    producer.write(second_root, 1)
                    producer.write(first_root, 2)
                follower.join(60)
                assert len(first_root.search(_fulltext("heron"))) == 1
                first.stop()
                resumed = Subscriber(second_root, start=32, stop=41)
                producer.write(second_root, 10)
                for subscriber in (later, resumed):
                    subscriber.join(60)
                _check(second_root, producer, follower, later, resumed)
                checked = second.manage("check_schema")
                assert checked.returncode == 0, checked.stderr
                verified = second.manage("verify")
                assert verified.returncode == 0, verified.stdout


def _fulltext(text: str) -> Any:
    from tiled_client.queries import FullText

    return FullText(text)


def _check(root: Container, producer: Producer, *subscribers: Subscriber) -> None:
    numbers = list(range(producer.count))
    assert root["frames"].read()[:, 3, 3].tolist() == numbers
    assert root["rows"].read()["n"].tolist() == numbers
    assert len(root.search(_fulltext("heron"))) == 1
    follower, later, resumed = ([seen[:2] for seen in each.seen] for each in subscribers)
    assert later == [(number + 1, number) for number in numbers]
    assert follower == later[:31]
    assert resumed == later[31:]
    # The version before may not have counted the rows that it appended.
    rows = {number: offset for _, number, offset in subscribers[1].seen if offset is not None}
    assert all(number == offset for number, offset in rows.items()), rows
    assert set(rows) >= set(numbers[-10:]), "this version says which rows an update has"
