"""A writer that has lost its lock cannot change what others have written to a bucket since."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import numpy as np
import pytest

from tests.buckets import Service
from tests.conftest import API_KEY
from tests.faults.postgresql_proxy import Proxy
from tests.faults.test_postgresql import Site, append, end_writers, extend, of, paused_writer
from tests.servers import running
from tools.backends.postgresql_cluster import own_cluster, postgresql_here
from tools.backends.valkey_server import own_cache


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, buckets: Service) -> Iterator[Site]:
    """Run a server with a PostgreSQL and a bucket."""
    if not postgresql_here():
        pytest.skip("no PostgreSQL binaries in /usr/lib/postgresql")
    folder = tmp_path_factory.mktemp("fencing")
    with own_cluster() as cluster, own_cache() as cache:
        settings = {
            "TILED_DATABASE_URI": cluster.admin,
            "TILED_STREAMING_CACHE_URI": cache.uri,
            "TILED_STREAMING_CACHE_PREFIX": "tiled",
            "TILED_SINGLE_USER_API_KEY": API_KEY,
            **buckets.settings(),
        }
        proxy = Proxy(cluster.port)
        with running(folder, "serve", "--port", "0", "--workers", "1", **settings) as server:
            yield Site(server.uri.rstrip("/"), cluster, proxy, cache, folder, settings, False)
        proxy.close()


@pytest.mark.parametrize("family", ["table", "growth", "full", "overwrite"])
def test_a_stopped_writer_changes_nothing_when_it_continues(site: Site, family: str) -> None:
    is_table = family == "table"
    key = site.table() if is_table else site.array()
    if is_table:
        assert append(site, key, 1).status_code == 200
    sevens = np.full((3 if family == "growth" else 1, 2), 7, "i8").tobytes()
    body = of(7, 7, 7) if is_table else sevens
    with paused_writer(site, family, key, body, before="record") as writer:
        end_writers(site)
        for number in (2, 3):
            answer = (
                append(site, key, number)
                if is_table
                else extend(site, key, number - 1, number, f"{number}")
            )
            assert answer.status_code == 200, answer.text
        writer.send_signal(signal.SIGCONT)
        assert writer.stdout is not None
        assert writer.stdout.read().strip() != "stored"
    found = site.rows(key) if is_table else site.column(key)
    assert found == ([1, 2, 3] if is_table else [0, 2, 3])
    site.settled()
    assert len(site.streamed(key)) == 3
