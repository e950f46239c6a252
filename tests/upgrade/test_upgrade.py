"""A site that an earlier version wrote: database, data folder and Redis are opened by this one."""

from __future__ import annotations

import json
import tarfile
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import awkward as ak
import numpy as np
import pyarrow as pa
import pytest

from tests.buckets import in_folder
from tests.servers import RunningServer, running
from tiled_client import Container, from_uri
from tools.backends.valkey_server import Cache, own_cache

HERE = Path(__file__).parent
# The updates in it are as old as the version that wrote them.
YEARS = "2000000000"
API_KEY = "secret"


@pytest.fixture(scope="module")
def cache() -> Iterator[Cache]:
    with own_cache() as cache:
        for name, *words in json.loads((HERE / "redis-0.1.json").read_text()):
            cache.client.execute_command(name, *map(b64decode, words))
        yield cache


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, cache: Cache) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("site")
    with tarfile.open(HERE / "site-0.1.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    settings = {
        "TILED_STREAMING_CACHE_URI": cache.uri,
        "TILED_STREAMING_CACHE_PREFIX": "before",
        "TILED_STREAMING_CACHE_DATA_TTL": YEARS,
        "TILED_STREAMING_CACHE_SEQ_TTL": YEARS,
        # A name that settings had in that version.
        "TILED_SERVER_LARGEST_BODY": "100000000",
    }
    with running(folder, "serve", "--port", "0", "--api-key", API_KEY, **settings) as site:
        yield site


@pytest.fixture(scope="module")
def run(site: RunningServer) -> Container:
    node = from_uri(site.uri, api_key=API_KEY)["run"]
    assert isinstance(node, Container)
    return node


@in_folder
def test_what_was_stored_is_read(run: Container) -> None:
    assert list(run) == ["x", "t", "sp", "aw", "rg", "done"]
    assert run.metadata == {"color": "red", "n": 1}
    assert [revision.metadata["color"] for revision in run.metadata_revisions] == ["blue"]
    assert run["x"].metadata == {"unit": "mm"}
    np.testing.assert_array_equal(run["x"].read(), np.arange(9).reshape(3, 3))
    assert pa.Table.from_pandas(run["t"].read()).to_pydict() == {"a": [1, 2], "b": ["one", "two"]}
    np.testing.assert_array_equal(run["sp"].read().todense(), [[0, 1.5, 0], [0, 0, 2.5]])
    assert ak.to_list(run["aw"].read()) == [[1, 2], [], [3]]
    assert [list(row) for row in run["rg"].read()] == [[1.0, 2.0], [3.0]]


@in_folder
def test_what_was_streamed_is_replayed_and_goes_on(run: Container) -> None:
    x = run["x"]
    with x.subscribe().updates(start=0, timeout=30) as updates:
        assert [next(updates).sequence for _ in range(2)] == [1, 2]
        x.patch(np.array([[9, 10, 11]]), offset=(3, 0), extend=True)
        update = next(updates)
        assert (update.sequence, update.offset) == (3, (3, 0))
    np.testing.assert_array_equal(x.read(), np.arange(12).reshape(4, 3))


@in_folder
def test_a_closed_stream_is_closed(run: Container) -> None:
    with run["done"].subscribe().updates(start=0, timeout=30) as updates:
        assert [update.sequence for update in updates] == [1]


@in_folder
def test_keys_that_were_issued_are_valid(site: RunningServer) -> None:
    listed = site.manage("apikey", "list")
    assert "d302729c" in listed.stdout, listed.stderr
