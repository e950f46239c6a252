"""A Redis with a replica, watched by three Sentinels, whose primary a test may kill."""

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

SERVICE = "streams"
SENTINELS = 3
TIMEOUT_SECONDS = 60
DOWN_AFTER_MS = 500

Lines = Sequence[str]


def sentinel_here() -> bool:
    """Return whether this machine has the programs."""
    return all(shutil.which(name) for name in ("redis-server", "redis-sentinel"))


class Servers:
    """The processes of a Redis service, all on 127.0.0.1.

    `lines` are added to the configuration of each Redis, `sentinel_lines` to that of each Sentinel;
    `login` has the arguments with which redis-py connects to both.
    """

    def __init__(
        self, folder: Path, lines: Lines, sentinel_lines: Lines, login: Mapping[str, Any]
    ) -> None:
        self.ports = [free_port(), free_port()]
        self.sentinel_ports = [free_port() for _ in range(SENTINELS)]
        self._folder = folder
        self._lines = lines
        self._sentinel_lines = sentinel_lines
        self._login = login
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def hosts(self) -> str:
        """The Sentinels, as in an address."""
        return ",".join(f"127.0.0.1:{port}" for port in self.sentinel_ports)

    @property
    def uri(self) -> str:
        """The address of the service, without a password."""
        return f"redis+sentinel://{self.hosts}/{SERVICE}"

    def client(self, port: int) -> redis.Redis:
        """Return a client of one server."""
        return redis.Redis(port=port, **self._login)

    def start(self) -> None:
        """Start a primary, its replica and the Sentinels, and wait until all know each other."""
        first, second = self.ports
        self.start_redis(first)
        self.start_redis(second, f"replicaof 127.0.0.1 {first}")
        self._await(lambda: self.client(second).info("replication")["master_link_status"] == "up")
        for port in self.sentinel_ports:
            self._start(
                "redis-sentinel",
                port,
                f"sentinel monitor {SERVICE} 127.0.0.1 {first} 2",
                f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}",
                f"sentinel failover-timeout {SERVICE} 1000",
                *self._sentinel_lines,
            )
        for port in self.sentinel_ports:
            self._await(lambda port=port: self._is_complete(port))  # type: ignore[misc]

    def start_redis(self, port: int, *lines: str) -> None:
        """Start a Redis on this port."""
        more = ("save ''", "repl-diskless-sync-delay 0", "repl-ping-replica-period 1")
        self._start("redis-server", port, *more, *self._lines, *lines)
        self._await(lambda: self.client(port).ping())

    def kill(self, port: int) -> None:
        """Kill a server with SIGKILL."""
        process = self._processes.pop(port)
        process.kill()
        process.wait()

    def primary(self) -> int:
        """Return the port of the primary, by the Sentinels."""
        for port in self.sentinel_ports:
            with contextlib.suppress(redis.RedisError), self.client(port) as client:
                return int(client.sentinel_get_master_addr_by_name(SERVICE)[1])
        raise AssertionError("no Sentinel answers")

    def await_failover(self, before: int) -> int:
        """Wait until another server than `before` is the primary; return its port."""
        self._await(
            lambda: (
                self.primary() != before
                and self.client(self.primary()).info("replication")["role"] == "master"
            )
        )
        return self.primary()

    def stop(self) -> None:
        """Kill all processes."""
        for port in list(self._processes):
            self.kill(port)

    def _is_complete(self, port: int) -> bool:
        with self.client(port) as client:
            state = client.sentinel_masters()[SERVICE]
        return (state["num-slaves"], state["num-other-sentinels"]) == (1, SENTINELS - 1)

    def _start(self, program: str, port: int, *lines: str) -> None:
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

    def _await(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while True:
            with contextlib.suppress(redis.RedisError, KeyError):
                if condition():
                    return
            assert time.monotonic() < deadline
            time.sleep(0.02)


@contextlib.contextmanager
def own_sentinels(
    lines: Lines = (), sentinel_lines: Lines = (), login: Mapping[str, Any] | None = None
) -> Iterator[Servers]:
    """Run a service with its Sentinels, and end it afterwards."""
    with tempfile.TemporaryDirectory(prefix="tiled-sentinel-") as folder:
        servers = Servers(Path(folder), lines, sentinel_lines, login or {})
        try:
            servers.start()
            yield servers
        finally:
            servers.stop()
