"""The servers that acceptance tests talk to."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.conftest import API_KEY
from tests.servers import PROJECT, RunningServer, environment, manage, own_database, running

from .client_processes import Desks


@pytest.fixture(scope="session", params=["serve", "runserver"])
def site(request: pytest.FixtureRequest) -> RunningServer:
    """A real server: one after the other, the production and the development server."""
    names = {"serve": "server", "runserver": "runserver"}
    return request.getfixturevalue(names[request.param])


@pytest.fixture(scope="session")
def public_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A site where anyone may read, and that keeps updates for a second."""
    folder = tmp_path_factory.mktemp("public")
    options = ("--port", "0", "--workers", "1", "--api-key", API_KEY, "--public")
    lifetimes = ("--cache-data-ttl", "1", "--cache-seq-ttl", "60")
    with (
        own_database() as database,
        running(folder, "serve", *options, *lifetimes, **database) as site,
    ):
        yield site


@pytest.fixture(scope="session")
def uncached_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a site without a streaming cache: the bare application under uvicorn."""
    folder = tmp_path_factory.mktemp("uncached")
    with own_database() as database, socket.create_server(("127.0.0.1", 0)) as listener:
        settings = {"TILED_SINGLE_USER_API_KEY": API_KEY, **database}
        migrated = manage(folder, "migrate", **settings)
        assert migrated.returncode == 0, migrated.stderr
        around = environment(folder, **settings)
        around.pop("TILED_STREAMING_CACHE_URI", None)
        command = (sys.executable, "-m", "uvicorn", "tiledproject.asgi:application", "--fd")
        process = subprocess.Popen(
            [*command, str(listener.fileno()), "--log-level", "warning"],
            cwd=PROJECT,
            env=around,
            pass_fds=[listener.fileno()],
        )
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            process.terminate()
            assert process.wait(10) in (0, -15)


@pytest.fixture(scope="session")
def desks() -> Iterator[Desks]:
    """The processes of all tests here."""
    desks = Desks()
    yield desks
    desks.clear()
