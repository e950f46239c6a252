"""Several servers serve one site: what one does holds at the others, and each may go away."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from catalog.storage.files import uri_path
from tests.servers import PROJECT, environment, manage, running
from tiled_client import from_uri
from tiled_client.nodes import ArrayClient, Container

from .conftest import CONNECTIONS_PER_KEY, Host, Hosts

# In seconds: within which a change at one server holds at all others.
PROMPTLY = 1.0
PATIENCE = 30.0


def client_at(uri: str, key: str) -> Container:
    return from_uri(uri, api_key=key)


def new_array(hosts: Hosts, key: str) -> str:
    """Make an array that the team may read, through the first server; return its path."""
    path = f"x{uuid.uuid4().hex}"
    client_at(hosts.first.uri, key).write_array(np.zeros(2), key=path, access_tags=["team"])
    return path


def closing(socket: ClientConnection) -> tuple[int, float]:
    """Return the code with which a socket is closed, and the seconds until then."""
    begun = time.monotonic()
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            socket.recv(PATIENCE)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, time.monotonic() - begun


def eventually(holds: Callable[[], bool], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_tokens_and_keys_of_one_server_are_valid_at_the_other_until_they_are_revoked(
    hosts: Hosts,
) -> None:
    alice, bob = hosts.make_key("alice"), hosts.make_key("bob")
    path = new_array(hosts, alice)
    for credentials in (hosts.tokens["bob"], bob):
        assert hosts.second.request("GET", f"/metadata/{path}", credentials).status_code == 200
    with hosts.second.subscribe(path, bob) as socket:
        gone = hosts.first.request("DELETE", f"/auth/apikey?first_eight={bob[:8]}", alice)
        assert gone.status_code == 404, "only its owner"
        gone = hosts.first.request(
            "DELETE", f"/auth/apikey?first_eight={bob[:8]}", hosts.tokens["bob"]
        )
        assert gone.status_code == 204, gone.text
        assert hosts.second.request("GET", f"/metadata/{path}", bob).status_code == 401
        code, seconds = closing(socket)
    assert (code, seconds < PROMPTLY) == (4003, True), (code, seconds)


def test_permissions_and_deletions_reach_subscribers_of_the_other_server(hosts: Hosts) -> None:
    alice, bob = hosts.make_key("alice"), hosts.make_key("bob")
    hidden, deleted = new_array(hosts, alice), new_array(hosts, alice)
    with hosts.second.subscribe(hidden, bob) as socket:
        body = {"access_tags": ["alone"], "metadata": {}, "specs": []}
        changed = hosts.first.request("PUT", f"/metadata/{hidden}", alice, json=body)
        assert changed.status_code == 200, changed.text
        assert hosts.second.request("GET", f"/metadata/{hidden}", bob).status_code == 404
        _, seconds = closing(socket)
    assert seconds < PROMPTLY
    with hosts.second.subscribe(deleted, bob) as socket:
        gone = hosts.first.request("DELETE", f"/metadata/{deleted}?external_only=false", alice)
        assert gone.status_code == 200, gone.text
        assert hosts.second.request("GET", f"/metadata/{deleted}", bob).status_code == 404
        _, seconds = closing(socket)
    assert seconds < PROMPTLY


def test_connections_of_a_key_are_counted_over_all_servers(hosts: Hosts) -> None:
    alice, bob = hosts.make_key("alice"), hosts.make_key("bob")
    path = new_array(hosts, alice)

    def is_refused(host: Host) -> bool:
        try:
            with host.subscribe(path, bob):
                return False
        except (InvalidStatus, ConnectionClosed):
            return True

    with ExitStack() as sockets:
        opened = [
            sockets.enter_context(host.subscribe(path, bob))
            for host in (hosts.first, hosts.second)
            for _ in range(CONNECTIONS_PER_KEY // 2)
        ]
        for host in (hosts.first, hosts.second):
            eventually(lambda host=host: is_refused(host), PROMPTLY)
        sockets.enter_context(hosts.first.subscribe(path, alice))
        opened[0].close()
        eventually(lambda: not is_refused(hosts.second), PROMPTLY)


def test_wrong_logins_are_counted_over_all_servers(hosts: Hosts) -> None:
    def log_in(host: Host) -> int:
        form = {"username": "eve", "password": "wrong"}
        address = f"{host.uri}/api/v1/auth/provider/local/token"
        return requests.post(address, form, timeout=30).status_code

    found = [log_in(host) for _ in range(4) for host in (hosts.first, hosts.second)]
    assert found[:5] == [401] * 5
    assert 429 in found[5:]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("TILED_SERVER_SECRET_KEY", "another secret of another machine " * 3),
        ("TILED_AUTHENTICATION_SECRET_KEYS", json.dumps(["x" * 40])),
    ],
)
def test_a_server_with_other_secrets_is_refused(
    hosts: Hosts, tmp_path: Path, setting: str, value: str
) -> None:
    settings = {**hosts.first.settings, setting: value}
    refused = manage(tmp_path, "serve", "--port", "0", **settings)
    assert refused.returncode == 1
    name = setting.removeprefix("TILED_").lower().replace("_", ".", 1)
    assert f"{name} is not the same as on another server of this site" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        (
            "TILED_STREAMING_CACHE_REPLICATION_SECONDS",
            "10",
            "streaming_cache.replication_seconds is 10.0, but 0.0 on another server of this site",
        ),
        (
            "TILED_AUTHENTICATION_ACCESS_POLICY",
            "none",
            'authentication.access_policy is "none", but "tags" on another server of this site',
        ),
    ],
)
def test_a_server_that_would_retain_or_permit_something_else_is_refused(
    hosts: Hosts, tmp_path: Path, setting: str, value: str, sentence: str
) -> None:
    settings = {**hosts.first.settings, setting: value}
    refused = manage(tmp_path, "serve", "--port", "0", **settings)
    assert refused.returncode == 1
    assert sentence in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_server_with_another_retention_of_updates_starts_with_a_warning(
    hosts: Hosts, tmp_path: Path
) -> None:
    settings = {**hosts.first.settings, "TILED_STREAMING_CACHE_DATA_TTL": "60"}
    with running(tmp_path, "serve", "--port", "0", "--workers", "1", **settings) as third:
        assert "streaming_cache.data_ttl is 60, but 3600 on another server" in third.log
        assert third.log.count("on another server of this site") == 1


def test_a_server_with_another_storage_is_refused(hosts: Hosts, tmp_path: Path) -> None:
    settings = {**hosts.first.settings, "TILED_STORAGE_DIRECTORY": str(tmp_path / "storage")}
    refused = manage(tmp_path, "serve", "--port", "0", **settings)
    assert refused.returncode == 1
    assert "does not belong to the database" in refused.stderr


HOLD = """
from catalog.services.stores.removal_hold import hold_removals
with hold_removals() as hold:
    print("held", flush=True)
    input()
    hold.check()
