"""What a scenario happens to: servers, and all that they stand on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.backends.postgresql_cluster import Cluster, own_cluster
from tools.backends.small_disk import small_disk
from tools.backends.valkey_server import Cache, own_cache

from .clock import Clock
from .server import Server, running_server


@dataclass
class World:
    """Servers of the same data, their Redis or Valkey, and their PostgreSQL.

    Their storage is a separate folder, perhaps on a separate disk; so may be their clock.
    """

    servers: list[Server]
    cache: Cache
    cluster: Cluster
    storage: Path
    clock: Clock | None = None

    @property
    def server(self) -> Server:
        """Return the first server."""
        return self.servers[0]


@contextmanager
def world(*, servers: int = 1, own_disk: bool = False, own_clock: bool = False) -> Iterator[World]:
    """Run new servers with their own Valkey and PostgreSQL.

    Skips the test where there can be no such disk or clock.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tiled-faults-")))
        disk = stack.enter_context(small_disk(folder)) if own_disk else folder
        clock = Clock(folder) if own_clock else None
        cluster = stack.enter_context(own_cluster())
        cache = stack.enter_context(own_cache())
        settings = {
            "TILED_DATABASE_URI": cluster.admin,
            "TILED_STREAMING_CACHE_URI": cache.uri,
            "TILED_STREAMING_CACHE_HEARTBEAT": "3",
            "TILED_STORAGE_DIRECTORY": str(disk / "storage"),
            **(clock.settings if clock else {}),
        }
        here = [stack.enter_context(running_server(folder, settings)) for _ in range(servers)]
        yield World(here, cache, cluster, disk, clock)
