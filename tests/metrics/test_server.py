"""Metrics of real servers."""

from __future__ import annotations

import os
import signal
import socket
import urllib.error
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import numpy as np
import psutil
import pytest

from tests.metrics.scraping import Scrape, metrics_of, scrape, wait_for
from tests.servers import RunningServer, own_database, running
from tiled_client import from_uri

TOKEN = "token-for-metrics-alone"
REQUESTS = "tiled_request_duration_seconds_count"


@pytest.fixture(scope="module")
def port() -> int:
    """Return a port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def monitored(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[RunningServer]:
    """Run a server whose metrics can be read by a token, and at a port of their own."""
    folder = tmp_path_factory.mktemp("monitored")
    settings = {"TILED_METRICS_TOKEN": TOKEN, "TILED_METRICS_PORT": str(port)}
    with (
        own_database() as database,
        running(folder, "serve", "--port", "0", "--workers", "2", **settings, **database) as site,
    ):
        yield site


def test_requests_to_all_workers_are_counted(server: RunningServer) -> None:
    key = f"counted-{uuid4()}"
    client = from_uri(server.uri, api_key=server.api_key)
    client.write_array(np.zeros(3), key=key)
    before = metrics_of(server)

    def read(_: int) -> None:
        # A client of its own, so a connection of its own, which any worker may accept.
        from_uri(server.uri, api_key=server.api_key)[key].read()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(read, range(24)))
    after = metrics_of(server)
    for name, labels in (
        (REQUESTS, {"endpoint": "array/full", "method": "GET", "code": "200"}),
        ("tiled_reads_total", {"family": "array", "format": "application/octet-stream"}),
        ("tiled_response_content_length_bytes_count", {"endpoint": "array/full"}),
        ("tiled_read_duration_seconds_count", {"endpoint": "array/full"}),
    ):
        assert after.total(name, **labels) - before.total(name, **labels) == 24, name
    assert {label["worker"] for label, _ in after.samples("tiled_worker_cpu_seconds_total")} == {
        "0",
        "1",
    }
    assert key not in after.text


def test_writes_streams_and_ends_of_connections_are_counted(server: RunningServer) -> None:
    client = from_uri(server.uri, api_key=server.api_key)
    array = client.write_array(np.zeros(1000), key=f"streamed-{uuid4()}")
    before = metrics_of(server)
    received = []
    subscription = array.subscribe()
    subscription.new_data.add_callback(received.append)
    with subscription.start_in_thread():
        open_now = wait_for(
            lambda: metrics_of(server), lambda now: now.total("tiled_stream_subscriptions") >= 1
        )
        assert open_now.total("tiled_stream_connections") >= 1
        for number in range(5):
            array.write(np.full(1000, number))
        wait_for(lambda: metrics_of(server), lambda _: len(received) == 5)
    after = wait_for(
        lambda: metrics_of(server),
        lambda now: _grown(before, now, "tiled_stream_closes_total") >= 1,
    )
    assert _grown(before, after, "tiled_storage_writes_total") == 5
    assert _grown(before, after, "tiled_storage_written_bytes_total") == 5 * 8000
    assert _grown(before, after, "tiled_stream_messages_appended_total") == 5
    # The schema, too.
    assert _grown(before, after, "tiled_stream_messages_delivered_total") == 6
    assert _grown(before, after, "tiled_stream_delivered_bytes_total") > 5 * 8000
    assert _grown(before, after, "tiled_stream_lag_seconds_count") == 5
    assert 0 <= _grown(before, after, "tiled_stream_lag_seconds_sum") < 5
    assert after.total("tiled_redis_up") == 1
    assert after.total("tiled_redis_memory_used_bytes") > 0
    assert after.total("tiled_outbox_entries") == 0


def _grown(before: Scrape, after: Scrape, name: str) -> float:
    return after.total(name) - before.total(name)


def test_errors_and_unknown_addresses_have_bounded_labels(server: RunningServer) -> None:
    before = metrics_of(server)
    client = from_uri(server.uri, api_key=server.api_key)
    missing = f"missing-{uuid4()}"
    for path in (f"metadata/{missing}", missing, f"{missing}/{missing}"):
        with pytest.raises(urllib.error.HTTPError):
            scrape(f"{server.uri}/api/v1/{path}", f"Apikey {server.api_key}")
    after = metrics_of(server)
    assert client is not None
    labels = {"code": "404", "reason": "NotFound"}
    assert after.total("tiled_errors_total", **labels) > before.total(
        "tiled_errors_total", **labels
    )
    unknown = {"endpoint": "unknown", "code": "404", "method": "GET"}
    assert after.total(REQUESTS, **unknown) - before.total(REQUESTS, **unknown) == 2
    assert missing not in after.text


def test_metrics_require_their_scope_or_the_token(
    server: RunningServer, monitored: RunningServer, port: int
) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401"):
        scrape(f"{server.uri}/api/v1/metrics")
    made = server.manage("apikey", "create", "--scopes", "read:metadata")
    key = made.stdout.split()[-1]
    with pytest.raises(urllib.error.HTTPError, match=r"40[13]"):
        scrape(f"{server.uri}/api/v1/metrics", f"Apikey {key}")
    own = f"{monitored.uri}/api/v1/metrics"
    assert scrape(own, f"Bearer {TOKEN}").total("tiled_workers_configured") == 2
    with pytest.raises(urllib.error.HTTPError, match="401"):
        scrape(own, f"Bearer {TOKEN}x")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        scrape(f"{monitored.uri}/api/v1/metadata/", f"Bearer {TOKEN}")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        scrape(f"http://127.0.0.1:{port}/metrics")


def test_a_worker_that_is_killed_takes_no_counts_with_it(
    monitored: RunningServer, port: int
) -> None:
    client = from_uri(monitored.uri, api_key=monitored.api_key)
    for number in range(10):
        client.write_array(np.arange(number + 1), key=f"kept-{number}")

    def look() -> Scrape:
        return scrape(f"http://127.0.0.1:{port}/metrics", f"Bearer {TOKEN}")

    before = wait_for(look, lambda now: now.total("tiled_workers") == 2)
    assert before.total("tiled_worker_restarts_total") == 0
    written = before.total("tiled_storage_written_bytes_total")
    assert written == 8 * 55
    for pid in _workers(monitored):
        os.kill(pid, signal.SIGKILL)
    after = wait_for(
        look,
        lambda now: (
            now.total("tiled_workers") == 2 and now.total("tiled_worker_restarts_total") == 2
        ),
    )
    assert after.total("tiled_storage_written_bytes_total") == written
    assert after.total(REQUESTS, endpoint="array/full") == before.total(
        REQUESTS, endpoint="array/full"
    )
    client.write_array(np.arange(1), key="after")
    assert look().total("tiled_storage_written_bytes_total") == written + 8
    assert look().total("tiled_stream_connections") == 0


def _workers(server: RunningServer) -> list[int]:
    children = psutil.Process(server.process.pid).children()
    return [one.pid for one in children if "spawn_main" in " ".join(one.cmdline())]


def test_a_port_that_is_in_use_is_named(
    tmp_path: Path, monitored: RunningServer, port: int
) -> None:
    settings = {"TILED_METRICS_PORT": str(port)}
    with (
        own_database() as database,
        pytest.raises(AssertionError, match=r"change metrics\.port or metrics\.host"),
        running(tmp_path, "serve", "--port", "0", "--workers", "1", **settings, **database),
    ):
        pass


def test_the_development_server_exports_the_same_metrics(
    runserver: RunningServer, server: RunningServer
) -> None:
    client = from_uri(runserver.uri, api_key=runserver.api_key)
    before = metrics_of(runserver)
    client.write_array(np.zeros(4), key=f"dev-{uuid4()}")
    after = metrics_of(runserver)
    assert _grown(before, after, "tiled_storage_written_bytes_total") == 32
    assert after.total("tiled_workers") == 1
    assert after.families == metrics_of(server).families
