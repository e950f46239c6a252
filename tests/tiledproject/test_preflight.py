"""What a site needs is asked for before it starts."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import redis

from tiledproject.config.directories import create_directories
from tiledproject.config.errors import ConfigError
from tiledproject.config.settings_model import load
from tiledproject.servers.preflight import check_backends


@pytest.fixture
def silent_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_a_database_that_is_not_there_stops_the_start(silent_port: int) -> None:
    uri = f"postgresql+asyncpg://me:hunter2@127.0.0.1:{silent_port}/tiled"
    with pytest.raises(ConfigError, match=r"database\.uri names a PostgreSQL") as refusal:
        check_backends(load({"TILED_DATABASE_URI": uri}))
    assert "hunter2" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_an_unreachable_redis_is_reported_and_does_not_stop_the_start(
    silent_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    check_backends(load({"TILED_STREAMING_CACHE_URI": f"redis://127.0.0.1:{silent_port}"}))
    assert "No response from streaming_cache.uri" in caplog.text


def test_a_wrong_password_for_redis_stops_the_start(valkey: str) -> None:
    with redis.Redis.from_url(valkey) as connection:
        connection.execute_command("ACL", "SETUSER", "tiled-test", "on", ">right", "~*", "+@all")
        try:
            scheme, _, rest = valkey.partition("://")
            uri = (
                f"{valkey}?username=tiled-test&password=wrong"
                if scheme == "unix"
                else f"{scheme}://tiled-test:wrong@{rest}"
            )
            with pytest.raises(
                ConfigError, match=r"streaming_cache\.uri names a Redis that rejects"
            ):
                check_backends(load({"TILED_STREAMING_CACHE_URI": uri}))
        finally:
            connection.execute_command("ACL", "DELUSER", "tiled-test")


def test_a_folder_that_cannot_be_created_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = load(
        {
            "TILED_SERVER_DATA_DIR": str(tmp_path),
            "TILED_STORAGE_DIRECTORY": str(tmp_path / "file" / "storage"),
        }
    )
    with pytest.raises(ConfigError, match=r"storage\.directory needs the folder"):
        create_directories(settings)
