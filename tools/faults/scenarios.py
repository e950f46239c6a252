"""What fails, while a server works: each scenario is a function that does harm again and again."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.caches import Cache, own_cache
from tests.outages.cluster import Cluster, own_cluster

from .checker import problems
from .load import NAMES, Load
from .server import API_KEY, Server, running_server
from .subscriber import Subscriber

QUIET = 30.0


@dataclass
class World:
    """A server, its Redis or Valkey, and its PostgreSQL."""

    server: Server
    cache: Cache
    cluster: Cluster


@dataclass(frozen=True)
class Report:
    """What came of a run."""

    acknowledged: int
    updates: int
    told: int
    statuses: dict[int | None, int]
    problems: list[str]


Fault = Callable[[World], None]


def calm(world: World) -> None:
    """Do no harm."""


def kill_worker(world: World) -> None:
    """Kill a worker process."""
    world.server.kill_worker()


def kill_all(world: World) -> None:
    """Kill all processes of the server, and start it again."""
    world.server.kill()
    world.server.start()


def empty_redis(world: World) -> None:
    """Kill Redis; it comes back empty."""
    world.cache.stop()
    time.sleep(1)
    world.cache.start()


def hang_redis(world: World) -> None:
    """Let Redis hang."""
    world.cache.hang()
    time.sleep(random.uniform(0.5, 6))  # noqa: S311
    world.cache.go_on()


def end_sessions(world: World) -> None:
    """End all sessions of PostgreSQL."""
    world.cluster.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE backend_type = 'client backend' AND pid != pg_backend_pid()"
    )


def cancel_statements(world: World) -> None:
    """Cancel whatever runs in PostgreSQL, many times."""
    for _ in range(50):
        world.cluster.execute(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity "
            "WHERE state = 'active' AND pid != pg_backend_pid()"
        )


def restart_postgresql(world: World) -> None:
    """Stop PostgreSQL for a while."""
    world.cluster.stop()
    time.sleep(random.uniform(0, 4))  # noqa: S311
    world.cluster.start()


# How many seconds lie between two faults.
SCENARIOS: dict[str, tuple[Fault, float]] = {
    "calm": (calm, 5.0),
    "kill_worker": (kill_worker, 6.0),
    "kill_all": (kill_all, 6.0),
    "empty_redis": (empty_redis, 5.0),
    "hang_redis": (hang_redis, 5.0),
    "end_sessions": (end_sessions, 0.5),
    "cancel_statements": (cancel_statements, 1.0),
    "restart_postgresql": (restart_postgresql, 5.0),
}


@contextmanager
def world() -> Iterator[World]:
    """A new server with a Valkey and a PostgreSQL of its own."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tiled-faults-")))
        cluster = stack.enter_context(own_cluster())
        cache = stack.enter_context(own_cache())
        settings = {"TILED_DATABASE_URI": cluster.admin, "TILED_STREAMING_CACHE_URI": cache.uri}
        server = stack.enter_context(running_server(folder, settings))
        yield World(server, cache, cluster)


def run(
    world: World, scenario: str, seconds: float, *, uri: str | None = None, quiet: float = QUIET
) -> Report:
    """Write and watch for some time while the scenario's faults happen; then compare.

    `uri` is where subscribers connect, if that is not the server itself. After `quiet` seconds
    without a fault, all promises have to be kept.
    """
    fault, pause = SCENARIOS[scenario]
    load = Load(world.server.uri, API_KEY)
    load.prepare()
    subscribers = [
        Subscriber(uri or world.server.uri, API_KEY, f"{load.root}/{name}", hang_up_after=after)
        for name in NAMES
        for after in (None, 2.5)
    ]
    for subscriber in subscribers:
        subscriber.start()
    load.start()
    try:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, pause))
            fault(world)
    finally:
        load.stop()
        found = _when_quiet(load, subscribers, quiet)
        for subscriber in subscribers:
            subscriber.stop()
    return Report(
        acknowledged=sum(bool(operation.acknowledged) for operation in load.operations),
        updates=sum(len(subscriber.updates) for subscriber in subscribers),
        told=sum(subscriber.told for subscriber in subscribers),
        statuses=dict(load.statuses),
        problems=found,
    )


def _when_quiet(load: Load, subscribers: list[Subscriber], seconds: float) -> list[str]:
    """Return what is wrong when all has arrived that will, at the latest after `seconds`."""
    stored = load.stored()
    deadline = time.monotonic() + seconds
    while found := problems(load.operations, stored, subscribers):
        if time.monotonic() > deadline:
            break
        time.sleep(0.5)
    return found
