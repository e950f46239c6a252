"""A server that may be killed and started again at the same address."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil
import requests

from tools.backends.network import Host
from tools.backends.ports import free_port

PROJECT = Path(__file__).resolve().parents[2]
API_KEY = "4f5a1c7e9b2d8036a1c5e7f90b3d2468"
START_TIMEOUT = 120.0
STOP_TIMEOUT = 30.0


class Server:
    """`manage.py serve` with its data in `folder`, and its log there; on a host of a network."""

    def __init__(self, folder: Path, settings: Mapping[str, str], host: Host | None = None) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.host = host
        self.address = "127.0.0.1" if host is None else host.address
        self.port = free_port()
        self.uri = f"http://{self.address}:{self.port}"
        self.log = folder / f"server-{self.port}.log"
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("TILED_")}
        inherited.pop("DJANGO_SETTINGS_MODULE", None)
        own = {"TILED_SERVER_DATA_DIR": str(folder), "TILED_SINGLE_USER_API_KEY": API_KEY}
        self._prefix = [] if host is None else host.prefix
        self._environment = {**inherited, **own, **settings}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Return the supervisor. It must have been started."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it answers. Raises RuntimeError."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start it."""
        where = ["--host", self.address, "--port", str(self.port)]
        command = [*self._prefix, sys.executable, "manage.py", "serve", "--workers", "2", *where]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=PROJECT,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Wait until it answers. Raises RuntimeError."""
        assert self._process is not None
        deadline = time.monotonic() + START_TIMEOUT
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The server did not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.1)

    def kill_worker(self) -> None:
        """Kill a worker process; the supervisor starts another."""
        workers = [one for one in self._family()[1:] if "spawn_main" in " ".join(one.cmdline())]
        if workers:
            workers[0].kill()

    def kill(self) -> None:
        """Kill all of its processes."""
        family = self._family()
        for process in family:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(family, timeout=STOP_TIMEOUT)
        if self._process is not None:
            self._process.wait(STOP_TIMEOUT)

    def _family(self) -> list[psutil.Process]:
        if self._process is None or self._process.poll() is not None:
            return []
        supervisor = psutil.Process(self._process.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def _answers(self) -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.uri}/healthz", timeout=5).status_code == 200
        return False
