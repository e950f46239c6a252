"""Health endpoints: alive, ready, degraded, not ready, about to stop."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import requests
from django.db import connection
from django.test import override_settings

from catalog.services.site_marker import adopt_storage
from core.version import VERSION
from tests.buckets import in_folder
from tests.conftest import API_KEY
from tests.in_process_server import PreparedResponse, answer, content, header
from tests.servers import RunningServer, running
from tiledproject.http import health_views, readiness
from tiledproject.http.probes import OK, Finding, Health, Probe, run_probes


@pytest.fixture(autouse=True)
def no_earlier_results(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = {**readiness.CHECKS, "migrations": readiness.MigrationCheck()}
    monkeypatch.setattr(health_views, "readiness", readiness.Readiness(checks))


def with_storage(folder: Path) -> override_settings:
    from django.conf import settings

    storage = settings.TILED.storage.model_copy(update={"directory": folder})
    return override_settings(TILED=settings.TILED.model_copy(update={"storage": storage}))


def with_redis(uri: str) -> override_settings:
    from django.conf import settings

    cache = settings.TILED.streaming_cache.model_copy(update={"uri": uri, "timeout": 0.5})
    return override_settings(TILED=settings.TILED.model_copy(update={"streaming_cache": cache}))


def ready(**headers: str) -> tuple[PreparedResponse, dict[str, object]]:
    got = answer("GET", "/readyz", headers=headers)
    return got, orjson.loads(content(got))


def test_a_working_server_is_ready(server: RunningServer) -> None:
    got = requests.get(f"{server.uri}/readyz", timeout=60)
    assert got.status_code == 200
    checks = {name: {"status": "ok"} for name in readiness.CHECKS}
    assert got.json() == {"status": "ready", "version": VERSION, "checks": checks}
    assert got.headers["Cache-Control"] == "no-store"


def test_health_is_told_under_every_host_name() -> None:
    """A load balancer that probes an address is no client that was sent to a wrong name."""
    with override_settings(ALLOWED_HOSTS=["tiled.example.org"]):
        assert answer("GET", "/healthz", headers={"host": "10.1.2.3:8000"}).status == 200
        assert answer("HEAD", "/healthz", headers={"host": "10.1.2.3:8000"}).status == 200
        assert answer("GET", "/api/v1/", headers={"host": "10.1.2.3:8000"}).status == 400


@pytest.mark.django_db(transaction=True)
def test_without_redis_a_server_is_degraded_and_still_in_rotation() -> None:
    adopt_storage()  # As the start of a server does: a bucket without the mark is not ready.
    with with_redis("redis://127.0.0.1:1"):
        got, report = ready()
    assert (got.status, report["status"]) == (200, "degraded")
    assert "Streaming deferred" in str(report["detail"])


@in_folder
@pytest.mark.django_db(transaction=True)
def test_a_storage_that_takes_no_files_is_the_reason_given(tmp_path: Path) -> None:
    with with_storage(tmp_path / "missing"):
        got, report = ready()
    assert (got.status, header(got, "Retry-After"), report["status"]) == (503, "1", "unavailable")
    assert str(report["detail"]).startswith("storage: ")


@pytest.fixture
def one_migration_less(transactional_db: None) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE name = '0010_asset_rows'")
    yield
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) "
            "VALUES ('catalog', '0010_asset_rows', CURRENT_TIMESTAMP)"
        )


@pytest.mark.usefixtures("one_migration_less")
def test_a_database_of_an_older_version_is_not_ready() -> None:
    assert readiness.MigrationCheck()() == Finding(
        Health.unavailable, "Migrations are not applied: catalog.0010_asset_rows."
    )


def test_a_hanging_backend_costs_a_bounded_time_and_one_thread() -> None:
    release, begun = threading.Event(), []

    def hang() -> Finding:
        begun.append(threading.current_thread())
        release.wait(60)
        return OK

    probe = Probe(hang)
    start = time.monotonic()
    for _ in range(3):
        (found,) = run_probes([probe], 0.05)
        assert (found.health, found.detail) == (
            Health.unavailable,
            "No response within 0.05 seconds.",
        )
    assert time.monotonic() - start < 30
    assert len(begun) == 1
    release.set()
    begun[0].join(60)
    assert run_probes([probe], 60) == [OK]


def test_after_sigterm_a_server_is_first_not_ready_then_gone(tmp_path: Path) -> None:
    settings = {"TILED_SERVER_SHUTDOWN_DELAY": "60"}
    options = ("serve", "--port", "0", "--workers", "1", "--api-key", API_KEY)
    with running(tmp_path, *options, **settings) as server:
        assert requests.get(f"{server.uri}/readyz", timeout=60).json()["status"] == "ready"
        server.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 30
        while (got := requests.get(f"{server.uri}/readyz", timeout=60)).status_code != 503:
            assert time.monotonic() < deadline
        assert got.json()["status"] == "stopping"
        headers = {"Authorization": f"Apikey {API_KEY}"}
        served = requests.get(f"{server.uri}/api/v1/metadata/", headers=headers, timeout=60)
        assert served.status_code == 200, "requests are served until the load balancer knows"
        # A second signal ends the delay.
        assert server.stop(signal.SIGTERM) == 0
        assert "Stopping in 60 seconds" in server.log
