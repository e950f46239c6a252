"""Reading a stream: what comes after a position, in batches bounded in number and size."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection

from .cursor import BEGINNING, Position, Tip
from .entries import Batch, Entry
from .keys import StreamKeys

META = ("epoch", "seq", "end", "gone")
BATCH_BYTES = 1 << 20
BATCH_COUNT = 256
FIRST_COUNT = 16


class LogReader:
    """Reads one stream. How many entries it asks for follows from how large they were."""

    def __init__(self, pool: ConnectionPool, keys: StreamKeys, timeout: float) -> None:
        self._pool = pool
        self._keys = keys
        self._timeout = timeout
        self._count = FIRST_COUNT

    async def tip(self) -> Batch:
        """How far the stream has come. Raises RedisError, TimeoutError."""
        async with self._connection() as connection:
            await connection.send_command("HMGET", self._keys.meta, *META)
            meta = await connection.read_response()
        return Batch(_tip(meta), [], complete=False, gone=meta[3] is not None)

    async def after(self, position: Position) -> Batch:
        """The next entries after `position`, of one moment with the tip. Raises as `tip` does."""
        count = self._count
        commands = [
            ("MULTI",),
            ("HMGET", self._keys.meta, *META),
            ("XRANGE", self._keys.log, f"({position}", "+", "COUNT", count),
            ("EXEC",),
        ]
        async with self._connection() as connection:
            # On the connection itself: what the client does around it takes longer than Redis.
            await connection.send_packed_command(connection.pack_commands(commands))
            replies = [await connection.read_response() for _ in commands]
            meta, rows = replies[-1]
            tip, gone = _tip(meta), meta[3] is not None
            if gone or tip.epoch is None:
                return Batch(tip, [], complete=True, gone=gone)
            kept = _within(rows, BATCH_BYTES)
            payloads = await self._payloads(connection, tip.epoch, kept)
        entries = [_entry(row, payloads.get(row[0])) for row in kept]
        self._adapt(entries)
        return Batch(tip, entries, complete=len(kept) == len(rows) < count)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AbstractConnection]:
        async with asyncio.timeout(self._timeout):
            connection = await self._pool.get_connection()
            try:
                yield connection
            except BaseException:
                # Replies that nobody reads any more may be on their way.
                await connection.disconnect(nowait=True)
                raise
            finally:
                await self._pool.release(connection)

    async def _payloads(
        self, connection: AbstractConnection, epoch: str, rows: list[Any]
    ) -> dict[bytes, bytes | None]:
        large = [name for name, fields in rows if fields[-2] == b"head"]
        if not large:
            return {}
        places = [Position.parse(name.decode()) for name in large]
        keys = [f"{self._keys.payload}{epoch}:{place.sequence}" for place in places]
        await connection.send_command("MGET", *keys)
        return dict(zip(large, await connection.read_response(), strict=True))

    def _adapt(self, entries: list[Entry]) -> None:
        if entries:
            mean = sum(len(entry.frame) for entry in entries) // len(entries) + 1
            self._count = max(1, min(BATCH_BYTES // mean, 2 * self._count, BATCH_COUNT))


def _tip(meta: list[bytes | None]) -> Tip:
    epoch, sequence, end, _ = meta
    if epoch is None:
        return Tip(None, BEGINNING)
    return Tip(epoch.decode(), Position(int(sequence or 0), int(end or 0)))


def _within(rows: list[Any], limit: int) -> list[Any]:
    """As many of `rows` as fit into `limit` bytes, and one at least."""
    size = 0
    for count, (_, fields) in enumerate(rows):
        size += int(fields[3])
        if size > limit and count:
            return rows[:count]
    return rows


def _entry(row: Any, payload: bytes | None) -> Entry:
    # The fields of an update are time, size, and frame or head; an end has only the first two.
    name, fields = row
    position = Position.parse(name.decode())
    if position.end:
        return Entry(position)
    if fields[-2] == b"frame":
        return Entry(position, fields[-1])
    if payload is None:
        return Entry(position, lost=True)
    return Entry(position, fields[-1] + payload)
