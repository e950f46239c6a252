"""Subscriptions that end because their key is revoked or expires. Real servers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest
import redis
from websockets.exceptions import InvalidStatus

from streaming.redis.embedded_valkey import EmbeddedValkey
from streaming.sockets.connections.group_broadcast import POLL_SECONDS
from tests.conftest import API_KEY
from tests.servers import RunningServer, own_database, running

from ..websocket_client import KEY, Site, Socket

READ = "read:data,read:metadata"
REVOKED, EXPIRED = (4003, "Key revoked"), (4003, "Key expired")
# Only a broadcast can be this fast: the next poll of the database comes later.
SOON = POLL_SECONDS / 2
CREATE = """
from access.api_keys.store import create_key
for scopes in {scopes}:
    print(create_key(scopes=scopes.split(","))[1])
"""


@pytest.fixture
def served(server: RunningServer) -> Site:
    return Site(server)


def new_key(site: Site, scopes: str = READ) -> str:
    return new_keys(site, scopes)[0]


def new_keys(site: Site, *scopes: str) -> list[str]:
    """Create a key with each of these scopes, by one command: each takes more than a second."""
    made = site.server.manage("shell", "-v0", "-c", CREATE.format(scopes=scopes))
    assert made.returncode == 0, made.stderr
    return made.stdout.split()


def new_key_for(site: Site, seconds: int) -> str:
    made = site.server.manage("apikey", "create", "--scopes", READ, "--expires", f"{seconds}s")
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def revoke(site: Site, key: str) -> str:
    """Revoke a key from another process; return its standard error."""
    done = site.server.manage("apikey", "revoke", key[:8])
    assert done.returncode == 0, done.stderr
    return done.stderr


def workers_at(site: Site) -> int:
    """Return how many processes of the server have a connection."""
    port = int(site.server.uri.rstrip("/").rpartition(":")[2])
    return sum(
        any(
            connection.status == psutil.CONN_ESTABLISHED and connection.laddr.port == port
            for connection in process.net_connections("tcp")
        )
        for process in site.server.processes()
    )


@contextmanager
def sockets_everywhere(site: Site, path: str, key: str, workers: int) -> Iterator[list[Socket]]:
    """Open subscriptions with `key` until this many processes of the server have one."""
    sockets: list[Socket] = []
    with ExitStack() as opened:
        while not sockets or workers_at(site) < workers:
            assert len(sockets) < 60
            sockets += [opened.enter_context(site.socket(path, key=key)) for _ in range(6)]
        for each in sockets:
            assert each.next()["type"] == "array-schema"
        yield sockets


def closings(sockets: list[Socket]) -> tuple[set[tuple[int, str]], float]:
    """Return how all of them were closed, and how long that took."""
    begun = time.monotonic()
    return {each.closing() for each in sockets}, time.monotonic() - begun


@pytest.mark.parametrize(("name", "workers"), [("server", 2), ("runserver", 1)])
def test_a_revoked_key_loses_its_sockets_in_every_process(
    name: str, workers: int, request: pytest.FixtureRequest
) -> None:
    site = Site(request.getfixturevalue(name))
    path, key = f"/{site.array()}", new_key(site)
    with (
        sockets_everywhere(site, path, key, workers) as sockets,
        site.multi(key=key) as many,
        site.socket(path) as own,
    ):
        many.send_command(type="subscribe", id="a", path=path, recursive=True)
        assert many.next_for("a")["type"] == "array-schema"
        assert own.next()["type"] == "array-schema"
        revoke(site, key)
        assert site.http("GET", f"/metadata{path}", headers=by(key)).status_code == 401
        how, took = closings([*sockets, many])
        assert how == {REVOKED}
        assert took < SOON
        site.write(path[1:], [1, 2, 3])
        assert own.next()["sequence"] == 1
    assert site.rejection(path, key=key).status_code == 401


@pytest.mark.parametrize(("name", "workers"), [("server", 2), ("runserver", 1)])
def test_a_deleted_node_loses_its_sockets_in_every_process(
    name: str, workers: int, request: pytest.FixtureRequest
) -> None:
    site = Site(request.getfixturevalue(name))
    container = site.create("container")
    path = f"/{site.array(parent=container)}"
    knowing = f"{path}?features=child-deleted"
    with (
        sockets_everywhere(site, path, KEY, workers) as sockets,
        sockets_everywhere(site, knowing, KEY, workers) as those_who_know,
    ):
        site.done("DELETE", f"/metadata/{container}?recursive=true&external_only=false")
        assert closings(sockets)[0] == {(1000, "Node deleted")}
        how, took = closings(those_who_know)
        assert how == {(4010, "Node deleted")}
        assert took < SOON


def test_a_key_loses_its_sockets_when_it_expires(served: Site) -> None:
    path, key = f"/{served.array()}", new_key_for(served, seconds=5)
    with served.socket(path, key=key) as by_header, served.socket(path, key=None) as by_message:
        by_message.connection.send(json.dumps({"type": "auth", "api_key": key}))
        for each in (by_header, by_message):
            assert each.next()["type"] == "array-schema"
        assert {each.closing() for each in (by_header, by_message)} == {EXPIRED}
    assert served.rejection(path, key=key).status_code == 401
    assert served.http("GET", f"/metadata{path}", headers=by(key)).status_code == 401


def test_a_key_without_both_read_scopes_gets_no_stream(served: Site) -> None:
    path = f"/{served.array()}"
    for key in new_keys(served, "read:metadata", "read:data", "write:data,register"):
        refused = served.rejection(path, key=key)
        assert refused.status_code == 401
        assert refused.body is not None
        assert b"Not enough permissions" in refused.body
        with served.socket(path, key=None) as unknown:
            unknown.connection.send(json.dumps({"type": "auth", "api_key": key}))
            assert unknown.closing() == (4003, "Authentication failed")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Site]:
    """Run a server of one process with low connection limits."""
    settings = {
        "TILED_STREAMING_CACHE_MAX_CONNECTIONS": "8",
        "TILED_STREAMING_CACHE_CONNECTIONS_PER_KEY": "3",
        "TILED_STREAMING_CACHE_MAX_UNAUTHENTICATED_CONNECTIONS": "2",
    }
    options = ("--port", "0", "--workers", "1", "--api-key", API_KEY)
    with (
        own_database() as database,
        running(tmp_path, "serve", *options, **settings, **database) as server,
    ):
        yield Site(server)


def test_connections_beyond_a_limit_are_refused_with_retry_after(small: Site) -> None:
    path, (key, other) = f"/{small.array()}", new_keys(small, READ, READ)
    with ExitStack() as opened:

        def open_socket(key: str | None) -> Socket:
            return opened.enter_context(small.socket(path, key=key))

        of_key = [open_socket(key) for _ in range(3)]
        refused = small.rejection(path, key=key)
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
        assert json.loads(refused.body or b"")["detail"].startswith(
            "Connection limit of this API key"
        )

        oldest, *silent = [open_socket(None) for _ in range(3)]
        assert oldest.closing()[0] == 4029
        silent[0].connection.send(json.dumps({"type": "auth", "api_key": key}))
        code, reason = silent[0].closing()
        assert (code, reason.startswith("Connection limit of this API key")) == (4029, True)

        rest = [open_socket(KEY) for _ in range(3)]
        assert small.rejection(path).status_code == 429
        of_key[0].connection.close()
        rest.append(opened.enter_context(open_when_released(small, path, other)))
        for each in (*of_key[1:], *rest):
            assert each.next()["type"] == "array-schema"


@contextmanager
def open_when_released(site: Site, path: str, key: str) -> Iterator[Socket]:
    """Open a subscription as soon as the server has released another one."""
    for _ in range(100):
        try:
            with site.socket(path, key=key) as socket:
                yield socket
                return
        except InvalidStatus as error:
            assert error.response.status_code == 429
    raise AssertionError("No slot was released.")


@pytest.fixture
def fragile(tmp_path: Path) -> Iterator[tuple[Site, EmbeddedValkey]]:
    """Run a server with a Valkey to kill (it restarts empty) or to stop (it does not restart)."""
    options = ("--port", "0", "--workers", "2", "--api-key", API_KEY)
    valkey = EmbeddedValkey(memory=64_000_000)
    with valkey as uri, own_database() as database:
        settings = {"TILED_STREAMING_CACHE_URI": uri, "TILED_STREAMING_CACHE_TIMEOUT": "1"}
        with running(tmp_path, "serve", *options, **settings, **database) as server:
            yield Site(server), valkey


def listening(uri: str) -> int:
    """Return how many server processes have joined the group."""
    try:
        with redis.Redis.from_url(uri) as client:
            channels = client.pubsub_channels("*__group__control")
            return sum(count for _, count in client.pubsub_numsub(*channels)) if channels else 0
    except redis.ConnectionError:
        return 0


def test_a_key_is_revoked_everywhere_after_a_restart_of_redis_and_without_it(
    fragile: tuple[Site, EmbeddedValkey],
) -> None:
    site, valkey = fragile
    uri = site.server.settings["TILED_STREAMING_CACHE_URI"]
    path, (key, other) = f"/{site.array()}", new_keys(site, READ, READ)
    with sockets_everywhere(site, path, key, 2) as sockets:
        wait_until(lambda: listening(uri) == 2)
        assert valkey._guard is not None
        for process in psutil.Process(valkey._guard.pid).children():
            process.kill()
            process.wait()
        wait_until(lambda: listening(uri) == 2)
        revoke(site, key)
        how, took = closings(sockets)
        assert how == {REVOKED}
        assert took < SOON
    with sockets_everywhere(site, path, other, 2) as sockets:
        valkey.stop()
        assert "Cannot broadcast" in revoke(site, other)
        assert site.http("GET", f"/metadata{path}", headers=by(other)).status_code == 401
        # By the next poll of the database.
        assert closings(sockets)[0] == {REVOKED}


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def by(key: str) -> dict[str, str]:
    return {"Authorization": f"Apikey {key}"}
