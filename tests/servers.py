"""Real servers in processes of their own, started as users start them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil

from tests import migrated
from tests.buckets import shared_settings
from tests.settings import PREFIX, SHARED_REDIS

PROJECT = Path(__file__).resolve().parent.parent
GREETING = re.compile(r"Address +(\S+)\n.*?(?:API key +(\w+)|Log in +by .+)\n", re.DOTALL)
# In seconds. Long, because the machine may be busy.
START_TIMEOUT = 120
STOP_TIMEOUT = 30


@dataclass
class RunningServer:
    """A server that accepts requests: its address and API key, and its first process."""

    uri: str
    api_key: str
    folder: Path
    process: subprocess.Popen[str]
    settings: dict[str, str]

    @property
    def log(self) -> str:
        """What the server has written to standard error."""
        return (self.folder / "stderr.log").read_text()

    def processes(self) -> list[psutil.Process]:
        """Return all processes of the server, those of its Valkey included."""
        found: dict[int, psutil.Process] = {}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("TILED_TEST_SERVER") == str(self.folder):
                    # Children too: a Valkey overwrites its environment with its title.
                    for one in (process, *process.children(recursive=True)):
                        found[one.pid] = one
        return list(found.values())

    def unnamed_bytes(self) -> int:
        """Return how many bytes the server has in files without a name."""
        total = 0
        for process in self.processes():
            # A process may end and a file may be closed while they are listed.
            with contextlib.suppress(OSError):
                for file in Path(f"/proc/{process.pid}/fd").iterdir():
                    with contextlib.suppress(OSError):
                        if "(deleted)" in str(file.readlink()):
                            total += file.stat().st_size
        return total

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of `manage.py` for the same site, and wait for its end."""
        return manage(self.folder, *arguments, **self.settings)

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send a signal to the first process, wait for its end, and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(STOP_TIMEOUT)


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """Return an environment in which a command uses `folder`, and nothing of the tests' site."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TILED_") and name not in {"DJANGO_SETTINGS_MODULE", "RUN_MAIN"}
    }
    own = {"TILED_SERVER_DATA_DIR": str(folder), "TILED_TEST_SERVER": str(folder)}
    if SHARED_REDIS:
        own["TILED_STREAMING_CACHE_URI"] = SHARED_REDIS
        # A prefix for each folder, the same at each start.
        site = hashlib.sha256(bytes(folder)).hexdigest()[:12]
        own["TILED_STREAMING_CACHE_PREFIX"] = f"{PREFIX}-{site}"
    if "TILED_STORAGE_DIRECTORY" not in settings and "TILED_CONFIG" not in settings:
        own |= shared_settings(f"{PREFIX}{folder}")
    return {**inherited, **own, **settings}


def with_own_format(folder: Path) -> dict[str, str]:
    """Write the example of the page on file formats, and return the settings to use it."""
    page = (PROJECT / "docs" / "how-to" / "add-a-file-format.md").read_text()
    modules = folder / "modules"
    modules.mkdir(parents=True)
    (modules / "spots.py").write_text(page.partition("```py module\n")[2].partition("```")[0])
    inherited = os.environ.get("PYTHONPATH", "")
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, (str(modules), inherited))),
        "TILED_STORAGE_ADAPTERS": "spots:FORMAT",
    }


def manage(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command of `manage.py`, and wait for its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env=environment(folder, **settings),
        capture_output=True,
        text=True,
        timeout=START_TIMEOUT,
    )


@contextlib.contextmanager
def running(
    folder: Path, *arguments: str, project: Path = PROJECT, **settings: str
) -> Iterator[RunningServer]:
    """Run `manage.py ARGUMENTS`; yield it after its banner, and end all of its processes.

    `project` is a checkout of another version.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if "TILED_DATABASE_URI" not in settings and "--temp" not in arguments:
        migrated.copy_to(folder / "catalog.db")
    with (folder / "stderr.log").open("a") as errors:
        process = subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=project,
            env=environment(folder, PYTHONUNBUFFERED="1", **settings),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            # Signals to the process group reach this server only.
            start_new_session=True,
        )
    server = RunningServer("", "", folder, process, settings)
    try:
        server.uri, server.api_key = _read_greeting(server)
        yield server
    finally:
        if process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.stop(signal.SIGTERM)
        for left in server.processes():
            left.kill()
        process.communicate()


def _read_greeting(server: RunningServer) -> tuple[str, str]:
    assert server.process.stdout is not None
    text, deadline = "", time.monotonic() + START_TIMEOUT
    for line in server.process.stdout:
        text += line
        if (found := GREETING.search(text)) and "print(client)" in line:
            return found[1], found[2] or ""
        assert time.monotonic() < deadline, text
    raise AssertionError(f"The server ended before its banner:\n{text}\n{server.log}")


@contextlib.contextmanager
def own_database() -> Iterator[dict[str, str]]:
    """Provide a migrated database for one server, as settings: a PostgreSQL if the tests use it.

    In SQLite `running` provides it, in the folder of the server.
    """
    uri = os.environ.get("TEST_DATABASE_URI")
    if not uri:
        yield {}
        return
    import psycopg

    name = f"tiled_test_{secrets.token_hex(6)}"
    with psycopg.connect(uri, autocommit=True) as connection:
        migrated.create_copy(connection, name)
        try:
            yield {"TILED_DATABASE_URI": urlunsplit(urlsplit(uri)._replace(path=f"/{name}"))}
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
