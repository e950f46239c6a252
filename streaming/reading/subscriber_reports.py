"""Report the subscribers of a node in this process, on request of an administrator's page.

A request is a message on one channel of the site, which the reader of each event loop with
subscribers receives. It names a node, and a list in Redis to which each reader appends one report.
Nothing is recorded or sent without a request.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import orjson
import redis.asyncio
from redis.exceptions import RedisError

from tiled_client.wire.slices import format_slice

from ..protocol.subscription_options import SubscriptionOptions
from ..redis.keys import reply_key
from .hub import Hub
from .subscriber import Subscriber

logger = logging.getLogger(__name__)

MAX_REPORTED = 200
# Reports that the page no longer waits for are removed after this time.
REPLY_TTL_SECONDS = 10


class SubscriberReporter:
    """Answer the requests for the subscribers of one event loop."""

    def __init__(
        self,
        client: redis.asyncio.Redis,
        prefix: str,
        find_hub: Callable[[UUID], Hub | None],
        timeout: float,
    ) -> None:
        self._client = client
        self._prefix = prefix
        self._find_hub = find_hub
        self._timeout = timeout
        # Referenced here, since the event loop keeps only weak references to tasks.
        self._tasks: set[asyncio.Task[None]] = set()

    def on_subscribed(self) -> None:
        """Do nothing: a request that was missed is not answered."""

    def on_disconnected(self) -> None:
        """Do nothing: a request that is missed is not answered."""

    def on_message(self, message: bytes) -> None:
        """Answer a request: the UUID of a node and the name of the list, separated by a space."""
        node, _, token = message.decode("ascii", "replace").partition(" ")
        try:
            hub = self._find_hub(UUID(node))
        except ValueError:
            return
        task = asyncio.create_task(self._send(token, hub))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, token: str, hub: Hub | None) -> None:
        key = reply_key(self._prefix, token)
        pipe = self._client.pipeline(transaction=False)
        pipe.rpush(key, orjson.dumps(report(hub)))
        pipe.expire(key, REPLY_TTL_SECONDS)
        try:
            async with asyncio.timeout(self._timeout):
                await pipe.execute()
        except (RedisError, OSError) as error:
            logger.debug("Could not report the subscribers: %s", error)


def report(hub: Hub | None) -> dict[str, Any]:
    """Return the number of subscribers of a stream, and those furthest behind, as JSON values."""
    followers: Iterable[object] = () if hub is None else hub.followers
    subscribers = [one for one in followers if isinstance(one, Subscriber)]
    subscribers.sort(key=lambda one: one.cursor.position.sequence)
    return {
        "count": len(subscribers),
        "subscribers": [_describe(one) for one in subscribers[:MAX_REPORTED]],
    }


def _describe(subscriber: Subscriber) -> dict[str, Any]:
    found: dict[str, Any] = {
        "sequence": subscriber.cursor.position.sequence,
        "options": _option_texts(subscriber.feed.options),
    }
    origin = subscriber.origin
    if origin is not None:
        principal = origin.principal
        found |= {
            "anonymous": principal.anonymous,
            "key": principal.key_id,
            "account": principal.uuid,
            "names": sorted(principal.names),
            "address": origin.address,
            "endpoint": origin.endpoint,
            "since": origin.since.isoformat(timespec="seconds"),
        }
    return found


def _option_texts(options: SubscriptionOptions) -> list[str]:
    """Return the options that decide which updates are sent, as in a query."""
    texts = []
    if options.items is not None:
        texts.append(f"slice={format_slice(options.items)}")
    if options.columns is not None:
        texts.append(f"columns={','.join(options.columns)}")
    if options.reduction is not None:
        texts.append(f"reduce={options.reduction.text}")
    if options.roi is not None:
        texts.append(f"roi={options.roi.text}")
    if options.latest:
        texts.append("policy=latest")
    if options.interval:
        texts.append(f"max_rate={1 / options.interval:.4g}")
    if options.recursive:
        texts.append("recursive")
    return texts
