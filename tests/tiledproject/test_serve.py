"""`manage.py serve`: how it begins, and that nothing of it is left when it ends."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.servers import RunningServer, manage, running
from tiled_client import from_uri

SERVE = ("serve", "--port", "0", "--workers", "2")


def workers(server: RunningServer) -> list[psutil.Process]:
    children = psutil.Process(server.process.pid).children()
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


def answers(uri: str) -> bool:
    return requests.get(f"{uri}/healthz", timeout=60).json()["status"] == "ready"


def stream_of_root(server: RunningServer) -> connect:
    headers = {"Authorization": f"Apikey {server.api_key}"}
    address = server.uri.replace("http", "ws", 1)
    return connect(f"{address}/api/v1/stream/single/", additional_headers=headers)


@pytest.mark.parametrize("in_file", [True, False])
def test_a_temporary_site_stores_nothing_in_the_configured_bucket(
    tmp_path: Path, *, in_file: bool
) -> None:
    # Nothing listens there.
    bucket = {"uri": "s3://data/site", "endpoint": "http://127.0.0.1:1"}
    settings = {f"TILED_STORAGE_{name.upper()}": value for name, value in bucket.items()}
    if in_file:
        file = tmp_path / "site.yml"
        file.write_text(json.dumps({"storage": bucket}))
        settings = {"TILED_CONFIG": str(file)}
    with running(tmp_path, *SERVE, "--temp", **settings, TMPDIR=str(tmp_path)) as server:
        root = from_uri(server.uri, api_key=server.api_key)
        assert root.write_array(np.arange(3), key="x").read().tolist() == [0, 1, 2]
        assert list(tmp_path.glob("tiled-*/storage/*/*/zarr.json"))


def test_ctrl_c_closes_open_websockets_and_leaves_nothing(tmp_path: Path) -> None:
    with (
        running(tmp_path, *SERVE, "--temp", TMPDIR=str(tmp_path)) as server,
        stream_of_root(server) as stream,
    ):
        assert list(tmp_path.glob("tiled-*/catalog.db"))
        belonging = server.processes()
        assert server.stop(signal.SIGINT) == 0
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                stream.recv(timeout=10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
        assert not psutil.wait_procs(belonging, timeout=10)[1]
        assert not list(tmp_path.glob("tiled-*"))


def test_a_worker_that_dies_is_replaced_and_a_server_that_dies_leaves_the_port(
    tmp_path: Path,
) -> None:
    with running(tmp_path, "serve", "--port", "0", "--workers", "1") as first:
        (worker,) = workers(first)
        worker.kill()
        # The supervisor holds the port meanwhile: a request waits for the next worker.
        assert answers(first.uri)
        (successor,) = workers(first)
        assert successor.pid != worker.pid
        belonging = first.processes()
        first.stop(signal.SIGKILL)
        assert not psutil.wait_procs(belonging, timeout=10)[1]
    port = first.uri.rpartition(":")[2]
    with running(tmp_path, "serve", "--port", port, "--workers", "1") as second:
        assert answers(second.uri)
        assert second.api_key == first.api_key, "clients keep their key after a restart"


def test_a_port_in_use_is_reported_in_one_sentence(server: RunningServer, tmp_path: Path) -> None:
    port = server.uri.rpartition(":")[2]
    refused = manage(tmp_path, "serve", "--port", port)
    assert refused.returncode == 1
    assert f"Nothing can listen on 127.0.0.1:{port}" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--api-key", "not-a-key"], "authentication.single_user_api_key (from --api-key) has"),
        (
            ["--cache-data-ttl", "soon"],
            "streaming_cache.data_ttl (from --cache-data-ttl) is 'so",
        ),
        (["--config", "nowhere.yml"], "The configuration file nowhere.yml cannot be read"),
        (["--read", "nowhere"], "storage.readable (from --read) names"),
    ],
)
def test_an_invalid_option_is_reported_in_one_sentence(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    refused = manage(tmp_path, "serve", *arguments)
    assert refused.returncode == 1
    assert refused.stderr.startswith(sentence)
    assert refused.stderr.count("\n") == 1


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux lets a process change its arguments"
)
def test_no_secret_stands_in_the_list_of_processes(tmp_path: Path, valkey: str) -> None:
    secret = "k3y0f7h1ss173thatn0b0dysees"
    options = ("--api-key", secret, f"--cache={valkey}", "--temp")
    with running(tmp_path, *SERVE, *options, TMPDIR=str(tmp_path)) as server:
        assert server.api_key == secret
        headers = {"Authorization": f"Apikey {secret}"}
        read = requests.get(f"{server.uri}/api/v1/metadata/", headers=headers, timeout=60)
        assert read.status_code == 200
        lines = [" ".join(process.cmdline()) for process in server.processes()]
        assert any("--api-key" in line for line in lines)
        assert not [line for line in lines if secret in line or valkey in line]
