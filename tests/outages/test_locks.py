"""Locks of nodes: never kept by accident, and never waited for without end."""

from __future__ import annotations

import fcntl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from django.conf import LazySettings
from django.db import OperationalError, connection

from catalog.locks import node_locks
from catalog.locks.thread_queue import LockTimeout
from catalog.locks.transaction_locks import durable_transaction
from core.errors import Invalid, ServiceError
from tiledproject.postgresql.poolers import connect
from tools.backends.postgresql_cluster import Cluster

from .conftest import OnCluster

Here = Callable[[], AbstractContextManager[Any]]
PATH = "a/node"
CONNECTIONS = (
    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' "
    "AND pid != pg_backend_pid()"
)

LOCKS = "pg_locks WHERE locktype = 'advisory'"
HELD = f"SELECT count(*) FROM {LOCKS}"


@pytest.fixture(params=["sqlite", "postgresql", "pgbouncer"])
def here(request: pytest.FixtureRequest, settings: LazySettings, tmp_path: Path) -> Here:
    """A context in which a thread takes locks: of files, of a PostgreSQL, behind a PgBouncer."""
    storage = settings.TILED.storage.model_copy(update={"directory": tmp_path})
    settings.TILED = settings.TILED.model_copy(update={"storage": storage})
    if request.param != "sqlite":
        fixture = {"postgresql": "on_cluster", "pgbouncer": "on_pgbouncer"}[request.param]
        on_cluster: OnCluster = request.getfixturevalue(fixture)
        return on_cluster
    if connection.vendor != "sqlite":
        pytest.skip("the tests run on PostgreSQL")
    return nullcontext


@pytest.fixture
def impatient(settings: LazySettings) -> None:
    """Wait for locks for half a second."""
    database = settings.TILED.database.model_copy(update={"lock_timeout": 0.5})
    settings.TILED = settings.TILED.model_copy(update={"database": database})


@contextmanager
def held_elsewhere(here: Here, path: str = PATH) -> Iterator[None]:
    """As if a process that hangs held the lock of `path`."""
    slot = node_locks._slot(path)
    with here():
        if connection.vendor == "postgresql":
            with connect(**connection.get_connection_params(), autocommit=False) as other:
                number = (node_locks.ADVISORY_CLASS, slot)
                other.execute("SELECT pg_advisory_xact_lock(%s, %s)", number)
                yield
            return
        folder = node_locks._lock_folder(node_locks.storage_settings().directory)
    with open(f"{folder}/{slot:04x}", "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def lock(here: Here, path: str = PATH) -> float:
    """Take the lock in this thread, and release it; return how long that took."""
    start = time.monotonic()
    with here(), node_locks.node_lock(path):
        return time.monotonic() - start


def test_one_thread_at_a_time_holds_a_lock(here: Here) -> None:
    counts = {"now": 0, "most": 0, "all": 0}

    def count(_: int) -> None:
        with here(), node_locks.node_lock(PATH):
            counts["now"] += 1
            counts["most"] = max(counts["most"], counts["now"])
            counts["all"] += 1
            time.sleep(0.001)
            counts["now"] -= 1

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(count, range(60)))
    assert counts == {"now": 0, "most": 1, "all": 60}


@pytest.mark.usefixtures("impatient")
def test_a_lock_that_does_not_come_is_refused_and_comes_when_it_is_free(here: Here) -> None:
    with held_elsewhere(here):
        for _ in range(2):
            with pytest.raises(LockTimeout, match=r"0\.5 s \(the setting database\.lock_timeout"):
                lock(here)
        lock(here, "another/node")
    before = psutil.Process().num_fds()
    lock(here)
    assert psutil.Process().num_fds() <= before


@pytest.mark.usefixtures("impatient")
def test_a_deletion_does_not_wait_for_a_writer_that_hangs(here: Here) -> None:
    with held_elsewhere(here), here():
        start = time.monotonic()
        node_locks.wait_for_writers([PATH, "another/node"])
        assert time.monotonic() - start < 5
        with node_locks.node_lock("another/node"):
            pass


