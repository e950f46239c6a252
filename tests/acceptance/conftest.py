"""The servers and clients of acceptance tests."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests import migrated
from tests.conftest import API_KEY
from tests.servers import PROJECT, RunningServer, environment, own_database, running

from .client_processes import ClientProcesses


@pytest.fixture(scope="session", params=["serve", "runserver"])
def site(request: pytest.FixtureRequest) -> RunningServer:
    """Return a real server: first the production server, then the development server."""
    names = {"serve": "server", "runserver": "runserver"}
    return request.getfixturevalue(names[request.param])


@pytest.fixture(scope="session")
def public_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Run a site with anonymous access that keeps updates for one second."""
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
    """Run the application under uvicorn, without a streaming cache; return its address."""
    folder = tmp_path_factory.mktemp("uncached")
    with own_database() as database, socket.create_server(("127.0.0.1", 0)) as listener:
        settings = {"TILED_SINGLE_USER_API_KEY": API_KEY, **database}
        migrated.copy_to(folder / "catalog.db")
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
def client_processes() -> Iterator[ClientProcesses]:
    """Provide the processes of the clients."""
    processes = ClientProcesses()
    yield processes
    processes.clear()
