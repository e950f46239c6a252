"""Read the streams of all shards on an event loop: one reader for each that has subscribers."""

from __future__ import annotations

from uuid import UUID

from ..config import StreamingCacheSettings, required_cache
from ..per_loop import PerLoop
from ..protocol.subscription_options import LIVE, SubscriptionOptions
from ..shards import shard_of
from .reader import ReaderUsage, StreamReader
from .subscriber import Subscriber
from .subscriber_origin import SubscriberOrigin
from .window import WindowBudget


class SiteReader:
    """Subscribes at the reader of the shard of a node, and starts that reader if necessary."""

    def __init__(self) -> None:
        self._readers: dict[str | None, StreamReader] = {}
        self._reader_of: dict[Subscriber, StreamReader] = {}
        # All readers share it, as they share the memory of the process.
        self._budget = WindowBudget(required_cache().total_window_bytes)

    async def subscribe(
        self,
        node: UUID,
        options: SubscriptionOptions = LIVE,
        origin: SubscriberOrigin | None = None,
    ) -> Subscriber:
        """Return a new subscriber of the stream of `node`. Raises as `StreamReader.subscribe`."""
        reader = self._reader(shard_of(required_cache(), node))
        subscriber = await reader.subscribe(node, options, origin)
        self._reader_of[subscriber] = reader
        return subscriber

    async def unsubscribe(self, subscriber: Subscriber) -> None:
        """Release all resources of `subscriber`."""
        await self._reader_of.pop(subscriber).unsubscribe(subscriber)

    def usage(self) -> ReaderUsage:
        """Return the number of subscriptions and nodes, and the memory of their updates."""
        used = [reader.usage() for reader in self._readers.values()]
        return ReaderUsage(
            subscriptions=sum(one.subscriptions for one in used),
            nodes=sum(one.nodes for one in used),
            window_bytes=sum(one.window_bytes for one in used),
        )

    async def stop(self) -> None:
        """End all subscriptions and close all connections."""
        for reader in self._readers.values():
            await reader.stop()

    def _reader(self, shard: StreamingCacheSettings) -> StreamReader:
        reader = self._readers.get(shard.uri)
        if reader is None or reader.stopped:
            reader = self._readers[shard.uri] = StreamReader(shard, self._budget)
        return reader


_readers = PerLoop(SiteReader)


def current_reader() -> SiteReader:
    """Return the reader of the running event loop. Raises Unavailable if streaming is off."""
    required_cache()
    return _readers.current()


def running_reader() -> SiteReader | None:
    """Return the reader of the running event loop, if it has one."""
    return _readers.get()
