"""The one connection of a server process on which Redis tells it of news."""

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

FIRST_DELAY = 0.05
LONGEST_DELAY = 1.0


class Listener(Protocol):
    """Whoever hears of one channel."""

    def on_confirmed(self) -> None:
        """From now on every message is heard."""

    def on_wake(self, message: bytes) -> None:
        """A message came."""

    def on_silence(self) -> None:
        """From now on messages may be missed, until `on_confirmed`."""


class Link:
    """Listens to channels that come and go, on one connection that is made again when it is lost.

    A silent connection is asked for a sign of life every `timeout` seconds. `on_lost` is called
    each time that it could not be made again for another `tolerance` seconds.
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
        self._listeners: dict[bytes, Listener] = {}
        self._connection: AbstractConnection | None = None
        self._lasted = False

    async def watch(self, channel: str, listener: Listener) -> None:
        """Have `listener` hear of `channel`; it is told when that is sure."""
        self._listeners[channel.encode()] = listener
        await self._send("SUBSCRIBE", channel)

    async def unwatch(self, channel: str) -> None:
        """Hear of `channel` no more."""
        self._listeners.pop(channel.encode(), None)
        await self._send("UNSUBSCRIBE", channel)

    async def run(self) -> None:
        """Listen until cancelled."""
        loop = asyncio.get_running_loop()
        delay, patience = FIRST_DELAY, loop.time() + self._tolerance
        while True:
            self._lasted = False
            connection = self._pool.make_connection()
            try:
                await self._listen(connection)
            except (RedisError, OSError) as error:
                level = logging.WARNING if self._lasted or delay == FIRST_DELAY else logging.DEBUG
                logger.log(level, "No news from the streaming cache for now: %s", error)
            finally:
                self._connection = None
                await connection.disconnect(nowait=True)
            for listener in self._listeners.values():
                listener.on_silence()
            if self._lasted:
                delay, patience = FIRST_DELAY, loop.time() + self._tolerance
            elif loop.time() >= patience:
                patience = loop.time() + self._tolerance
                self._on_lost()
            await asyncio.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY)

    async def _listen(self, connection: AbstractConnection) -> None:
        async with asyncio.timeout(self._timeout):
            await connection.connect()
        self._connection = connection
        if self._listeners:
            await connection.send_command("SUBSCRIBE", *self._listeners)
        asked = False
        while True:
            reply = await connection.read_response(timeout=self._timeout)
            if reply is not None:
                self._lasted, asked = True, False
                self._dispatch(reply)
            elif asked:
                raise RedisConnectionError("no sign of life")
            else:
                asked = True
                await connection.send_command("PING")

    def _dispatch(self, reply: Any) -> None:
        if not isinstance(reply, list):
            return
        kind, channel = reply[0], reply[1]
        listener = self._listeners.get(channel)
        if listener is None:
            return
        if kind == b"message":
            listener.on_wake(reply[2])
        elif kind == b"subscribe":
            listener.on_confirmed()

    async def _send(self, command: str, channel: str) -> None:
        if self._connection is None:
            return
        try:
            await self._connection.send_command(command, channel)
        except (RedisError, OSError) as error:
            # Whoever reads from the connection meets the same error, and makes another.
            logger.debug("%s of %s was not sent: %s", command, channel, error)
