"""Two servers as on two machines: data directories apart; one database, Redis and storage."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.sync.client import ClientConnection, connect

from tests.conftest import MAKE_USERS, PASSWORDS, TOKEN_SECRET
from tests.servers import RunningServer, running
from tools.backends.haproxy import balancer_here, own_balancer
from tools.backends.ports import free_port
from tools.backends.postgresql_cluster import own_cluster, postgresql_here
from tools.backends.valkey_server import own_cache

CONNECTIONS_PER_KEY = 6
TAGS = """
from django.core.management import call_command
call_command("tag", "create", "team")
call_command("tag", "grant", "team", "user:alice", "--role", "manager")
call_command("tag", "grant", "team", "user:bob", "--role", "reader")
call_command("tag", "create", "alone")
call_command("tag", "grant", "alone", "user:alice", "--role", "manager")
"""


@dataclass
class Host:
    """A machine that runs one server at a fixed port."""

    folder: Path
    port: int
    settings: dict[str, str]
    _running: ExitStack = field(default_factory=ExitStack)

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> RunningServer:
        arguments = ("serve", "--port", str(self.port), "--workers", "1")
        return self._running.enter_context(running(self.folder, *arguments, **self.settings))

    def stop(self) -> None:
        """Stop it as an upgrade does, with SIGTERM."""
        self._running.close()

    def request(self, method: str, path: str, key: str, **options: Any) -> requests.Response:
        """Send one request with a key or, after `Bearer `, a token."""
        credentials = key if key.startswith("Bearer") else f"Apikey {key}"
        headers = {"Authorization": credentials}
        address = f"{self.uri}/api/v1{path}"
        return requests.request(method, address, headers=headers, timeout=30, **options)

    @contextmanager
    def subscribe(self, path: str, key: str) -> Iterator[ClientConnection]:
        """Open a WebSocket, and yield it after the first message."""
        uri = f"{self.uri.replace('http', 'ws')}/api/v1/stream/single/{path}"
        headers = {"Authorization": f"Apikey {key}"}
        with connect(uri, additional_headers=headers, proxy=None) as opened:
            opened.recv(10)
            yield opened


@dataclass
class Hosts:
    """The machines, and a proxy in front of both."""

    first: Host
    second: Host
    proxy: str
    tokens: dict[str, str]

    def make_key(self, user: str) -> str:
        """Make an API key of a user, at the first server."""
        made = self.first.request(
            "POST",
            "/auth/apikey",
            self.tokens[user],
            json={"scopes": None, "expires_in": 3600, "note": ""},
        )
        assert made.status_code == 200, made.text
        return str(made.json()["secret"])


@pytest.fixture(scope="session")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    """Run both servers, with users and tags, behind HAProxy."""
    if not postgresql_here():
        pytest.skip("no PostgreSQL binaries in /usr/lib/postgresql")
    if not balancer_here():
        pytest.skip("haproxy is not installed: apt-get install haproxy")
    folder = tmp_path_factory.mktemp("hosts")
    with own_cluster() as cluster, own_cache() as cache, ExitStack() as surroundings:
        settings = {
            "TILED_DATABASE_URI": cluster.admin,
            "TILED_STREAMING_CACHE_URI": cache.uri,
            "TILED_STREAMING_CACHE_PREFIX": "tiled",
            "TILED_STREAMING_CACHE_CONNECTIONS_PER_KEY": str(CONNECTIONS_PER_KEY),
            "TILED_STORAGE_DIRECTORY": str(folder / "storage"),
            "TILED_AUTHENTICATION_PROVIDERS": '[{"provider": "local", "kind": "django"}]',
            "TILED_AUTHENTICATION_ACCESS_POLICY": "tags",
            "TILED_AUTHENTICATION_SECRET_KEYS": json.dumps([TOKEN_SECRET]),
            "TILED_SERVER_SECRET_KEY": "the same on all machines " * 3,
            "TILED_SERVER_SHUTDOWN_DELAY": "1",
        }
        first, second = (Host(folder / name, free_port(), settings) for name in ("a", "b"))
        for host in (first, second):
            surroundings.callback(host.stop)
        made = first.start().manage("shell", "-c", MAKE_USERS.format(passwords=PASSWORDS) + TAGS)
        assert made.returncode == 0, made.stderr
        second.start()
        proxy = surroundings.enter_context(own_balancer([first.uri, second.uri])).uri
        tokens = {name: _log_in(first, name) for name in ("alice", "bob")}
        yield Hosts(first, second, proxy, tokens)


def _log_in(host: Host, name: str) -> str:
    form = {"username": name, "password": PASSWORDS[name]}
    address = f"{host.uri}/api/v1/auth/provider/local/token"
    return f"Bearer {requests.post(address, form, timeout=30).json()['access_token']}"
