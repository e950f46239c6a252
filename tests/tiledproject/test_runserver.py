"""`manage.py runserver`: plain Django, with a Valkey of its own that ends with it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.servers import manage, own_database, running


@pytest.mark.parametrize(
    ("number", "options"),
    [
        (signal.SIGINT, ("--noreload",)),
        (signal.SIGTERM, ()),
        (signal.SIGKILL, ()),
    ],
)
def test_nothing_is_left_when_it_ends(
    tmp_path: Path, number: signal.Signals, options: tuple[str, ...]
) -> None:
    with (
        own_database() as database,
        running(tmp_path, "runserver", "0", *options, **database) as server,
    ):
        health = requests.get(f"{server.uri}/healthz", timeout=10)
        assert health.json()["status"] == "ready"
        belonging = server.processes()
        if number == signal.SIGINT:
            # The terminal sends it to all of them.
            os.killpg(server.process.pid, number)
            server.process.wait(20)
        else:
            server.stop(number)
        assert not psutil.wait_procs(belonging, timeout=10)[1]


def test_stopping_the_server_closes_open_websockets(tmp_path: Path) -> None:
    assert manage(tmp_path, "migrate").returncode == 0
    with running(tmp_path, "runserver", "0", "--noreload") as server:
        address = server.uri.replace("http", "ws", 1).rstrip("/")
        with connect(
            f"{address}/api/v1/stream/single/",
            additional_headers={"Authorization": f"Apikey {server.api_key}"},
        ) as stream:
            stream.recv(timeout=10)
            server.stop(signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as closed:
                stream.recv(timeout=10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