"""


def test_a_backup_on_another_machine_holds_the_removals_of_all_servers(
    hosts: Hosts, tmp_path: Path
) -> None:
    """The machine of the backup does not share a folder with the servers, as with a bucket."""
    alice = hosts.make_key("alice")
    folders = {}
    for path in (new_array(hosts, alice), new_array(hosts, alice)):
        (source,) = client_at(hosts.first.uri, alice)[path].data_sources()
        folders[path] = uri_path(source.assets[0].data_uri)
    settings = {**hosts.first.settings, "TILED_STORAGE_DIRECTORY": str(tmp_path / "storage")}
    backup = subprocess.Popen(
        [sys.executable, "manage.py", "shell", "-v0", "-c", HOLD],
        cwd=PROJECT,
        env=environment(tmp_path, **settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert backup.stdout is not None
    assert backup.stdout.readline() == "held\n"
    during, after = folders
    for path in (during, after):
        gone = hosts.second.request("DELETE", f"/metadata/{path}?external_only=false", alice)
        assert gone.status_code == 200, gone.text
        assert folders[path].exists() == (path == during)
        if path == during:
            backup.communicate("\n", timeout=30)
            assert backup.returncode == 0


class Load:
    """Producers and a subscriber, all through the proxy, which go on while servers restart."""

    def __init__(self, hosts: Hosts, key: str) -> None:
        self.arrays = [
            client_at(hosts.proxy, key).write_array(
                np.zeros((1, 4), "i8"), key=f"x{uuid.uuid4().hex}"
            )
            for _ in range(3)
        ]
        self.acknowledged = [0 for _ in self.arrays]
        self.received: list[list[int]] = [[] for _ in self.arrays]
        self.longest_silence = 0.0
        self.failures: list[Exception] = []
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._guarded, args=(work, number), daemon=True)
            for work in (self._write, self._read)
            for number in range(len(self.arrays))
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let each writer close its stream after the next write."""
        self._stopping.set()

    def finish(self) -> None:
        """Stop writing, and wait until the subscribers have reached the end."""
        self.stop()
        for thread in self._threads:
            thread.join(PATIENCE)
        assert not self.failures, self.failures

    def _guarded(self, work: Callable[[ArrayClient, int], None], number: int) -> None:
        try:
            work(self.arrays[number], number)
        except Exception as error:  # noqa: BLE001  the test reports it
            self.failures.append(error)

    def _write(self, array: ArrayClient, number: int) -> None:
        while not self._stopping.is_set():
            next_row = self.acknowledged[number] + 1
            array.patch(np.full((1, 4), next_row), (next_row, 0), extend=True)
            self.acknowledged[number] = next_row
        array.close_stream()

    def _read(self, array: ArrayClient, number: int) -> None:
        last = time.monotonic()
        for update in array.updates(start=0):
            now = time.monotonic()
            self.longest_silence, last = max(self.longest_silence, now - last), now
            self.received[number].append(int(np.asarray(update.data())[-1, 0]))


@pytest.fixture
def load(hosts: Hosts) -> Iterator[Load]:
    made = Load(hosts, hosts.make_key("alice"))
    yield made
    made.stop()


def test_a_rolling_restart_loses_nothing_and_subscribers_resume_within_seconds(
    hosts: Hosts, load: Load
) -> None:
    def are_advancing() -> bool:
        assert not load.failures, load.failures
        return all(len(one) > before + 5 for one, before in zip(load.received, counts, strict=True))

    for host in (hosts.first, hosts.second):
        counts = [len(one) for one in load.received]
        eventually(are_advancing)
        host.stop()
        counts = [len(one) for one in load.received]
        eventually(are_advancing)
        host.start()
    counts = [len(one) for one in load.received]
    eventually(are_advancing)
    load.finish()
    for array, count, received in zip(load.arrays, load.acknowledged, load.received, strict=True):
        array.refresh()
        stored: Any = array.read()
        assert stored[:, 0].tolist() == list(range(count + 1))
        assert received[-count:] == list(range(1, count + 1)), "each once, in order"
    assert load.longest_silence < 10
