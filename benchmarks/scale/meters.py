"""The costs of one operation in each part of a site."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from tools.backends.cgroups import Group, own_groups
from tools.faults.world import Plan, World, world

PARTS = ("balancer", "redis", "postgresql", "store")
SETTLED = 1.0
Cost = dict[str, float]


@dataclass(frozen=True)
class Place:
    """A site whose processes are in control groups. `port` is that of the balancer."""

    world: World
    groups: Mapping[str, Group]
    port: int

    def readings(self) -> Cost:
        """Return all counters: processor time in ms, bytes, and commits that have to be on disk."""
        used = {name: group.used() * 1e3 for name, group in self.groups.items()}
        servers = sum(value for name, value in used.items() if name.startswith("server"))
        info: Any = self.world.redis.client.info("stats")
        ((commits, wal),) = self.world.cluster.execute(
            "SELECT txid_snapshot_xmax(txid_current_snapshot()), "
            "pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"
        )
        return {
            "server_ms": servers,
            **{f"{part}_ms": used[part] for part in PARTS},
            "redis_in_bytes": float(info["total_net_input_bytes"]),
            "redis_out_bytes": float(info["total_net_output_bytes"]),
            "commits": float(commits),
            "wal_bytes": float(wal),
        }

    def cost(self, work: Callable[[], int]) -> tuple[Cost, float]:
        """Return what one operation costs, and how many there are in a second.

        `work` returns the number of its operations. The cost of the idle site is subtracted.
        """
        idle, before = self._idle(), self.readings()
        begun = time.perf_counter()
        count = work()
        taken = time.perf_counter() - begun
        # What follows an operation, as freeing memory, is part of it.
        time.sleep(SETTLED)
        after, taken_all = self.readings(), taken + SETTLED
        spent = {name: after[name] - before[name] - idle[name] * taken_all for name in after}
        return {name: max(value, 0.0) / count for name, value in spent.items()}, count / taken

    def _idle(self) -> Cost:
        """Return what the site costs in a second without work."""
        before = self.readings()
        time.sleep(3)
        after = self.readings()
        return {name: (after[name] - before[name]) / 3 for name in after}


@contextmanager
def place(plan: Plan, share: float | None) -> Iterator[Place]:
    """Run a site behind a balancer; each server may have `share` of a processor."""
    with ExitStack() as stack:
        one = stack.enter_context(world(plan))
        assert one.balancer is not None
        names = [f"server{index}" for index in range(plan.servers)]
        groups = stack.enter_context(own_groups([*names, *PARTS]))
        for name, server in zip(names, one.servers, strict=True):
            groups[name].add(server.pid)
            if share is not None:
                groups[name].limit(share)
        groups["redis"].add(one.redis.pid)
        groups["postgresql"].add(one.cluster.pid())
        groups["balancer"].add(one.balancer.pid)
        if one.store is not None:
            groups["store"].add(*one.store.pids())
        yield Place(one, groups, one.balancer.port)
