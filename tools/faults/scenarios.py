"""What fails, while a server works: each scenario is a function that does harm again and again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from tools.backends.small_disk import fill

from .checker import problems
from .load import Load
from .nodes import NAMES, RULES
from .server import API_KEY
from .sites import Site
from .subscriber import Kind, Subscriber
from .world import World, world

QUIET = 30.0
HOUR = 3600
# By how much a clock is wrong, in seconds: less and more than what is kept for an hour or a month.
CLOCKS = (0, -2 * HOUR, 2 * HOUR, 35 * 24 * HOUR)


@dataclass(frozen=True)
class Report:
    """What came of a run."""

    acknowledged: int
    updates: int
    told: int
    statuses: dict[int | None, int]
    problems: list[str]


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


def both_hang(world: World) -> None:
    """Stop PostgreSQL while Redis hangs."""
    world.cache.hang()
    restart_postgresql(world)
    world.cache.go_on()


def both_away(world: World) -> None:
    """Stop PostgreSQL and kill Redis, which comes back empty."""
    world.cache.stop()
    restart_postgresql(world)
    world.cache.start()


def kill_one_of_two(world: World) -> None:
    """Kill all processes of a server, and start it again."""
    server = random.choice(world.servers)  # noqa: S311
    server.kill()
    time.sleep(random.uniform(0, 3))  # noqa: S311
    server.start()


def fill_disk(world: World) -> None:
    """Fill the disk for a while."""
    filler = world.storage / "filler"
    deadline = time.monotonic() + random.uniform(0.5, 4)  # noqa: S311
    while time.monotonic() < deadline:
        fill(filler)
        time.sleep(0.1)
    filler.unlink()


def set_clock(world: World) -> None:
    """Set the clock of the servers forward or back, or right again."""
    assert world.clock is not None
    world.clock.set(random.choice(CLOCKS))  # noqa: S311


def anything(world: World) -> None:
    """Let any of the others happen."""
    faults = [one.fault for one in SCENARIOS.values() if one.fault is not anything]
    random.choice(faults)(world)  # noqa: S311


@dataclass(frozen=True)
class Scenario:
    """A fault that happens after each pause (in seconds), and the world that it needs."""

    fault: Callable[[World], None]
    pause: float
    servers: int = 1
    own_disk: bool = False
    own_clock: bool = False

    def world(self) -> AbstractContextManager[World]:
        """Make the world that it needs."""
        return world(servers=self.servers, own_disk=self.own_disk, own_clock=self.own_clock)


SCENARIOS = {
    "calm": Scenario(calm, 5.0),
    "kill_worker": Scenario(kill_worker, 6.0),
    "kill_all": Scenario(kill_all, 6.0),
    "kill_one_of_two": Scenario(kill_one_of_two, 3.0, servers=2),
    "empty_redis": Scenario(empty_redis, 5.0),
    "hang_redis": Scenario(hang_redis, 5.0),
    "end_sessions": Scenario(end_sessions, 0.5),
    "cancel_statements": Scenario(cancel_statements, 1.0),
    "restart_postgresql": Scenario(restart_postgresql, 5.0),
    "both_hang": Scenario(both_hang, 5.0),
    "both_away": Scenario(both_away, 5.0),
    "fill_disk": Scenario(fill_disk, 3.0, own_disk=True),
    "set_clock": Scenario(set_clock, 4.0, own_clock=True),
    "anything": Scenario(anything, 1.0, servers=2, own_disk=True, own_clock=True),
}


def run(
    here: World, name: str, seconds: float, *, uri: str | None = None, quiet: float = QUIET
) -> Report:
    """Write and watch for some time while the scenario's faults happen; then compare.

    `uri` is where subscribers connect, if that is not the servers themselves. After `quiet` seconds
    without a fault, all promises have to be kept.
    """
    scenario = SCENARIOS[name]
    site = Site([server.uri for server in here.servers], API_KEY)
    load = Load(site)
    load.prepare()
    subscribers = subscribers_of([uri] if uri else site.uris, load.root)
    for subscriber in subscribers:
        subscriber.start()
    load.start()
    try:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, scenario.pause))
            scenario.fault(here)
    finally:
        load.stop()
        found = _when_quiet(load, subscribers, quiet)
        for subscriber in subscribers:
            subscriber.stop()
        for subscriber in subscribers:
            subscriber.join()
    return Report(
        acknowledged=sum(bool(operation.acknowledged) for operation in load.operations),
        updates=sum(len(updates) for one in subscribers for updates in one.updates.values()),
        told=sum(subscriber.told.total() for subscriber in subscribers),
        statuses=dict(site.statuses),
        problems=found,
    )


def subscribers_of(uris: Sequence[str], root: str) -> list[Subscriber]:
    """Return two subscribers of each node, one of which disconnects, and two of all of them."""
    single = [((name,), Kind.SINGLE, after) for name in NAMES for after in (None, 2.5)]
    several = [(NAMES, Kind.MULTI, 4.0), (tuple(RULES), Kind.RECURSIVE, None)]
    return [
        Subscriber([*uris[index % 2 :], *uris[: index % 2]], API_KEY, root, names, kind, after)
        for index, (names, kind, after) in enumerate([*single, *several])
    ]


def _when_quiet(load: Load, subscribers: list[Subscriber], seconds: float) -> list[str]:
    """Return what is wrong when all has arrived that will, at the latest after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = problems(load.operations, load.stored(), subscribers)
        if not found or time.monotonic() > deadline:
            return found + load.site.mistakes
        time.sleep(0.5)
