"""Connection pools that ask Sentinels for the primary, and wait for a free connection.

Those of redis-py do not wait: a request beyond the maximum number of connections fails. A
connection that breaks asks the Sentinels again when it is used next; one to a server that has
become a replica closes at the first write that this rejects.
"""

from __future__ import annotations

import weakref
from typing import Any

import redis
import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel
from redis.asyncio.connection import AbstractConnection


class SentinelPool(redis.BlockingConnectionPool):
    """Connections of threads to the primary of `service`."""

    def __init__(self, service: str, manager: redis.sentinel.Sentinel, **options: Any) -> None:
        tls = options.get("connection_class") is redis.SSLConnection
        options["connection_class"] = (
            redis.sentinel.SentinelManagedSSLConnection
            if tls
            else redis.sentinel.SentinelManagedConnection
        )
        self._proxy = redis.sentinel.SentinelConnectionPoolProxy(
            connection_pool=self,
            is_master=True,
            check_connection=False,
            service_name=service,
            sentinel_manager=manager,
        )
        super().__init__(**options)
        self.connection_kwargs["connection_pool"] = self._proxy

    def owns_connection(self, connection: Any) -> bool:
        """Return False for a connection to an earlier primary, which is then closed."""
        if self._proxy.master_address != (connection.host, connection.port):
            return False
        return bool(super().owns_connection(connection))


class AsyncSentinelPool(redis.asyncio.BlockingConnectionPool):
    """Connections of one event loop to the primary of `service`."""

    def __init__(
        self, service: str, manager: redis.asyncio.sentinel.Sentinel, **options: Any
    ) -> None:
        tls = options.get("connection_class") is redis.asyncio.SSLConnection
        options["connection_class"] = (
            redis.asyncio.sentinel.SentinelManagedSSLConnection
            if tls
            else redis.asyncio.sentinel.SentinelManagedConnection
        )
        super().__init__(**options)
        self.connection_kwargs["connection_pool"] = weakref.proxy(self)
        self.is_master = True
        self.check_connection = False
        self._service = service
        self._manager = manager
        self._primary: tuple[str, int] | None = None

    async def get_master_address(self) -> tuple[str, int]:
        """Return the address of the primary, and close idle connections to an earlier one."""
        found: tuple[str, int] = await self._manager.discover_master(self._service)
        if found != self._primary:
            self._primary = found
            await self.disconnect(inuse_connections=False)
        return found

    async def release(self, connection: AbstractConnection) -> None:
        """Take a connection back; close it if it leads to an earlier primary."""
        if (getattr(connection, "host", None), getattr(connection, "port", None)) != self._primary:
            await connection.disconnect(nowait=True)
        await super().release(connection)

    async def aclose(self) -> None:
        """Close all connections, those to the Sentinels too."""
        await super().aclose()
        for sentinel in self._manager.sentinels:
            await sentinel.aclose()
