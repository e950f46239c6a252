"""Broadcast to every event loop of every server process, over a group of the Channels layer.

The layer delivers at most once, and not at all while Redis is unreachable. A broadcast is therefore
only a hint that comes early: each listener also polls the database, at once after it has joined the
group (for earlier broadcasts) and then every few seconds.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any, Generic, TypeVar

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from ...per_loop import PerLoop

logger = logging.getLogger(__name__)

POLL_SECONDS = 10.0
RETRY_SECONDS = 1.0


class GroupListener(ABC):
    """Receive the broadcasts of one group on one event loop, and poll for those that were lost."""

    def __init__(self, group: str) -> None:
        self._group = group
        self._poll_due = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @abstractmethod
    def on_joined(self) -> None:
        """Handle that broadcasts are received from now on; earlier ones were missed."""

    @abstractmethod
    def on_message(self, message: Mapping[str, Any]) -> None:
        """Handle a broadcast from another process, or from this one."""

    @abstractmethod
    async def poll(self) -> None:
        """Compare with the database. Must handle errors of the database."""

    def start(self) -> None:
        """Start listening and polling, unless already started."""
        if not self._tasks:
            parts: list[Coroutine[Any, Any, None]] = [self._listen(), self._poll_repeatedly()]
            self._tasks = [asyncio.create_task(part) for part in parts]

    def stop(self) -> None:
        """Stop listening and polling; harmless if already stopped."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()

    def poll_soon(self) -> None:
        """Poll now instead of at the next interval. Call this on the event loop."""
        self._poll_due.set()

    async def _listen(self) -> None:
        layer = get_channel_layer()
        if layer is None:
            return
        channel = await self._join(layer)
        self.on_joined()
        # The layer reconnects by itself, and is still subscribed to the group then.
        while True:
            self.on_message(await layer.receive(channel))

    async def _join(self, layer: Any) -> str:
        """Return a new channel that has joined the group; retry until the layer is reachable."""
        while True:
            try:
                channel: str = await layer.new_channel()
                await layer.group_add(self._group, channel)
            except (RedisError, OSError) as error:
                logger.debug("Cannot join the channel group %r; retrying: %s", self._group, error)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return channel

    async def _poll_repeatedly(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._poll_due.wait()
            self._poll_due.clear()
            await self.poll()


L = TypeVar("L", bound=GroupListener)


class GroupBroadcast(Generic[L]):
    """Send to the listeners of a group, one per event loop."""

    def __init__(self, group: str, create_listener: Callable[[], L]) -> None:
        self.group = group
        self._listeners = PerLoop(create_listener)

    def current(self) -> L:
        """Return the listener of the running event loop."""
        return self._listeners.current()

    def deliver_here(self, deliver: Callable[[L], None]) -> None:
        """Call `deliver` on each event loop of this process. Safe to call from any thread."""
        for loop, listener in self._listeners.items():
            with suppress(RuntimeError):  # The loop was closed, and its listener with it.
                loop.call_soon_threadsafe(deliver, listener)

    def send(self, deliver: Callable[[L], None], message: dict[str, Any]) -> None:
        """Call `deliver` on each event loop of this process, and send `message` to all processes.

        Call this from any thread that runs no event loop. Listeners have to tolerate that they
        receive both.
        """
        self.deliver_here(deliver)
        layer = get_channel_layer()
        if layer is None:
            return
        try:
            async_to_sync(layer.group_send)(self.group, message)
        except (RedisError, OSError) as error:
            logger.warning(
                "Cannot broadcast to the channel group %r; other server processes will notice the "
                "change within %g seconds: %s",
                self.group,
                POLL_SECONDS,
                error,
            )
