"""Logs, the audit log and the reload of settings, of a real server."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
import yaml
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from core.version import VERSION
from tests.servers import RunningServer, running

FIRST_KEY, NEXT_KEY = "1stK3yOfThisSite0000", "2ndK3yOfThisSite1111"


@dataclass
class Site:
    """A server whose settings are in a file, with its key in another one."""

    server: RunningServer
    file: Path
    key_file: Path
    audit_file: Path
    readable: Path

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Apikey {self.key_file.read_text().strip()}"}
        uri = f"{self.server.uri}{path}"
        return requests.request(method, uri, headers=headers, timeout=60, **options)

    def subscribe(self) -> ClientConnection:
        uri = self.server.uri.replace("http", "ws", 1)
        key = self.key_file.read_text().strip()
        headers = {"Authorization": f"Apikey {key}"}
        return connect(f"{uri}/api/v1/stream/single/?api_key={key}", additional_headers=headers)

    def entry(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the log entry for which `wanted` holds, as soon as there is one."""
        return awaited(lambda: self.server.log, wanted)

    def event(self, name: str, **fields: Any) -> dict[str, Any]:
        """Return an event of the audit log with these fields, as soon as there is one."""

        def wanted(entry: dict[str, Any]) -> bool:
            return entry["event"] == name and fields.items() <= entry.items()

        return awaited(self.audit_file.read_text, wanted)

    def write_settings(self, slow: float = 10.0, **sections: dict[str, Any]) -> None:
        logs = {
            "format": "json",
            "access": "all",
            "audit_file": str(self.audit_file),
            "slow_request_seconds": slow,
        }
        self.file.write_text(yaml.safe_dump({"logs": logs, **sections}))


