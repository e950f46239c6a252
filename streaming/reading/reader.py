"""The reader of a server process: one hub for each stream with subscribers here.

There is one for each event loop. It starts with the first subscriber and stops some time after the
last one has left.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from uuid import UUID

from redis.exceptions import RedisError

from core.errors import NotFound, ServiceError, Unavailable

from ..config import StreamingCacheSettings, required_cache
from ..protocol.endings import StreamEnd
from ..protocol.subscription_options import LIVE, SubscriptionOptions
from ..redis.clients import reader_client
from ..redis.keys import StreamKeys
from .heartbeat import Pulse
from .hub import Hub
from .log_reader import LogReader
from .pubsub import Link
from .subscriber import Subscriber
from .window import Room, Window

logger = logging.getLogger(__name__)

LINGER_SECONDS = 5.0
# Counts of subscribers are renewed twice while they are believed.
COUNT_SECONDS = 30
COUNT_TTL = 60
SETTLE_SECONDS = 0.05


class Reader:
    """Follows the streams that have subscribers on this event loop."""

    def __init__(self, settings: StreamingCacheSettings) -> None:
        self.stopped = False
        self._loop = asyncio.get_running_loop()
        self._settings = settings
        self._client = reader_client(settings)
        self._hubs: dict[UUID, Hub] = {}
        self._room = Room(settings.total_window_bytes)
        self._link = Link(
            self._client.connection_pool,
            timeout=settings.timeout,
            tolerance=settings.outage_tolerance,
            on_lost=self._lost,
        )
        self._pulse = Pulse(
            self._client,
            self._hubs.values,
            seconds=settings.heartbeat,
            timeout=settings.timeout,
        )
        self._process = secrets.token_hex(4)
        self._changed: dict[UUID, StreamKeys] = {}
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    async def subscribe(self, node: UUID, terms: SubscriptionOptions = LIVE) -> Subscriber:
        """A subscriber of `node`'s stream, which misses nothing from here on. Leave when done.

        Raises Unavailable while Redis cannot be reached, NotFound if the node was deleted.
        """
        hub = self._hubs.get(node)
        fresh = hub is None or hub.ending is not None
        if hub is None or fresh:
            hub = self._hubs[node] = self._new_hub(node)
        subscriber = Subscriber(hub)
        hub.subscribers.add(subscriber)
        try:
            async with asyncio.timeout(self._settings.timeout):
                if fresh:
                    await self._link.watch(hub.keys.wake, hub)
                if ready := await hub.ready():
                    await subscriber.begin(terms)
        except BaseException as error:
            await self.leave(subscriber)
            if isinstance(error, (TimeoutError, RedisError, OSError)):
                raise _refusal(None) from error
            raise
        if not ready:
            await self.leave(subscriber)
            raise _refusal(hub.ending)
        self._count(hub)
        return subscriber

    async def leave(self, subscriber: Subscriber) -> None:
        """Have `subscriber` cost nothing any more."""
        hub = subscriber.hub
        subscriber.leave()
        hub.subscribers.discard(subscriber)
        self._count(hub)
        if not hub.subscribers:
            hub.close()
            hub.window.forget()
            if self._hubs.get(hub.node) is hub:
                del self._hubs[hub.node]
                await self._link.unwatch(hub.keys.wake)

    async def stop(self) -> None:
        """End all subscriptions and close all connections."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _new_hub(self, node: UUID) -> Hub:
        settings = self._settings
        keys = StreamKeys.of(settings.prefix, node)
        log = LogReader(self._client.connection_pool, keys, settings.timeout, settings.data_ttl)
        return Hub(node, keys, log, Window(settings.window_bytes, self._room))

    def _lost(self) -> None:
        for hub in self._hubs.values():
            hub.end(StreamEnd.LOST)

    def _count(self, hub: Hub) -> None:
        self._changed[hub.node] = hub.keys
        self._news.set()

    async def _run(self) -> None:
        link = asyncio.create_task(self._link.run())
        link.add_done_callback(lambda _: self._news.set())
        pulse = asyncio.create_task(self._pulse.run())
        try:
            while await self._is_needed():
                if link.done():
                    link.result()
                await self._report()
        except Exception:
            logger.exception("Streams cannot be followed")
        finally:
            self.stopped = True
            self._lost()
            link.cancel()
            pulse.cancel()
            await asyncio.gather(link, pulse, return_exceptions=True)
            await self._client.aclose()
            if _readers.get(self._loop) is self:
                del _readers[self._loop]

    async def _is_needed(self) -> bool:
        """Wait for something to report. False, for good, once nobody has come for a while."""
        try:
            async with asyncio.timeout(COUNT_SECONDS if self._hubs else LINGER_SECONDS):
                await self._news.wait()
        except TimeoutError:
            self.stopped = not self._hubs
        return not self.stopped

    async def _report(self) -> None:
        """Tell how many subscribers each stream has here; those of all streams after a while."""
        if self._news.is_set():
            await asyncio.sleep(SETTLE_SECONDS)
            self._news.clear()
        else:
            self._changed = {node: hub.keys for node, hub in self._hubs.items()}
        changed, self._changed = self._changed, {}
        pipe = self._client.pipeline(transaction=False)
        for node, keys in changed.items():
            hub = self._hubs.get(node)
            if hub is not None and hub.subscribers:
                said = f"{len(hub.subscribers)} {int(time.time())}"
                pipe.hset(keys.subscribers, self._process, said)
                pipe.expire(keys.subscribers, COUNT_TTL)
            else:
                pipe.hdel(keys.subscribers, self._process)
        try:
            async with asyncio.timeout(self._settings.timeout):
                await pipe.execute()
        except (RedisError, OSError) as error:
            logger.debug("Counts of subscribers were not told: %s", error)


_readers: dict[asyncio.AbstractEventLoop, Reader] = {}


def current_reader() -> Reader:
    """The reader of the running event loop. Raises Unavailable where no cache is configured."""
    settings = required_cache()
    loop = asyncio.get_running_loop()
    reader = _readers.get(loop)
    if reader is None or reader.stopped:
        reader = _readers[loop] = Reader(settings)
    return reader


def _refusal(ending: StreamEnd | None) -> ServiceError:
    if ending is StreamEnd.DELETED:
        return NotFound("The node was deleted.")
    return Unavailable("The streaming cache cannot be reached. Try again soon.")
