"""Exchange of the servers of a site by Redis: what they count together, and which of them run.

The first worker of each server publishes the server's counters, and adds up those of the others, a
few times a second. So limits of subscribers hold over all servers, up to that delay. What a server
has published expires soon after it has ended.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgpack
from redis.exceptions import RedisError

from .config import StreamingCacheSettings, streaming_cache_settings
from .redis.clients import writer_client
from .redis.keys import server_key, servers_key
from .shards import site_shard
from .shared_counters import SharedCounts, current

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 0.25
LIFETIME_MILLISECONDS = 2000

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RunningServer:
    """Another server of the site: its counters, and what it states about itself."""

    totals: list[tuple[int, int]]
    facts: Facts


class ServerExchange(threading.Thread):
    """Publishes the counters of this server and its `facts`, and collects those of the others."""

    def __init__(self, counts: SharedCounts, facts: Callable[[], Facts]) -> None:
        super().__init__(name="tiled-server-exchange", daemon=True)
        self._counts = counts
        self._facts = facts

    def run(self) -> None:
        """Exchange until the process ends."""
        while True:
            settings = streaming_cache_settings()
            if settings.uri is not None:
                try:
                    self.exchange(settings)
                except (RedisError, OSError) as error:
                    # The counts of the others stay as they were. Writers log the outage.
                    logger.debug("Cannot exchange counters with other servers: %s", error)
            time.sleep(INTERVAL_SECONDS)

    def exchange(self, settings: StreamingCacheSettings) -> None:
        """Publish once, and collect. Raises RedisError."""
        own, prefix = self._counts.server, settings.prefix
        client = writer_client(site_shard(settings))
        told = msgpack.packb({"totals": self._counts.own_totals(), "facts": self._facts()})
        pipe = client.pipeline(transaction=False)
        pipe.set(server_key(prefix, own), told, px=LIFETIME_MILLISECONDS)
        pipe.sadd(servers_key(prefix), own)
        pipe.execute()
        others = running_servers(settings, without=own)
        self._counts.set_others([each for other in others for each in other.totals])


def running_servers(settings: StreamingCacheSettings, *, without: str = "") -> list[RunningServer]:
    """Return the servers of the site that run, except one. Raises RedisError, OSError."""
    client: Any = writer_client(site_shard(settings))
    names = [name.decode() for name in client.smembers(servers_key(settings.prefix))]
    others = [name for name in names if name != without]
    if not others:
        return []
    found = client.mget([server_key(settings.prefix, name) for name in others])
    ended = [name for name, told in zip(others, found, strict=True) if told is None]
    if ended:  # one that was only slow adds itself again
        client.srem(servers_key(settings.prefix), *ended)
    read = [msgpack.unpackb(told) for told in found if told is not None]
    return [RunningServer(one["totals"], one["facts"]) for one in read]


def start(facts: Callable[[], Facts]) -> None:
    """Start to exchange in the first worker of a server."""
    counts = current()
    if counts.server and counts.row == 0:
        ServerExchange(counts, facts).start()
