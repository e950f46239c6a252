"""Clients of the Redis that stores the streams.

Writers and readers have separate connection pools, so that neither can exhaust the other's.
"""

from __future__ import annotations

import socket
from functools import lru_cache
from typing import Any

import redis
import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from ..address import CacheAddress, parse_address
from ..config import StreamingCacheSettings
from .sentinel_pools import AsyncSentinelPool, SentinelPool

# Unix sockets have small buffers by default, with which a frame of 4 MB takes six times as long.
SEND_BUFFER_BYTES = 4 << 20
# Large enough that a frame of several megabytes arrives in few steps.
READ_BYTES = 1 << 20
# A Sentinel answers from memory; while one is away, each new connection waits until this timeout.
SENTINEL_TIMEOUT_SECONDS = 1.0
# The name of the library is not sent: a user with few rights may not set it (CLIENT SETINFO), and
# Redis would log each attempt.
CONNECTION = {"protocol": 2, "driver_info": None}

_ASYNC_CLASSES: dict[type, type] = {
    redis.SSLConnection: redis.asyncio.SSLConnection,
    redis.UnixDomainSocketConnection: redis.asyncio.UnixDomainSocketConnection,
}


@lru_cache(maxsize=64)
def writer_client(settings: StreamingCacheSettings) -> redis.Redis:
    """Return the client of all request threads of this process. It waits for a free connection.

    It never retries a command: an append whose reply was lost may have been executed.
    """
    assert settings.uri is not None
    address = parse_address(settings.uri)
    options = {
        "max_connections": settings.writer_connections,
        "timeout": settings.timeout,
        "socket_timeout": settings.timeout,
        "socket_connect_timeout": settings.timeout,
        "retry": Retry(NoBackoff(), 0),
        "redis_connect_func": _connected,
        **CONNECTION,
        **address.options,
    }
    if not address.service:
        return redis.Redis(connection_pool=redis.BlockingConnectionPool(**options))
    manager = sentinels(address, settings.timeout)
    return redis.Redis(connection_pool=SentinelPool(address.service, manager, **options))


def reader_client(settings: StreamingCacheSettings) -> redis.asyncio.Redis:
    """Return a client for the running event loop, which the caller closes.

    It has no timeout for its commands: the library would start a task for each, which can swallow a
    cancellation on Python 3.11. The callers set timeouts for whole exchanges instead.
    """
    assert settings.uri is not None
    address = parse_address(settings.uri)
    options: dict[str, Any] = {
        "max_connections": settings.reader_connections,
        "timeout": settings.timeout,
        "socket_timeout": None,
        "socket_connect_timeout": settings.timeout,
        "socket_read_size": READ_BYTES,
        "retry": AsyncRetry(NoBackoff(), 0),
        **CONNECTION,
        **_async_options(address),
    }
    if not address.service:
        pool = redis.asyncio.BlockingConnectionPool(**options)
    else:
        manager = redis.asyncio.sentinel.Sentinel(
            list(address.sentinels),
            sentinel_kwargs={
                **_sentinel_options(address, settings.timeout),
                "retry": AsyncRetry(NoBackoff(), 0),
            },
        )
        pool = AsyncSentinelPool(address.service, manager, **options)
    return redis.asyncio.Redis.from_pool(pool)


def channel_layer_host(settings: StreamingCacheSettings) -> dict[str, Any]:
    """Return the configuration of the Channels layer's host."""
    assert settings.uri is not None
    address = parse_address(settings.uri)
    timeouts = {
        "socket_timeout": settings.timeout,
        "socket_connect_timeout": settings.timeout,
    }
    options = {**timeouts, **CONNECTION, **_async_options(address)}
    if not address.service:
        return options
    del options["connection_class"]
    return {
        **options,
        "master_name": address.service,
        "sentinels": list(address.sentinels),
        "sentinel_kwargs": _sentinel_options(address, settings.timeout),
        "ssl": address.tls,
    }


def sentinels(address: CacheAddress, timeout: float) -> redis.sentinel.Sentinel:
    """Return a client of the Sentinels of an address."""
    retry = Retry(NoBackoff(), 0)
    options = {**_sentinel_options(address, timeout), "retry": retry}
    return redis.sentinel.Sentinel(list(address.sentinels), sentinel_kwargs=options)


def _sentinel_options(address: CacheAddress, timeout: float) -> dict[str, Any]:
    tls = {name: value for name, value in address.options.items() if name.startswith("ssl_")}
    seconds = min(timeout, SENTINEL_TIMEOUT_SECONDS)
    return {
        "socket_timeout": seconds,
        "socket_connect_timeout": seconds,
        **CONNECTION,
        "ssl": address.tls,
        **tls,
        **address.login,
    }


def _async_options(address: CacheAddress) -> dict[str, Any]:
    kind = address.options.get("connection_class")
    chosen = redis.asyncio.Connection if kind is None else _ASYNC_CLASSES[kind]
    return {**address.options, "connection_class": chosen}


def _connected(connection: redis.Connection) -> None:
    sock: Any = connection._sock
    if sock.family == socket.AF_UNIX:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    connection.on_connect()
