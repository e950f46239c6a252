"""Other commands of a site find the Valkey of its server."""

from __future__ import annotations

from pathlib import Path

from streaming.redis.embedded_valkey import EmbeddedValkey
from tests.servers import RunningServer
from tests.settings import SHARED_REDIS
from tiledproject.servers.valkey_address import discover, published

ASK = "from django.conf import settings; print(settings.TILED.streaming_cache.uri)"


def test_a_valkey_is_found_as_long_as_its_server_runs(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert discover(folder) is None
    with EmbeddedValkey(memory=16_000_000) as uri, published(folder, uri):
        assert discover(folder) == uri
    assert discover(folder) is None
    assert list(folder.iterdir()) == []


def test_the_address_left_by_a_killed_server_is_ignored(tmp_path: Path) -> None:
    with EmbeddedValkey(memory=16_000_000) as uri:
        (tmp_path / "valkey_address").write_text(uri)
        assert discover(tmp_path) == uri
    assert discover(tmp_path) is None


def test_a_server_that_stops_keeps_the_address_of_another(tmp_path: Path) -> None:
    with EmbeddedValkey(memory=16_000_000) as uri, published(tmp_path, uri):
        with published(tmp_path, "unix:///somewhere/else"):
            pass
        assert discover(tmp_path) is None
        with published(tmp_path, "unix:///somewhere/else"):
            (tmp_path / "valkey_address").write_text(uri)
        assert discover(tmp_path) == uri


def test_a_command_uses_the_valkey_of_the_server(server: RunningServer) -> None:
    asked = server.manage("shell", "-v0", "-c", ASK).stdout.strip()
    assert asked == (SHARED_REDIS or discover(server.folder))
