"""Reading a stream: what comes after a position, in batches bounded in number and size."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.resources import files
from typing import Any, NamedTuple

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection

from ..protocol.cursor import BEGINNING, Position, StreamHead
from ..protocol.notices import Reason
from ..redis.keys import StreamKeys
from .bulk_fetch import fetch
from .entries import Batch, Entry

META = ("epoch", "seq", "end", "gone", "time", "evicted_to")
BATCH_BYTES = 2 << 20
BATCH_COUNT = 512
FIRST_COUNT = 32
SINCE = (files(__package__) / "since.lua").read_bytes()

Command = tuple[str | bytes | int, ...]


class Moment(NamedTuple):
    """Where a moment lies in a stream: the oldest number kept, and the first one since; or 0."""

    oldest: int
    found: int


class LogReader:
    """Reads one stream. How many entries it asks for follows from how large they were."""

    def __init__(
        self, pool: ConnectionPool, keys: StreamKeys, timeout: float, data_ttl: float
    ) -> None:
        self._pool = pool
        self._keys = keys
        self._timeout = timeout
        self._data_ttl = data_ttl
        self._count = FIRST_COUNT

    async def tip(self) -> Batch:
        """How far the stream has come. Raises RedisError, TimeoutError."""
        async with self._connection() as connection:
            await connection.send_command(*self._meta())
            meta = await connection.read_response()
        return batch_of(meta, [], complete=False)

    async def after(self, position: Position, *, inclusive: bool = False) -> Batch:
        """The next entries after `position` (or from it on), of one moment with the tip.

        Raises as `tip` does.
        """
        count = self._count + inclusive
        start = str(position) if inclusive else f"({position}"
        batch = await self._read(("XRANGE", self._keys.log, start, "+", "COUNT", count), count)
        self._adapt(batch.entries)
        return self._judged(batch, position)

    async def newest(self) -> Batch:
        """The newest update, and the end after it if there is one. Raises as `tip` does."""
        batch = await self._read(("XREVRANGE", self._keys.log, "+", "-", "COUNT", 2), 3)
        while len(batch.entries) > 1 and not batch.entries[-1].position.end:
            del batch.entries[0]
        return self._judged(batch, BEGINNING)

    async def since(self, moment: int) -> Moment:
        """Where `moment` (in milliseconds) lies. Raises as `tip` does."""
        async with self._connection() as connection:
            await connection.send_command("EVAL", SINCE, 1, self._keys.log, moment)
            return Moment(*await connection.read_response())

    async def _read(self, command: Command, enough: int) -> Batch:
        """What `command` finds, of one moment with the tip; all of it if fewer than `enough`."""
        commands: Sequence[Command] = [("MULTI",), self._meta(), command, ("EXEC",)]
        async with self._connection() as connection:
            # On the connection itself: what the client does around it takes longer than Redis.
            await connection.send_packed_command(connection.pack_commands(commands))
            replies = [await connection.read_response() for _ in commands]
            meta, rows = replies[-1]
            if command[0] == "XREVRANGE":
                rows.reverse()
            epoch, gone = meta[0], meta[3]
            if gone is not None or epoch is None:
                return batch_of(meta, [], complete=True)
            kept = _within(rows, BATCH_BYTES)
            large = await self._large(connection, epoch.decode(), kept)
        entries = [self._entry(row, large.get(row[0])) for row in kept]
        return batch_of(meta, entries, complete=len(kept) == len(rows) < enough)

    def _meta(self) -> Command:
        return ("HMGET", self._keys.meta, *META)

    def _judged(self, batch: Batch, position: Position) -> Batch:
        """The same, where all after `position` is gone before its time because the log is."""
        sequence = batch.tip.position.sequence
        empty = batch.complete and not batch.entries and sequence > position.sequence
        if empty and batch.time is not None and not self._is_old(batch.time):
            return replace(batch, evicted_to=sequence)
        return batch

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

    async def _large(
        self, connection: AbstractConnection, epoch: str, rows: list[Any]
    ) -> dict[bytes, bytes | None]:
        """The frames of those updates whose payloads have keys of their own, by their ids."""
        heads = {name: fields[-1] for name, fields in rows if fields[-2] == b"head"}
        if not heads:
            return {}
        places = [Position.parse(name.decode()) for name in heads]
        keys = [f"{self._keys.payload}{epoch}:{place.sequence}" for place in places]
        frames = await fetch(connection, keys, list(heads.values()))
        return dict(zip(heads, frames, strict=True))

    def _entry(self, row: Any, large: bytes | None) -> Entry:
        # Of an update: time, size, and frame, head or lost; an end has only the first two.
        name, fields = row
        position, made = Position.parse(name.decode()), int(fields[1])
        if position.end:
            return Entry(position, time=made)
        if fields[-2] == b"frame":
            return Entry(position, fields[-1], made)
        if fields[-2] == b"lost":
            return Entry(position, time=made, lost=Reason.evicted, count=int(fields[-1]))
        if large is None:
            lost = Reason.expired if self._is_old(made) else Reason.evicted
            return Entry(position, time=made, lost=lost)
        return Entry(position, large, made)

    def _is_old(self, made: int) -> bool:
        return made <= (time.time() - self._data_ttl) * 1000

    def _adapt(self, entries: list[Entry]) -> None:
        if entries:
            mean = sum(len(entry.frame) for entry in entries) // len(entries) + 1
            self._count = max(1, min(BATCH_BYTES // mean, 2 * self._count, BATCH_COUNT))


def batch_of(meta: list[bytes | None], entries: list[Entry], *, complete: bool) -> Batch:
    """What was found, from the fields `META` of the stream's meta."""
    epoch, sequence, end, gone, moment, evicted_to = meta
    tip = StreamHead(None, BEGINNING)
    if epoch is not None:
        tip = StreamHead(epoch.decode(), Position(int(sequence or 0), int(end or 0)))
    made = None if moment is None else int(moment)
    return Batch(tip, entries, complete, gone is not None, made, int(evicted_to or 0))


def _within(rows: list[Any], limit: int) -> list[Any]:
    """As many of `rows` as fit into `limit` bytes, and one at least."""
    size = 0
    for count, (_, fields) in enumerate(rows):
        size += int(fields[3])
        if size > limit and count:
            return rows[:count]
    return rows
