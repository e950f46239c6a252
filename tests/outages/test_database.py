"""A PostgreSQL that goes away: refusals at once meanwhile, and work as soon as it is back."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psycopg
import pytest
import requests

from tests.conftest import API_KEY
from tests.servers import running
from tiledproject.postgresql.pool import Pool, PoolExhausted, Unreachable
from tools.backends.postgresql_cluster import Cluster


@pytest.fixture
def pool(cluster: Cluster) -> Iterator[Pool]:
    """A pool of two connections."""
    made = Pool(
        partial(psycopg.connect, cluster.admin, autocommit=True, connect_timeout=3),
        max_size=2,
        timeout=0.3,
    )
    yield made
    made.close()


def works(pool: Pool) -> bool:
    connection = pool.getconn()
    try:
        return connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        pool.putconn(connection)


def seconds(pool: Pool, error: type[Exception]) -> float:
    """How long it took to be refused."""
    start = time.monotonic()
    with pytest.raises(error):
        works(pool)
    return time.monotonic() - start


def test_a_restart_fails_no_request_that_begins_after_it(pool: Pool, cluster: Cluster) -> None:
    lent = [pool.getconn(), pool.getconn()]
    for connection in lent:
        pool.putconn(connection)
    cluster.stop()
    cluster.start()
    assert works(pool)


def test_an_outage_is_told_at_once_and_ends_within_a_second(pool: Pool, cluster: Cluster) -> None:
    assert works(pool)
    cluster.stop()
    try:
        took = [seconds(pool, psycopg.OperationalError) for _ in range(20)]
    finally:
        cluster.start()
    assert max(took) < 1
    start = time.monotonic()
    while pool.failure:
        try:
            works(pool)
        except Unreachable:
            time.sleep(0.02)
    assert time.monotonic() - start < 2


def test_where_nobody_answers_one_thread_asks_and_the_others_do_not_wait() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(5) as threads:
        uri = f"postgresql://postgres@127.0.0.1:{silent.getsockname()[1]}/postgres"
        pool = Pool(partial(psycopg.connect, uri, connect_timeout=2), max_size=9, timeout=30)
        assert seconds(pool, psycopg.OperationalError) < 4
        time.sleep(0.6)
        took = sorted(threads.map(lambda _: seconds(pool, psycopg.OperationalError), range(5)))
        assert took[-2] < 1
        assert 1 < took[-1] < 4


def test_all_connections_in_use_are_waited_for_and_only_for_so_long(pool: Pool) -> None:
    lent = [pool.getconn(), pool.getconn()]
    assert 0.2 < seconds(pool, PoolExhausted) < 3
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(works, pool)
        pool.putconn(lent.pop())
        assert waiting.result()
    pool.putconn(lent.pop())


def test_a_session_in_a_failed_transaction_is_made_clean(pool: Pool) -> None:
    connection = pool.getconn()
    with pytest.raises(psycopg.Error):
        connection.execute("BEGIN; SELECT 1/0")
    pool.putconn(connection)
    assert works(pool)


def test_a_server_answers_503_at_once_and_200_soon_after(cluster: Cluster, tmp_path: Path) -> None:
    def get(path: str) -> requests.Response:
        return requests.get(f"{server.uri}{path}", headers=headers, timeout=30)

    headers = {"Authorization": f"Apikey {API_KEY}"}
    options = ("--port", "0", "--workers", "1", "--api-key", API_KEY)
    with running(tmp_path, "serve", *options, TILED_DATABASE_URI=cluster.admin) as server:
        assert get("/api/v1/metadata/").status_code == 200
        cluster.stop()
        try:
            for path in ("/api/v1/metadata/", "/api/v1/metadata/", "/readyz"):
                refused = get(path)
                assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
                assert "database cannot be reached" in refused.json()["detail"]
                assert refused.elapsed.total_seconds() < 1
            assert get("/healthz").status_code == 200, "a restart would not help"
        finally:
            cluster.start()
        start = time.monotonic()
        while get("/api/v1/metadata/").status_code != 200:
            assert time.monotonic() - start < 2
        assert get("/healthz").json()["status"] == "ready"
        while get("/readyz").json()["status"] != "ready":
            assert time.monotonic() - start < 4
        assert server.log.count("Cannot connect to PostgreSQL") == 1
        assert "Traceback" not in server.log
