"""A Redis with a replica, watched by three Sentinels, whose primary a test may kill."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import redis

from .ports import free_port
from .redis_server import Lines, RedisServers

SERVICE = "streams"
SENTINELS = 3
DOWN_AFTER_MS = 1000


def sentinel_here() -> bool:
    """Return whether this machine has the programs."""
    return all(shutil.which(name) for name in ("redis-server", "redis-sentinel"))


class Servers(RedisServers):
    """The processes of a Redis service, all on 127.0.0.1.

    `lines` are added to the configuration of each Redis, `sentinel_lines` to that of each Sentinel;
    `login` has the arguments with which redis-py connects to both.
    """

    def __init__(
        self, folder: Path, lines: Lines, sentinel_lines: Lines, login: Mapping[str, Any]
    ) -> None:
        super().__init__(folder, lines, login, count=2)
        self.sentinel_ports = [free_port() for _ in range(SENTINELS)]
        self._sentinel_lines = sentinel_lines

    @property
    def hosts(self) -> str:
        """The Sentinels, as in an address."""
        return ",".join(f"127.0.0.1:{port}" for port in self.sentinel_ports)

    @property
    def uri(self) -> str:
        """The address of the service, without a password."""
        return f"redis+sentinel://{self.hosts}/{SERVICE}"

    def start(self) -> None:
        """Start a primary, its replica and the Sentinels, and wait until all know each other."""
        first, second = self.ports
        self.start_redis(first)
        self.start_redis(second, f"replicaof 127.0.0.1 {first}")
        self.wait_until(
            lambda: self.client(second).info("replication")["master_link_status"] == "up"
        )
        for port in self.sentinel_ports:
            self.start_program(
                "redis-sentinel",
                port,
                f"sentinel monitor {SERVICE} 127.0.0.1 {first} 2",
                f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}",
                f"sentinel failover-timeout {SERVICE} 1000",
                *self._sentinel_lines,
            )
        for port in self.sentinel_ports:
            self.wait_until(lambda port=port: self._is_complete(port))  # type: ignore[misc]

    def primary(self) -> int:
        """Return the port of the primary, by the Sentinels."""
        for port in self.sentinel_ports:
            with contextlib.suppress(redis.RedisError), self.client(port) as client:
                return int(client.sentinel_get_master_addr_by_name(SERVICE)[1])
        raise AssertionError("no Sentinel answers")

    def await_failover(self, before: int) -> int:
        """Wait until another server than `before` is the primary; return its port."""
        self.wait_until(
            lambda: (
                self.primary() != before
                and self.client(self.primary()).info("replication")["role"] == "master"
            )
        )
        return self.primary()

    def _is_complete(self, port: int) -> bool:
        with self.client(port) as client:
            state = client.sentinel_masters()[SERVICE]
        return (state["num-slaves"], state["num-other-sentinels"]) == (1, SENTINELS - 1)


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
