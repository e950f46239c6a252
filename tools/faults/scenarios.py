"""What fails, while a server works: each scenario is a function that does harm again and again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tools.backends.small_disk import fill

from .world import Plan, World

HOUR = 3600
# By how much a clock is wrong, in seconds: less and more than what is kept for an hour or a month.
CLOCKS = (0, -2 * HOUR, 2 * HOUR, 35 * 24 * HOUR)


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
    world.redis.stop()
    time.sleep(1)
    world.redis.start()


def hang_redis(world: World) -> None:
    """Let Redis hang."""
    world.redis.hang()
    time.sleep(random.uniform(0.5, 6))  # noqa: S311
    world.redis.go_on()


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
    world.redis.hang()
    restart_postgresql(world)
    world.redis.go_on()


def both_away(world: World) -> None:
    """Stop PostgreSQL and kill Redis, which comes back empty."""
    world.redis.stop()
    restart_postgresql(world)
    world.redis.start()


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
    """Let any of the others happen for which this site is made."""
    faults = [
        one.fault
        for one in SCENARIOS.values()
        if one.fault is not anything and not one.plan.balancer
    ]
    random.choice(faults)(world)  # noqa: S311


def lose_redis(world: World) -> None:
    """Let the network lose all packets between a server and Redis, or only those of Redis."""
    server, cache = random.choice(world.servers).host, world.cache_host  # noqa: S311
    assert server is not None
    assert cache is not None
    if random.random() < 0.5:  # noqa: S311
        server.lose_packets_to(cache)
    cache.lose_packets_to(server)
    time.sleep(random.uniform(1, 8))  # noqa: S311
    server.find(cache)
    cache.find(server)


def reload_balancer(world: World) -> None:
    """Reload HAProxy."""
    assert world.balancer is not None
    world.balancer.reload()


def kill_primary(world: World) -> None:
    """Kill the primary of Redis; it comes back as a replica of the other one."""
    redis = world.sentinels
    assert redis is not None
    before = redis.primary()
    redis.kill(before)
    after = redis.await_failover(before)
    redis.start_redis(before, f"replicaof 127.0.0.1 {after}")


def kill_volume(world: World) -> None:
    """Kill the volume server of the store, and start it again."""
    assert world.store is not None
    world.store.kill_volume()
    time.sleep(random.uniform(0, 5))  # noqa: S311
    world.store.start_volume()


def slow_store(world: World) -> None:
    """Let the store answer slowly, or not for a while."""
    line = world.lines["store"]
    if random.random() < 0.5:  # noqa: S311
        line.stall()
    else:
        line.delay(random.uniform(0.2, 2))  # noqa: S311
    time.sleep(random.uniform(1, 6))  # noqa: S311
    line.delay(0)


@dataclass(frozen=True)
class Scenario:
    """A fault that happens after each pause (in seconds), and the site that it needs."""

    fault: Callable[[World], None]
    pause: float
    plan: Plan = field(default_factory=Plan)


POOLED = Plan(servers=2, balancer=True, pooler=True)
SCENARIOS = {
    "calm": Scenario(calm, 5.0),
    "kill_worker": Scenario(kill_worker, 6.0),
    "kill_all": Scenario(kill_all, 6.0),
    "kill_one_of_two": Scenario(kill_one_of_two, 3.0, Plan(servers=2)),
    "kill_behind_balancer": Scenario(kill_one_of_two, 3.0, Plan(servers=3, balancer=True)),
    "reload_balancer": Scenario(reload_balancer, 2.0, Plan(servers=2, balancer=True)),
    "lose_redis": Scenario(lose_redis, 4.0, Plan(servers=2, balancer=True, network=True)),
    "kill_primary": Scenario(kill_primary, 4.0, Plan(servers=2, balancer=True, sentinels=True)),
    "kill_volume": Scenario(kill_volume, 4.0, Plan(servers=2, balancer=True, bucket=True)),
    "slow_store": Scenario(slow_store, 3.0, Plan(2, balancer=True, bucket=True, latency=0.0)),
    "restart_behind_pooler": Scenario(restart_postgresql, 5.0, POOLED),
    "empty_redis": Scenario(empty_redis, 5.0),
    "hang_redis": Scenario(hang_redis, 5.0),
    "end_sessions": Scenario(end_sessions, 0.5),
    "cancel_statements": Scenario(cancel_statements, 1.0),
    "restart_postgresql": Scenario(restart_postgresql, 5.0),
    "both_hang": Scenario(both_hang, 5.0),
    "both_away": Scenario(both_away, 5.0),
    "fill_disk": Scenario(fill_disk, 3.0, Plan(own_disk=True)),
    "set_clock": Scenario(set_clock, 4.0, Plan(own_clock=True)),
    "anything": Scenario(anything, 1.0, Plan(servers=2, own_disk=True, own_clock=True)),
}