def test_who_waits_for_locks_takes_no_connection_from_others(
    on_cluster: OnCluster, cluster: Cluster, settings: LazySettings
) -> None:
    def wait(number: int) -> None:
        with pytest.raises(LockTimeout):
            lock(on_cluster, f"{PATH}/{number % 8}")

    database = settings.TILED.database.model_copy(update={"lock_timeout": 3})
    settings.TILED = settings.TILED.model_copy(update={"database": database})
    with (
        held_elsewhere(on_cluster, f"{PATH}/0"),
        held_elsewhere(on_cluster, f"{PATH}/1"),
        ThreadPoolExecutor(60) as threads,
    ):
        for number in range(60):
            threads.submit(wait, 0 if number % 2 else 1)
        while node_locks.longest_wait() < 0.5:
            time.sleep(0.01)
        assert cluster.execute(CONNECTIONS)[0][0] <= 2 + 2 + 2
        start = time.monotonic()
        with on_cluster(), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        lock(on_cluster, "another/node")
        assert time.monotonic() - start < 1.0
    assert node_locks.longest_wait() == 0.0


def test_behind_a_pooler_a_lock_belongs_to_the_transaction_of_its_write(
    on_pgbouncer: OnCluster, cluster: Cluster
) -> None:
    def write(text: str) -> None:
        with durable_transaction(), connection.cursor() as cursor:
            cursor.execute("INSERT INTO written VALUES (%s)", [text])
            assert cluster.execute(HELD) == [(1,)]
            if text == "lost":
                assert cluster.end_sessions(f"pid IN (SELECT pid FROM {LOCKS})") == 1

    cluster.execute("CREATE TABLE written (t text)")
    with on_pgbouncer():
        with node_locks.node_lock(PATH):
            write("kept")
            assert cluster.execute(HELD) == [(0,)]
        with pytest.raises(OperationalError), node_locks.node_lock(PATH):
            write("lost")
        with suppress(ServiceError), node_locks.node_lock(PATH), connection.cursor() as cursor:
            cursor.execute("INSERT INTO written VALUES ('before a refusal')")
            raise Invalid("A refusal.")
        lock(on_pgbouncer)
    assert cluster.execute("SELECT t FROM written") == [("kept",), ("before a refusal",)]
    assert cluster.execute(HELD) == [(0,)]


def test_behind_a_pooler_a_site_lock_lasts_over_transactions(on_pgbouncer: OnCluster) -> None:
    def try_lock() -> bool:
        with on_pgbouncer(), node_locks.try_site_lock("job") as is_held:
            return is_held

    with on_pgbouncer(), node_locks.try_site_lock("job") as is_held:
        for _ in range(3):
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            with ThreadPoolExecutor(1) as other:
                assert (is_held, other.submit(try_lock).result()) == (True, False)
    assert try_lock()


def test_behind_a_pooler_rows_are_iterated_over_without_a_cursor_of_the_server(
    on_pgbouncer: OnCluster,
) -> None:
    def numbers() -> list[int]:
        with on_pgbouncer(), connection.chunked_cursor() as cursor:
            cursor.execute("SELECT generate_series(1, 1000)")
            return [number for _ in range(100) for (number,) in cursor.fetchmany(10)]

    with ThreadPoolExecutor(8) as threads:
        found = [threads.submit(numbers) for _ in range(32)]
    assert all(one.result() == list(range(1, 1001)) for one in found)


@pytest.mark.parametrize(
    "damage", ["BEGIN; SELECT 1/0", "ended", "SELECT pg_advisory_unlock_all()"]
)
def test_a_session_whose_lock_cannot_be_released_does_not_go_back_to_the_pool(
    on_cluster: OnCluster, cluster: Cluster, damage: str
) -> None:
    with on_cluster() as wrapper:
        with node_locks.node_lock(PATH):
            session = wrapper.connection
            pid = session.info.backend_pid
            if damage == "ended":
                cluster.execute("SELECT pg_terminate_backend(%s, 5000)", pid)
            else:
                with suppress(psycopg.Error):
                    session.execute(damage)
        assert session.closed
        held = []
        thread = threading.Thread(target=lambda: held.append(lock(on_cluster)))
        thread.start()
        thread.join(10)
        assert held
