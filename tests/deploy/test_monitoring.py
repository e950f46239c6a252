"""Prometheus of this machine, with the configuration of `deploy/`, scrapes a real server."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.conftest import API_KEY
from tests.servers import PROJECT, RunningServer
from tools.backends.ports import free_port

EXAMPLES = PROJECT / "deploy" / "prometheus"
PATIENCE = 60


@pytest.fixture(scope="module")
def prometheus(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run Prometheus, which asks every second instead of every 15; return its address."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is not installed: apt-get install prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    for path in EXAMPLES.glob("*.rules.yml"):
        shutil.copy(path, folder)
    key = folder / "key"
    key.write_text(API_KEY)
    text = (EXAMPLES / "prometheus.yml").read_text()
    for before, after in {
        "15s": "1s",
        "/run/secrets/metrics_key": str(key),
        # The server of the tests has no token for metrics.
        "type: Bearer": "type: Apikey",
        "server:8000": urlsplit(server.uri).netloc,
    }.items():
        assert before in text, before
        text = text.replace(before, after)
    (folder / "prometheus.yml").write_text(text)
    address = f"127.0.0.1:{free_port()}"
    command = [program, f"--config.file={folder}/prometheus.yml", f"--web.listen-address={address}"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, f"--storage.tsdb.path={folder}/data"], stdout=log, stderr=log
        )
    try:
        yield f"http://{address}/api/v1"
    finally:
        process.terminate()
        process.wait(PATIENCE)


def until(url: str, condition: Any) -> Any:
    """Return the data of a response of Prometheus as soon as they fulfil a condition."""
    deadline = time.monotonic() + PATIENCE
    data: Any = None
    while time.monotonic() < deadline:
        try:
            response = requests.get(url, timeout=5)
            # 503 while it starts
            data = response.json()["data"] if response.ok else None
        except requests.ConnectionError:
            data = None
        if data and condition(data):
            return data
        time.sleep(0.1)
    raise AssertionError(data)


def test_the_server_is_scraped_and_all_alert_rules_are_evaluated(prometheus: str) -> None:
    targets = until(
        f"{prometheus}/targets",
        lambda data: any(one["health"] != "unknown" for one in data["activeTargets"]),
    )
    assert [(one["health"], one["lastError"]) for one in targets["activeTargets"]] == [("up", "")]
    written = "tiled_request_duration_seconds_count"
    found = until(f"{prometheus}/query?query={written}", lambda data: data["result"])
    assert found["result"]
    rules = until(
        f"{prometheus}/rules",
        lambda data: all(
            rule["health"] != "unknown" for group in data["groups"] for rule in group["rules"]
        ),
    )
    evaluated = {
        rule["name"]: rule["health"] for group in rules["groups"] for rule in group["rules"]
    }
    alerts = re.findall(
        r"- alert: (\w+)", "".join(path.read_text() for path in EXAMPLES.glob("*.rules.yml"))
    )
    assert set(alerts) <= evaluated.keys()
    assert set(evaluated.values()) == {"ok"}
