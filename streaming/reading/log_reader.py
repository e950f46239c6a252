"""Read the log of a stream: entries after a position, in batches limited in number and bytes."""

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
from .bulk_fetch import mget_into
from .entries import LogBatch, StreamEntry

META = ("epoch", "seq", "end", "gone", "time", "evicted_to")
MAX_BATCH_BYTES = 2 << 20
MAX_BATCH_ENTRIES = 512
FIRST_BATCH_ENTRIES = 32
SINCE_SCRIPT = (files(__package__) / "since.lua").read_bytes()

Command = tuple[str | bytes | int, ...]


class StartPoint(NamedTuple):
    """Sequence numbers of the oldest retained update and of the first one since a time; or 0."""

    oldest: int
    found: int


class LogReader:
    """Reads one stream. The size of past entries determines how many it requests at a time."""

    def __init__(
        self, pool: ConnectionPool, keys: StreamKeys, timeout: float, data_ttl: float
    ) -> None:
        self._pool = pool
        self._keys = keys
        self._timeout = timeout
        self._data_ttl = data_ttl
        self._count = FIRST_BATCH_ENTRIES

    async def head(self) -> LogBatch:
        """Return the head of the stream, without entries. Raises RedisError, TimeoutError."""
        async with self._connection() as connection:
            await connection.send_command(*self._meta())
            meta = await connection.read_response()
        return batch_of(meta, [], complete=False)

    async def after(self, position: Position, *, inclusive: bool = False) -> LogBatch:
        """Return the next entries after `position` (or from it on), and the head at that moment.

        Raises RedisError, TimeoutError.
        """
        count = self._count + inclusive
        start = str(position) if inclusive else f"({position}"
        batch = await self._read(("XRANGE", self._keys.log, start, "+", "COUNT", count), count)
        self._adapt(batch.entries)
        return self._mark_evicted(batch, position)

    async def newest(self) -> LogBatch:
        """Return the newest update, and the end after it if there is one.

        Raises RedisError, TimeoutError.
        """
        batch = await self._read(("XREVRANGE", self._keys.log, "+", "-", "COUNT", 2), 3)
        return self._mark_evicted(batch, BEGINNING)

    async def since(self, milliseconds: int) -> StartPoint:
        """Find the first update made since a time (since 1970). Raises RedisError, TimeoutError."""
        async with self._connection() as connection:
            await connection.send_command("EVAL", SINCE_SCRIPT, 1, self._keys.log, milliseconds)
            return StartPoint(*await connection.read_response())

    async def _read(self, command: Command, enough: int) -> LogBatch:
        """Return the entries that `command` finds, and the head; complete if below `enough`."""
        # One transaction: the head has to be that of the same moment as the entries.
        commands: Sequence[Command] = [("MULTI",), self._meta(), command, ("EXEC",)]
        async with self._connection() as connection:
            # On the connection itself: the overhead of the client takes longer than Redis does.
            await connection.send_packed_command(connection.pack_commands(commands))
            replies = [await connection.read_response() for _ in commands]
            meta, rows = replies[-1]
            if command[0] == "XREVRANGE":
                rows = _newest(rows)
            epoch, gone = meta[0], meta[3]
            if gone is not None or epoch is None:
                return batch_of(meta, [], complete=True)
            kept = _within(rows, MAX_BATCH_BYTES)
            large = await self._read_large(connection, epoch.decode(), kept)
        entries = [self._entry(row, large.get(row[0])) for row in kept]
        return batch_of(meta, entries, complete=len(kept) == len(rows) < enough)

    def _meta(self) -> Command:
        return ("HMGET", self._keys.meta, *META)

    def _mark_evicted(self, batch: LogBatch, position: Position) -> LogBatch:
        """Mark everything after `position` as evicted if the log is gone before its time."""
        sequence = batch.head.position.sequence
        empty = batch.complete and not batch.entries and sequence > position.sequence
        if empty and batch.time is not None and not self._has_expired(batch.time):
            return replace(batch, evicted_to=sequence)
        return batch

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AbstractConnection]:
        async with asyncio.timeout(self._timeout):
            connection = await self._pool.get_connection()
            try:
                yield connection
            except BaseException:
                # Replies that were not read may still arrive. The next user must not get them.
                await connection.disconnect(nowait=True)
                raise
            finally:
                await self._pool.release(connection)

    async def _read_large(
        self, connection: AbstractConnection, epoch: str, rows: list[Any]
    ) -> dict[bytes, bytes | None]:
        """Return the frames of the updates whose payloads have separate keys, by entry ID."""
        headers = {name: fields[-1] for name, fields in rows if fields[-2] == b"head"}
        if not headers:
            return {}
        positions = [Position.parse(name.decode()) for name in headers]
        keys = [f"{self._keys.payload}{epoch}:{position.sequence}" for position in positions]
        frames = await mget_into(connection, keys, list(headers.values()))
        return dict(zip(headers, frames, strict=True))

    def _entry(self, row: Any, large: bytes | None) -> StreamEntry:
        # Fields of an update: time, size, and one of frame, head, lost. An end has the first two.
        name, fields = row
        position, made = Position.parse(name.decode()), int(fields[1])
        if position.end:
            return StreamEntry(position, time=made)
        if fields[-2] == b"frame":
            return StreamEntry(position, fields[-1], made)
        if fields[-2] == b"lost":
            return StreamEntry(position, time=made, lost=Reason.evicted, count=int(fields[-1]))
        if large is None:
            lost = Reason.expired if self._has_expired(made) else Reason.evicted
            return StreamEntry(position, time=made, lost=lost)
        return StreamEntry(position, large, made)

    def _has_expired(self, made: int) -> bool:
        return made <= (time.time() - self._data_ttl) * 1000

    def _adapt(self, entries: list[StreamEntry]) -> None:
        # At most twice as many as before: a few short entries say little about the next ones.
        if entries:
            mean = sum(len(entry.frame) for entry in entries) // len(entries) + 1
            self._count = max(1, min(MAX_BATCH_BYTES // mean, 2 * self._count, MAX_BATCH_ENTRIES))


def batch_of(meta: list[bytes | None], entries: list[StreamEntry], *, complete: bool) -> LogBatch:
    """Return a batch from the fields `META` of the stream's metadata."""
    epoch, sequence, end, gone, made_at, evicted_to = meta
    head = StreamHead(None, BEGINNING)
    if epoch is not None:
        head = StreamHead(epoch.decode(), Position(int(sequence or 0), int(end or 0)))
    made = None if made_at is None else int(made_at)
    return LogBatch(head, entries, complete, gone is not None, made, int(evicted_to or 0))


def _newest(rows: list[Any]) -> list[Any]:
    """Return the first row, and the one before it in the log if the first is an end.

    Chosen before payloads are read, and before `_within` would drop the newer of two large ones.
    """
    ended = bool(rows) and Position.parse(rows[0][0].decode()).end > 0
    return rows[::-1] if ended else rows[:1]


def _within(rows: list[Any], limit: int) -> list[Any]:
    """Return as many of `rows` as fit into `limit` bytes, and at least one."""
    size = 0
    for count, (_, fields) in enumerate(rows):
        size += int(fields[3])
        if size > limit and count:
            return rows[:count]
    return rows
