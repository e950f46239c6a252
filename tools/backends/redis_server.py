"""Processes of Debian's Redis, which a test may kill and start again at the same ports."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import redis

from .ports import free_port

TIMEOUT_SECONDS = 60

Lines = Sequence[str]


def redis_here() -> bool:
    """Return whether this machine has the program."""
    return shutil.which("redis-server") is not None


class RedisServers:
    """Redis servers, all on 127.0.0.1.

    `lines` are added to the configuration of each; `login` has the arguments with which redis-py
    connects to all of them.
    """

    def __init__(
        self, folder: Path, lines: Lines, login: Mapping[str, Any], count: int = 1
    ) -> None:
        self.ports = [free_port() for _ in range(count)]
        self._folder = folder
        self._lines = lines
        self._login = login
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    def client(self, port: int) -> redis.Redis:
        """Return a client of one server."""
        return redis.Redis(port=port, **self._login)

    def start_redis(self, port: int, *lines: str) -> None:
        """Start a Redis on this port, and wait until it answers."""
        more = ("save ''", "repl-diskless-sync-delay 0", "repl-ping-replica-period 1")
        self.start_program("redis-server", port, *more, *self._lines, *lines)
        self.wait_until(lambda: self.client(port).ping())

    def start_program(self, program: str, port: int, *lines: str) -> None:
        """Start a server that reads these lines of configuration; `PORT` in them is its port."""
        folder = self._folder / str(port)
        folder.mkdir(exist_ok=True)
        config = folder / "redis.conf"
        listens = [] if any(line.startswith("tls-port") for line in lines) else [f"port {port}"]
        text = [*listens, "bind 127.0.0.1", f"dir {folder}", *lines]
        config.write_text("".join(f"{line.replace('PORT', str(port))}\n" for line in text))
        with (folder / "log").open("ab") as log:
            self._processes[port] = subprocess.Popen(
                [program, str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def kill(self, port: int) -> None:
        """Kill a server with SIGKILL."""
        process = self._processes.pop(port)
        process.kill()
        process.wait()

    def stop(self) -> None:
        """Kill all processes."""
        for port in list(self._processes):
            self.kill(port)

    @staticmethod
    def wait_until(condition: Callable[[], object]) -> None:
        """Wait until `condition` holds; while Redis does not answer, it does not."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while True:
            with contextlib.suppress(redis.RedisError, KeyError):
                if condition():
                    return
            assert time.monotonic() < deadline
            time.sleep(0.02)


@contextlib.contextmanager
def own_redis(lines: Lines = (), login: Mapping[str, Any] | None = None) -> Iterator[RedisServers]:
    """Run a Redis at the only port of the servers, and end it afterwards."""
    with tempfile.TemporaryDirectory(prefix="tiled-redis-") as folder:
        servers = RedisServers(Path(folder), lines, login or {})
        try:
            servers.start_redis(servers.ports[0])
            yield servers
        finally:
            servers.stop()
