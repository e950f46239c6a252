"""Clients of the Redis that stores the streams.

Writers and readers have separate connection pools, so that neither can exhaust the other's.
"""

from __future__ import annotations

import socket
from functools import lru_cache
from typing import Any

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from ..config import StreamingCacheSettings

# Unix sockets have small buffers by default, with which a frame of 4 MB takes six times as long.
SEND_BUFFER_BYTES = 4 << 20
# Large enough that a frame of several megabytes arrives in few steps.
READ_BYTES = 1 << 20


@lru_cache(maxsize=4)
def writer_client(settings: StreamingCacheSettings) -> redis.Redis:
    """Return the client of all request threads of this process. It waits for a free connection.

    It never retries a command: an append whose reply was lost may have been executed.
    """
    assert settings.uri is not None
    pool = redis.BlockingConnectionPool.from_url(
        settings.uri,
        max_connections=settings.writer_connections,
        timeout=settings.timeout,
        socket_timeout=settings.timeout,
        socket_connect_timeout=settings.timeout,
        retry=Retry(NoBackoff(), 0),
        redis_connect_func=_connected,
        protocol=2,
    )
    return redis.Redis(connection_pool=pool)


def reader_client(settings: StreamingCacheSettings) -> redis.asyncio.Redis:
    """Return a client for the running event loop, which the caller closes.

    It has no timeout for its commands: the library would start a task for each, which can swallow a
    cancellation on Python 3.11. The callers set timeouts for whole exchanges instead.
    """
    assert settings.uri is not None
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        settings.uri,
        max_connections=settings.reader_connections,
        timeout=settings.timeout,
        socket_timeout=None,
        socket_connect_timeout=settings.timeout,
        socket_read_size=READ_BYTES,
        retry=AsyncRetry(NoBackoff(), 0),
        protocol=2,
    )
    return redis.asyncio.Redis.from_pool(pool)


def _connected(connection: redis.Connection) -> None:
    sock: Any = connection._sock
    if sock.family == socket.AF_UNIX:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    connection.on_connect()
