"""Poll all streams at intervals, so that no subscriber is stuck if a notification was lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection

import redis.asyncio
from redis.exceptions import RedisError

from .hub import Hub
from .log_reader import META, batch_of

logger = logging.getLogger(__name__)


class HeartbeatPoller:
    """Reads the heads of all streams every `interval` seconds, in one request, for their hubs.

    Notifications may have been lost, Redis may have been emptied, or another Redis may have taken
    over. The last shows in the replication ID.
    """

    def __init__(
        self,
        client: redis.asyncio.Redis,
        hubs: Callable[[], Collection[Hub]],
        *,
        interval: float,
        timeout: float,
    ) -> None:
        self._client = client
        self._hubs = hubs
        self._interval = interval
        self._timeout = timeout
        self._replication_id: object = None

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            await asyncio.sleep(self._interval)
            hubs = list(self._hubs())
            if not hubs:
                continue
            try:
                await self._poll(hubs)
            except (RedisError, OSError) as error:
                # No heartbeat is sent then. The pub/sub connection logs the outage as a warning.
                logger.debug("Cannot poll the streams: %s", error)

    async def _poll(self, hubs: list[Hub]) -> None:
        pipe = self._client.pipeline(transaction=False)
        pipe.info("replication")
        for hub in hubs:
            pipe.hmget(hub.keys.meta, META)
        async with asyncio.timeout(self._timeout):
            replication, *found = await pipe.execute(raise_on_error=False)
        same = self._is_same(replication)
        for hub, meta in zip(hubs, found, strict=True):
            if isinstance(meta, list):
                hub.on_poll(batch_of(meta, [], complete=False), same=same)

    def _is_same(self, replication: object) -> bool:
        """Return whether the same Redis is the master as at the last poll."""
        # None where the user of the connection may not call INFO: then nothing can be said.
        found = replication.get("master_replid") if isinstance(replication, dict) else None
        before, self._replication_id = self._replication_id, found
        return before in (None, found)
