"""Fixtures for streams: a log to write to, a Valkey that may be stopped, a node."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from weakref import WeakKeyDictionary

import numpy as np
import pytest
import redis

from streaming.config import StreamingCacheSettings, streaming_cache_settings
from streaming.protocol.endings import StreamEnded
from streaming.reading.entries import StreamEntry
from streaming.reading.feed import Item
from streaming.reading.reader import StreamReader
from streaming.reading.subscriber import Subscriber
from streaming.redis.clients import writer_client
from streaming.redis.embedded_valkey import EmbeddedValkey
from streaming.writing.log import StreamLog
from tiled_client.wire.messages import ArrayData

OCTETS = "application/octet-stream"


@pytest.fixture
def cache(valkey: str) -> StreamingCacheSettings:
    """Return the settings of this test run's cache."""
    return streaming_cache_settings()


@pytest.fixture
def log(cache: StreamingCacheSettings) -> StreamLog:
    """Return the streams of this test run, to write to."""
    return StreamLog(writer_client(cache), cache)


@pytest.fixture
def client(cache: StreamingCacheSettings) -> redis.Redis:
    """Return a client that shows what is in Redis."""
    return writer_client(cache)


@pytest.fixture
def own_valkey() -> Iterator[tuple[EmbeddedValkey, StreamingCacheSettings]]:
    """Start a Valkey that this test may stop, empty or fill; return it and its settings."""
    server = EmbeddedValkey(memory=64_000_000)
    with server as uri:
        yield server, StreamingCacheSettings(uri=uri, timeout=1.0)


@pytest.fixture
def node() -> uuid.UUID:
    """Return a node without a stream."""
    return uuid.uuid4()


@pytest.fixture
async def reader(cache: StreamingCacheSettings) -> AsyncIterator[StreamReader]:
    """Return the reader of this test's event loop."""
    reader = StreamReader(cache)
    yield reader
    await reader.stop()


def numbers(*values: int) -> tuple[ArrayData, bytes]:
    """Return message and payload of a full write of a one-dimensional array of int64."""
    return ArrayData(OCTETS, (len(values),)), np.array(values, "<i8").tobytes()


_left: WeakKeyDictionary[Subscriber, list[Item]] = WeakKeyDictionary()


async def given(subscriber: Subscriber, count: int) -> list[Item]:
    """Receive the next `count` items, and save the rest for the next call."""
    items = _left.pop(subscriber, [])
    while len(items) < count:
        items += await subscriber.receive()
    _left[subscriber] = items[count:]
    return items[:count]


async def taken(subscriber: Subscriber, count: int) -> list[StreamEntry]:
    """Receive the next `count` items, which must be updates."""
    items = await given(subscriber, count)
    entries = [item for item in items if isinstance(item, StreamEntry)]
    assert entries == items
    return entries


async def received(subscriber: Subscriber, count: int) -> list[int]:
    """Return the numbers of the next `count` updates."""
    return [entry.position.sequence for entry in await taken(subscriber, count)]


async def received_until_end(subscriber: Subscriber) -> tuple[list[int], str]:
    """Return the numbers of all updates until the stream ends, and the reason for the end."""
    items = _left.pop(subscriber, [])
    try:
        while True:
            items += await subscriber.receive()
    except StreamEnded as end:
        return [item.position.sequence for item in items if isinstance(item, StreamEntry)], str(end)
