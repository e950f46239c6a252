"""The pub/sub connection of a server process, on which Redis announces appends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

MIN_RECONNECT_SECONDS = 0.05
MAX_RECONNECT_SECONDS = 1.0


class ChannelListener(Protocol):
    """Receives the messages of one channel."""

    def on_subscribed(self) -> None:
        """Handle a confirmation: from now on, every message arrives."""

    def on_message(self, message: bytes) -> None:
        """Handle a message."""

    def on_disconnected(self) -> None:
        """Handle a lost connection: messages may be missed until `on_subscribed`."""


class PubSubConnection:
    """Subscribes to channels on one connection, and reconnects when it is lost.

    After `timeout` seconds of silence it sends a PING. `on_lost` is called each time that Redis
    has been unreachable for another `tolerance` seconds.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        *,
        timeout: float,
        tolerance: float,
        on_lost: Callable[[], None],
    ) -> None:
        self._pool = pool
        self._timeout = timeout
        self._tolerance = tolerance
        self._on_lost = on_lost
        self._listeners: dict[bytes, ChannelListener] = {}
        self._connection: AbstractConnection | None = None
        self._worked = False

    async def subscribe(self, channel: str, listener: ChannelListener) -> None:
        """Pass messages of `channel` to `listener`, which is notified when Redis confirms."""
        self._listeners[channel.encode()] = listener
        await self._send("SUBSCRIBE", channel)

    async def unsubscribe(self, channel: str) -> None:
        """Stop passing on messages of `channel`."""
        self._listeners.pop(channel.encode(), None)
        await self._send("UNSUBSCRIBE", channel)

    async def run(self) -> None:
        """Receive messages until cancelled."""
        loop = asyncio.get_running_loop()
        delay, lost_at = MIN_RECONNECT_SECONDS, loop.time() + self._tolerance
        while True:
            self._worked = False
            connection = self._pool.make_connection()
            try:
                await self._receive(connection)
            except (RedisError, OSError) as error:
                # One warning for each outage, not one for each attempt.
                is_first = self._worked or delay == MIN_RECONNECT_SECONDS
                level = logging.WARNING if is_first else logging.DEBUG
                logger.log(level, "Lost the Redis pub/sub connection; reconnecting: %s", error)
            finally:
                self._connection = None
                await connection.disconnect(nowait=True)
            for listener in self._listeners.values():
                listener.on_disconnected()
            if self._worked:
                delay, lost_at = MIN_RECONNECT_SECONDS, loop.time() + self._tolerance
            elif loop.time() >= lost_at:
                lost_at = loop.time() + self._tolerance
                self._on_lost()
            await asyncio.sleep(delay)
            delay = min(2 * delay, MAX_RECONNECT_SECONDS)

    async def _receive(self, connection: AbstractConnection) -> None:
        async with asyncio.timeout(self._timeout):
            await connection.connect()
        self._connection = connection
        if self._listeners:
            await connection.send_command("SUBSCRIBE", *self._listeners)
        pinged = False
        while True:
            reply = await connection.read_response(timeout=self._timeout)
            if reply is not None:
                self._worked, pinged = True, False
                self._dispatch(reply)
            elif pinged:
                raise RedisConnectionError("no response to a PING")
            else:
                pinged = True
                await connection.send_command("PING")

    def _dispatch(self, reply: Any) -> None:
        if not isinstance(reply, list):
            return
        kind, channel = reply[0], reply[1]
        listener = self._listeners.get(channel)
        if listener is None:
            return
        if kind == b"message":
            listener.on_message(reply[2])
        elif kind == b"subscribe":
            listener.on_subscribed()

    async def _send(self, command: str, channel: str) -> None:
        if self._connection is None:
            return
        try:
            await self._connection.send_command(command, channel)
        except (RedisError, OSError) as error:
            # `run` reads from the same connection: it gets the same error, and reconnects.
            logger.debug("Could not send %s of %s: %s", command, channel, error)
