"""Read the streams of a shard that have subscribers in this server process, with one hub for each.

There is one reader for each event loop and shard (`site_reader`). It starts with the first
subscriber and stops LINGER_SECONDS after the last one has unsubscribed.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from typing import NamedTuple
from uuid import UUID

from redis.exceptions import RedisError

from core.errors import NotFound, ServiceError, Unavailable

from ..config import StreamingCacheSettings
from ..protocol.endings import StreamEnd
from ..protocol.subscription_options import LIVE, SubscriptionOptions
from ..redis.clients import reader_client
from ..redis.keys import StreamKeys, report_channel
from .heartbeat import HeartbeatPoller
from .hub import Hub
from .lag import RedisClock
from .log_reader import LogReader
from .pubsub import PubSubConnection
from .subscriber import Subscriber
from .subscriber_origin import SubscriberOrigin
from .subscriber_reports import SubscriberReporter
from .window import Window, WindowBudget

logger = logging.getLogger(__name__)

LINGER_SECONDS = 5.0
# Reported subscriber counts are valid for COUNT_TTL seconds, and renewed twice in that time.
COUNT_SECONDS = 30
COUNT_TTL = 60
# Changes of counts that follow one another within this time are reported together.
REPORT_DELAY_SECONDS = 0.05


class ReaderUsage(NamedTuple):
    """What the subscribers of an event loop use; the memory is in bytes."""

    subscriptions: int
    nodes: int
    window_bytes: int


class StreamReader:
    """Follows the streams of one shard that have subscribers on this event loop."""

    def __init__(
        self, settings: StreamingCacheSettings, budget: WindowBudget | None = None
    ) -> None:
        self.stopped = False
        self._settings = settings
        self._client = reader_client(settings)
        self._hubs: dict[UUID, Hub] = {}
        self._budget = budget or WindowBudget(settings.total_window_bytes)
        self._clock = RedisClock()
        self._pubsub = PubSubConnection(
            self._client.connection_pool,
            timeout=settings.timeout,
            tolerance=settings.outage_tolerance,
            on_lost=self._end_all,
        )
        self._reporter = SubscriberReporter(
            self._client, settings.prefix, self._hubs.get, settings.timeout
        )
        self._poller = HeartbeatPoller(
            self._client,
            self._hubs.values,
            interval=settings.heartbeat,
            timeout=settings.timeout,
        )
        self._process_id = secrets.token_hex(4)
        self._changed_counts: dict[UUID, StreamKeys] = {}
        self._wakeup = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    async def subscribe(
        self,
        node: UUID,
        options: SubscriptionOptions = LIVE,
        origin: SubscriberOrigin | None = None,
    ) -> Subscriber:
        """Return a new subscriber of `node`'s stream, which misses nothing from now on.

        `origin` is reported to administrators. Call `unsubscribe` when done. Raises Unavailable
        while Redis cannot be reached, NotFound if the node was deleted.
        """
        hub = self._hubs.get(node)
        fresh = hub is None or hub.ending is not None
        if hub is None or fresh:
            hub = self._hubs[node] = self._new_hub(node)
        subscriber = Subscriber(hub, origin)
        hub.followers.add(subscriber)
        try:
            async with asyncio.timeout(self._settings.timeout):
                if fresh:
                    # Before the first read, so that no append falls between the two.
                    await self._pubsub.subscribe(hub.keys.wake, hub)
                if ready := await hub.ready():
                    await subscriber.begin(options)
        except BaseException as error:
            await self.unsubscribe(subscriber)
            if isinstance(error, (TimeoutError, RedisError, OSError)):
                raise _rejection(None) from error
            raise
        if not ready:
            await self.unsubscribe(subscriber)
            raise _rejection(hub.ending)
        self._note_count(hub)
        return subscriber

    async def unsubscribe(self, subscriber: Subscriber) -> None:
        """Release all resources of `subscriber`."""
        hub = subscriber.hub
        subscriber.close()
        hub.followers.discard(subscriber)
        self._note_count(hub)
        if not hub.followers:
            hub.close()
            hub.window.clear()
            if self._hubs.get(hub.node) is hub:
                del self._hubs[hub.node]
                await self._pubsub.unsubscribe(hub.keys.wake)

    def usage(self) -> ReaderUsage:
        """Return the number of subscriptions and nodes, and the memory of their updates."""
        hubs = self._hubs.values()
        subscriptions = sum(len(hub.followers) for hub in hubs)
        used = sum(hub.window.size for hub in hubs)
        return ReaderUsage(subscriptions, len(hubs), used)

    async def stop(self) -> None:
        """End all subscriptions and close all connections."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _new_hub(self, node: UUID) -> Hub:
        settings = self._settings
        keys = StreamKeys.of(settings.prefix, node)
        log = LogReader(self._client.connection_pool, keys, settings.timeout, settings.data_ttl)
        return Hub(node, keys, log, Window(settings.window_bytes, self._budget), self._clock)

    def _end_all(self) -> None:
        for hub in self._hubs.values():
            hub.end(StreamEnd.LOST)

    def _note_count(self, hub: Hub) -> None:
        self._changed_counts[hub.node] = hub.keys
        self._wakeup.set()

    async def _run(self) -> None:
        await self._pubsub.subscribe(report_channel(self._settings.prefix), self._reporter)
        pubsub = asyncio.create_task(self._pubsub.run())
        pubsub.add_done_callback(lambda _: self._wakeup.set())
        poller = asyncio.create_task(self._poller.run())
        try:
            while await self._is_needed():
                if pubsub.done():
                    pubsub.result()
                await self._report()
        except Exception:
            logger.exception(
                "The reader of the streams failed; all subscriptions of this process end"
            )
        finally:
            self.stopped = True
            self._end_all()
            pubsub.cancel()
            poller.cancel()
            await asyncio.gather(pubsub, poller, return_exceptions=True)
            await self._client.aclose()

    async def _is_needed(self) -> bool:
        """Wait for something to report. Return False, for good, once there are no subscribers."""
        try:
            async with asyncio.timeout(COUNT_SECONDS if self._hubs else LINGER_SECONDS):
                await self._wakeup.wait()
        except TimeoutError:
            self.stopped = not self._hubs
        return not self.stopped

    async def _report(self) -> None:
        """Report the number of subscribers here: of streams where it changed, or else of all."""
        if self._wakeup.is_set():
            await asyncio.sleep(REPORT_DELAY_SECONDS)
            self._wakeup.clear()
        else:
            self._changed_counts = {node: hub.keys for node, hub in self._hubs.items()}
        changed, self._changed_counts = self._changed_counts, {}
        pipe = self._client.pipeline(transaction=False)
        for node, keys in changed.items():
            hub = self._hubs.get(node)
            if hub is not None and hub.followers:
                report = f"{len(hub.followers)} {int(time.time())}"
                pipe.hset(keys.subscribers, self._process_id, report)
                pipe.expire(keys.subscribers, COUNT_TTL)
            else:
                pipe.hdel(keys.subscribers, self._process_id)
        pipe.time()
        before = time.time()
        try:
            async with asyncio.timeout(self._settings.timeout):
                *_, clock = await pipe.execute()
            self._clock.adjust(clock, before, time.time())
        except (RedisError, OSError) as error:
            logger.debug("Could not report the numbers of subscribers: %s", error)


def _rejection(ending: StreamEnd | None) -> ServiceError:
    if ending is StreamEnd.DELETED:
        return NotFound("The node was deleted.")
    return Unavailable("The streaming cache cannot be reached. Try again soon.")
