"""A look at all streams from time to time, so that nobody is stuck where no news came."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection

import redis.asyncio
from redis.exceptions import RedisError

from .hub import Hub
from .log_reader import META, batch_of

logger = logging.getLogger(__name__)


class Pulse:
    """Asks every `seconds`, in one go, where each stream stands, and tells its hub.

    News may have been lost, Redis may have been emptied, or another may have taken over: its
    replication id tells that.
    """

    def __init__(
        self,
        client: redis.asyncio.Redis,
        hubs: Callable[[], Collection[Hub]],
        *,
        seconds: float,
        timeout: float,
    ) -> None:
        self._client = client
        self._hubs = hubs
        self._seconds = seconds
        self._timeout = timeout
        self._replication: object = None

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(self._seconds)
            hubs = list(self._hubs())
            if not hubs:
                continue
            try:
                await self._look(hubs)
            except (RedisError, OSError) as error:
                # Nobody hears a heartbeat then, and the link says in the log what is wrong.
                logger.debug("The streams could not be looked at: %s", error)

    async def _look(self, hubs: list[Hub]) -> None:
        pipe = self._client.pipeline(transaction=False)
        pipe.info("replication")
        for hub in hubs:
            pipe.hmget(hub.keys.meta, META)
        async with asyncio.timeout(self._timeout):
            replication, *found = await pipe.execute(raise_on_error=False)
        same = self._is_same(replication)
        for hub, meta in zip(hubs, found, strict=True):
            if isinstance(meta, list):
                hub.on_pulse(batch_of(meta, [], complete=False), same=same)

    def _is_same(self, replication: object) -> bool:
        """Whether the same Redis is the master as before, as far as one may ask."""
        found = replication.get("master_replid") if isinstance(replication, dict) else None
        before, self._replication = self._replication, found
        return before in (None, found)