def awaited(text: Callable[[], str], wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + 30
    while True:
        for line in text().splitlines():
            if line.startswith("{") and wanted(found := json.loads(line)):
                return found
        assert time.monotonic() < deadline, text()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("observed")
    made = Site(
        RunningServer("", "", folder, None, {}),  # type: ignore[arg-type]
        folder / "settings.yml",
        folder / "key",
        folder / "audit.jsonl",
        folder / "readable",
    )
    made.readable.mkdir()
    made.key_file.write_text(f"{FIRST_KEY}\n")
    made.write_settings()
    options = ("serve", "--port", "0", "--workers", "1", "--config", str(made.file))
    key_file = {"TILED_SINGLE_USER_API_KEY_FILE": str(made.key_file)}
    with running(folder, *options, **key_file) as made.server:
        yield made


def test_the_first_line_names_the_version(site: Site) -> None:
    found = site.entry(lambda entry: "serves at" in entry["message"])
    assert f"tiled-stream {VERSION} serves at {site.server.uri}" in found["message"]


def test_a_request_is_logged_without_its_query(site: Site) -> None:
    answered = site.request("GET", f"/api/v1/metadata/?api_key={FIRST_KEY}")
    name = answered.headers["X-Tiled-Request-ID"]
    found = site.entry(lambda entry: entry.get("request_id") == name)
    assert found["logger"] == "access"
    assert (found["method"], found["path"], found["status"]) == ("GET", "/api/v1/metadata/", 200)
    assert found["route"] == "api/v1/metadata/{path}"
    assert (found["principal"], found["address"]) == ("site-key", "127.0.0.1")
    assert found["bytes"] == len(answered.content)
    assert found["duration_ms"] > 0
    assert FIRST_KEY not in site.server.log


def test_a_path_cannot_forge_a_log_line(site: Site) -> None:
    key = uuid4().hex
    site.request("GET", f"/api/v1/metadata/{key}%0aERROR%20forged")
    found = site.entry(lambda entry: key in entry.get("path", ""))
    assert found["path"] == f"/api/v1/metadata/{key}%0AERROR%20forged"


def test_a_websocket_is_logged_when_it_begins_and_when_it_ends(site: Site) -> None:
    with site.subscribe() as stream:
        assert stream.response is not None
        name = stream.response.headers["X-Tiled-Request-ID"]
        begun = site.entry(lambda entry: entry.get("request_id") == name)
    assert (begun["status"], begun["route"]) == (101, "api/v1/stream/single")
    ended = site.entry(lambda entry: entry.get("request_id") == name and "close_code" in entry)
    assert (ended["close_code"], ended["principal"]) == (1000, "site-key")
    assert FIRST_KEY not in site.server.log


def test_health_checks_that_succeed_are_not_logged(site: Site) -> None:
    assert site.request("GET", "/readyz").status_code == 200
    later = site.request("GET", "/api/v1/").headers["X-Tiled-Request-ID"]
    site.entry(lambda entry: entry.get("request_id") == later)
    assert "/readyz" not in site.server.log


def test_deletions_are_in_the_audit_log(site: Site) -> None:
    body = {
        "structure_family": "container",
        "metadata": {},
        "specs": [],
        "data_sources": [],
        "id": uuid4().hex,
    }
    assert site.request("POST", "/api/v1/metadata/", json=body).ok
    deleted = site.request("DELETE", f"/api/v1/metadata/{body['id']}")
    assert deleted.ok
    found = site.event("node_deleted", path=f"/{body['id']}")
    assert found["request_id"] == deleted.headers["X-Tiled-Request-ID"]
    assert (found["principal"], found["address"], found["nodes"]) == ("site-key", "127.0.0.1", 1)


def test_keys_of_commands_are_in_the_audit_log_without_their_secret(site: Site) -> None:
    settings = {"TILED_CONFIG": str(site.file)}
    site.server.settings.update(settings)
    made = site.server.manage("apikey", "create", "--scopes", "read:metadata", "--note", "audit")
    secret = re.search(r"[0-9a-f]{72}", made.stdout)
    assert secret is not None, made.stderr
    found = site.event("key_created", key=secret[0][:8])
    assert found["principal"].startswith("command:")
    assert (found["scopes"], found["note"]) == (["read:metadata"], "audit")
    assert secret[0] not in site.audit_file.read_text()
    assert site.audit_file.stat().st_mode & 0o007 == 0


def test_rejected_keys_are_one_event_however_many_requests_fail(site: Site) -> None:
    for _ in range(3):
        uri = f"{site.server.uri}/api/v1/metadata/?api_key={'0' * 72}"
        assert requests.get(uri, timeout=60).status_code == 401
    assert site.event("key_rejected", key="00000000")["address"] == "127.0.0.1"
    assert site.audit_file.read_text().count("key_rejected") == 1


def test_sighup_reloads_keys_folders_and_the_threshold_of_slow_requests(site: Site) -> None:
    registered = f"/api/v1/register-files/{uuid4().hex}"
    site.write_settings(
        slow=1e-6,
        server={"log_level": "warning", "hsts_seconds": 60},
        storage={"readable": [str(site.readable)]},
    )
    with site.subscribe() as stream:
        site.key_file.write_text(NEXT_KEY)
        site.server.process.send_signal(signal.SIGHUP)
        found = site.entry(lambda entry: "need a restart" in entry["message"])
        assert "server.hsts_seconds" in found["message"]
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                stream.recv(timeout=30)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4003, "Key revoked")
    slow = site.request("GET", "/api/v1/metadata/").headers["X-Tiled-Request-ID"]
    found = site.entry(lambda entry: entry["logger"] == "slow" and entry["request_id"] == slow)
    assert (found["level"], found["status"]) == ("warning", 200)
    old = requests.get(f"{site.server.uri}/api/v1/metadata/?api_key={FIRST_KEY}", timeout=60)
    assert old.status_code == 401
    # The folder is readable now: it is the file that is missing.
    missing = {"files": [str(site.readable / "missing.tif")], "mimetype": "image/tiff"}
    assert "storage.readable" not in site.request("POST", registered, json=missing).text


def test_wrong_settings_are_not_reloaded(site: Site) -> None:
    site.file.write_text("server: {prot: 8000}\n")
    site.server.process.send_signal(signal.SIGHUP)
    found = site.entry(lambda entry: "were not reloaded" in entry["message"])
    assert "did you mean server.port?" in found["message"]
    assert site.request("GET", "/api/v1/metadata/").status_code == 200
    site.write_settings()
