"""A read replica answers searches, and never with less than what was acknowledged before."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.conftest import API_KEY
from tests.servers import RunningServer, running
from tiledproject.config.errors import ConfigError
from tiledproject.config.settings_model import load
from tools.backends.postgresql_cluster import (
    Cluster,
    own_cluster,
    own_replica,
    postgresql_here,
)
from tools.backends.valkey_server import own_cache

KEY = {"Authorization": f"Apikey {API_KEY}"}
SEARCHES = (
    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' "
    "AND pid <> pg_backend_pid() AND query LIKE '%%catalog_node%%'"
)


@pytest.fixture(scope="module")
def clusters() -> Iterator[tuple[Cluster, Cluster]]:
    """Run a PostgreSQL and a replica of it."""
    if not postgresql_here():
        pytest.skip("no PostgreSQL binaries in /usr/lib/postgresql")
    with own_cluster() as primary, own_replica(primary) as replica:
        yield primary, replica


@pytest.fixture(scope="module")
def site(
    clusters: tuple[Cluster, Cluster], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    primary, replica = clusters
    with own_cache() as cache:
        settings = {
            "TILED_DATABASE_URI": primary.admin,
            "TILED_DATABASE_REPLICA_URI": replica.admin,
            "TILED_DATABASE_REPLICA_WAIT": "2",
            "TILED_STREAMING_CACHE_URI": cache.uri,
            "TILED_SINGLE_USER_API_KEY": API_KEY,
        }
        folder: Path = tmp_path_factory.mktemp("replica")
        with running(folder, "serve", "--port", "0", "--workers", "1", **settings) as server:
            yield server


def create_and_list(site: RunningServer) -> None:
    """Create a node, and find it at once: in the listing, by a search, and as distinct value."""
    key = f"k{uuid.uuid4().hex}"
    api = f"{site.uri.rstrip('/')}/api/v1"
    body = {"id": key, "structure_family": "container", "metadata": {"name": key}, "specs": []}
    made = requests.post(f"{api}/metadata/", json=body, headers=KEY, timeout=30)
    assert made.status_code == 200, made.text
    condition = {"filter[eq][condition][key]": "name", "filter[eq][condition][value]": f'"{key}"'}
    found = requests.get(f"{api}/search/", params=condition, headers=KEY, timeout=30).json()
    assert [node["id"] for node in found["data"]] == [key]
    newest = requests.get(f"{api}/search/?sort=-&page[limit]=1", headers=KEY, timeout=30).json()[
        "data"
    ]
    assert [node["id"] for node in newest] == [key]
    names = requests.get(f"{api}/distinct/?metadata=name", headers=KEY, timeout=30).json()
    assert key in [one["value"] for one in names["metadata"]["name"]]


def test_what_was_just_written_is_found_on_the_replica_or_else_on_the_primary(
    site: RunningServer, clusters: tuple[Cluster, Cluster]
) -> None:
    _, replica = clusters
    for _ in range(20):
        create_and_list(site)
    assert replica.execute(SEARCHES)[0][0] > 0
    assert "The replica" not in site.log
    replica.execute("SELECT pg_wal_replay_pause()")
    create_and_list(site)
    assert "The replica of the database is behind" in site.log
    replica.execute("SELECT pg_wal_replay_resume()")
    replica.stop()
    deadline = time.monotonic() + 30
    while "The replica failed" not in site.log:
        create_and_list(site)
        assert time.monotonic() < deadline
    create_and_list(site)


def test_a_replica_of_sqlite_is_refused() -> None:
    with pytest.raises(ConfigError, match="replica_uri needs a PostgreSQL"):
        load({"TILED_DATABASE_REPLICA_URI": "postgresql://postgres@127.0.0.1/x"})
