"""Clients of the Redis that the streams are kept in.

Writers and readers have connections of their own, so that neither can take them from the other.
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

# Unix sockets have small buffers otherwise, and a frame of 4 MB takes six times as long.
SEND_BYTES = 4 << 20
# Large enough that a frame of several megabytes arrives in few steps.
READ_BYTES = 1 << 20


@lru_cache(maxsize=4)
def writer_client(settings: StreamingCacheSettings) -> redis.Redis:
    """The client that all request threads of this process write with. Waits for a free connection.

    It never repeats a command by itself: an append whose answer was lost may have been made.
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
    """A client for the running event loop; whoever asks for it closes it. Waits likewise.

    It has no timeout for its commands, because it would start a task for each, which can swallow a
    cancellation on Python 3.11. Its users limit whole exchanges.
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
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
    connection.on_connect()
