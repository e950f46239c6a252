"""The embedded Valkey: private, and never left behind."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import redis

from streaming.redis.embedded_valkey import EmbeddedValkey

OWNER = """
import sys
from streaming.redis.embedded_valkey import EmbeddedValkey
print(EmbeddedValkey().start(), flush=True)
sys.stdin.read()
"""


def folder_of(uri: str) -> Path:
    return Path(uri.removeprefix("unix://")).parent


def test_it_can_be_entered_by_this_user_alone_and_from_no_network() -> None:
    with EmbeddedValkey() as uri, redis.Redis.from_url(uri) as connection:
        folder = folder_of(uri)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "valkey.sock").stat().st_mode) == 0o700
        assert connection.config_get("port") == {"port": "0"}
        server = psutil.Process(connection.info("server")["process_id"])
        assert not server.net_connections("tcp")


def test_a_full_memory_rejects_writes_and_evicts_no_keys() -> None:
    with EmbeddedValkey(memory=16_000_000) as uri, redis.Redis.from_url(uri) as connection:
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            for number in range(40):
                connection.set(f"update:{number}", bytes(1_000_000), ex=3600 + number)
        assert connection.exists("update:0", "update:1") == 2


def test_stopping_it_leaves_nothing() -> None:
    valkey = EmbeddedValkey()
    uri = valkey.start()
    with redis.Redis.from_url(uri) as connection:
        server = psutil.Process(connection.info("server")["process_id"])
    valkey.stop()
    assert not psutil.wait_procs([server], timeout=5)[1]
    assert not folder_of(uri).exists()


def test_it_dies_with_an_owner_that_is_killed() -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    uri = owner.stdout.readline().strip()
    belonging = psutil.Process(owner.pid).children(recursive=True)
    assert len(belonging) == 2
    owner.send_signal(signal.SIGKILL)
    owner.communicate()
    assert not psutil.wait_procs(belonging, timeout=5)[1]
    assert not folder_of(uri).exists()


def test_a_guard_that_dies_takes_it_along_and_both_are_started_again() -> None:
    patient = redis.retry.Retry(redis.backoff.ConstantBackoff(0.05), 200)
    for _ in range(2):
        with EmbeddedValkey() as uri, redis.Redis.from_url(uri, retry=patient) as connection:
            for _ in range(2):
                server = psutil.Process(connection.info("server")["process_id"])
                guard = server.parent()
                assert guard is not None
                guard.kill()
                assert not psutil.wait_procs([server], timeout=5)[1]
                assert connection.info("server")["process_id"] != server.pid
            successor = psutil.Process(connection.info("server")["process_id"])
        assert not psutil.wait_procs([successor], timeout=5)[1]
        assert not folder_of(uri).exists()


def test_one_that_dies_is_started_again_at_the_same_place() -> None:
    with EmbeddedValkey() as uri, redis.Redis.from_url(uri) as connection:
        first = psutil.Process(connection.info("server")["process_id"])
        first.kill()
        psutil.wait_procs([first], timeout=5)
        retrying = redis.Redis.from_url(
            uri, retry=redis.retry.Retry(redis.backoff.ConstantBackoff(0.05), 200)
        )
        with retrying:
            assert retrying.info("server")["process_id"] != first.pid


def test_it_finds_a_short_place_where_the_temporary_folder_is_deep(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    asked = subprocess.run(
        [sys.executable, "-c", OWNER],
        env={"TMPDIR": str(deep), "PATH": ""},
        input="",
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert folder_of(asked.stdout.strip()).parent == Path("/tmp")
