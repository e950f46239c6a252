"""What a scenario happens to: servers, and all that they stand on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tools.backends.haproxy_balancer import Balancer, balancer_here, own_balancer
from tools.backends.network import Host, Network, network_here, own_network
from tools.backends.postgresql_cluster import Cluster, own_cluster
from tools.backends.small_disk import small_disk
from tools.backends.valkey_server import Cache, own_cache

from .clock import Clock
from .server import Server

REDIS_PORT = 6379
SECRET_KEY = "c5d1a7e4038b692fe1d07a53b8c64f92d7e0a1b35c86f4d2"  # noqa: S105


@dataclass(frozen=True)
class Plan:
    """The description of a site.

    Each server has its own data directory, and they share PostgreSQL, Redis and storage. With
    `balancer`, writers and subscribers connect through HAProxy; with `network`, each server and
    Redis are hosts of a network; `own_disk` and `own_clock` are for faults of these.
    """

    servers: int = 1
    balancer: bool = False
    network: bool = False
    own_disk: bool = False
    own_clock: bool = False


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
    balancer: Balancer | None = None
    network: Network | None = None
    cache_host: Host | None = None
    uris: list[str] = field(default_factory=list)

    @property
    def server(self) -> Server:
        """Return the first server."""
        return self.servers[0]


@contextmanager
def world(plan: Plan | None = None) -> Iterator[World]:
    """Run new servers with their own Valkey and PostgreSQL.

    Skips the test where there can be no such balancer, network, disk or clock.
    """
    plan = plan or Plan()
    _check(plan)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tiled-faults-")))
        disk = stack.enter_context(small_disk(folder)) if plan.own_disk else folder
        clock = Clock(folder) if plan.own_clock else None
        network = stack.enter_context(own_network()) if plan.network else None
        cache_host = network.host() if network else None
        cluster = stack.enter_context(_cluster(network))
        cache = stack.enter_context(_cache(cache_host))
        settings = {
            "TILED_DATABASE_URI": cluster.admin,
            "TILED_STREAMING_CACHE_URI": cache.uri,
            "TILED_STREAMING_CACHE_HEARTBEAT": "3",
            "TILED_STORAGE_DIRECTORY": str(disk / "storage"),
            "TILED_SERVER_SECRET_KEY": SECRET_KEY,
            **(clock.settings if clock else {}),
        }
        here = []
        for index in range(plan.servers):
            host = network.host() if network else None
            here.append(Server(folder / f"server-{index}", settings, host))
            stack.callback(here[-1].kill)
            here[-1].launch()
        for server in here:
            server.wait()
        uris = [server.uri for server in here]
        balancer = stack.enter_context(own_balancer(uris)) if plan.balancer else None
        uris = uris if balancer is None else [balancer.uri]
        yield World(here, cache, cluster, disk, clock, balancer, network, cache_host, uris)


def _check(plan: Plan) -> None:
    if plan.network and not network_here():
        pytest.skip("only root on Linux can make a network")
    if plan.balancer and not balancer_here():
        pytest.skip("HAProxy is not installed: apt-get install haproxy")


def _cluster(network: Network | None) -> AbstractContextManager[Cluster]:
    return own_cluster(network.address, network.subnet) if network else own_cluster()


def _cache(host: Host | None) -> AbstractContextManager[Cache]:
    if host is None:
        return own_cache()
    return own_cache(host=host.address, port=REDIS_PORT, prefix=host.prefix)
