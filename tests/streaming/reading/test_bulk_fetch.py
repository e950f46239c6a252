"""Bulk reads of large values, in whatever pieces their bytes arrive."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator

import hypothesis.strategies as st
import pytest
import redis
import redis.asyncio
from hypothesis import given
from redis.asyncio.connection import AbstractConnection

from streaming.config import StreamingCacheSettings
from streaming.reading.bulk_fetch import BulkReplyProtocol, mget_into
from streaming.redis.clients import reader_client


@pytest.fixture
async def connection(cache: StreamingCacheSettings) -> AsyncIterator[AbstractConnection]:
    async with reader_client(cache) as client:
        connection = await client.connection_pool.get_connection()
        yield connection
        await client.connection_pool.release(connection)


async def ask(connection: AbstractConnection, *command: str) -> object:
    await connection.send_command(*command)
    return await connection.read_response()


async def test_values_of_every_size_follow_their_headers_and_the_connection_stays_usable(
    connection: AbstractConnection, client: redis.Redis, cache: StreamingCacheSettings
) -> None:
    sizes = [0, 1, None, 16000, 70_000, 5_000_000, None, 3, 20_000_000]
    keys = [f"{cache.prefix}:{secrets.token_hex(8)}" for _ in sizes]
    values = [None if size is None else secrets.token_bytes(size) for size in sizes]
    for key, value in zip(keys, values, strict=True):
        if value is not None:
            client.set(key, value, ex=60)
    headers = [b"h" * number for number in range(len(keys))]
    for _ in range(3):
        found = await mget_into(connection, keys, headers)
        assert found == [
            None if value is None else header + value
            for header, value in zip(headers, values, strict=True)
        ]
        assert await ask(connection, "PING") == b"PONG"


async def test_an_error_of_redis_is_raised(connection: AbstractConnection) -> None:
    with pytest.raises(redis.ResponseError, match="wrong number of arguments"):
        await mget_into(connection, [], [])
    assert await ask(connection, "PING") == b"PONG"


async def test_a_lost_connection_is_an_error(
    connection: AbstractConnection, client: redis.Redis
) -> None:
    client.client_kill_filter(_id=str(await ask(connection, "CLIENT", "ID")))
    with pytest.raises(redis.RedisError):
        await mget_into(connection, ["x"], [b""])


@given(values=st.lists(st.none() | st.binary(max_size=40), min_size=1, max_size=4), data=st.data())
def test_the_reply_may_arrive_in_any_pieces(
    values: list[bytes | None], data: st.DataObject
) -> None:
    async def received() -> list[bytes | None]:
        receiver = BulkReplyProtocol([b"header"] * len(values), asyncio.Protocol())
        answer = b"*%d\r\n" % len(values)
        for value in values:
            answer += b"$-1\r\n" if value is None else b"$%d\r\n%b\r\n" % (len(value), value)
        try:
            while answer:
                # A view of its own, since hypothesis may end the test while it draws.
                with receiver.get_buffer(-1)[:] as room:
                    here = data.draw(st.integers(1, min(len(room), len(answer))))
                    room[:here], answer = answer[:here], answer[here:]
                receiver.buffer_updated(here)
        finally:
            receiver.release_buffer()
        return [found and found.getvalue() for found in await receiver.values]

    assert asyncio.run(received()) == [
        None if value is None else b"header" + value for value in values
    ]
