"""Writing to the streams: one atomic step in Redis for each update.

Called in request threads. Whatever goes wrong with Redis becomes Unavailable.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple, cast
from uuid import UUID

import redis
from redis.commands.core import Script

from access.errors import NotFound, Unavailable
from tiled_client.wire.messages import Message

from . import frames
from .config import StreamingCacheSettings, streaming_cache_settings
from .connections import writer_client
from .cursor import Position, Tip
from .keys import StreamKeys

logger = logging.getLogger(__name__)

# A larger payload gets a key of its own. Redis then sheds the oldest ones first when memory is
# short, and the script does not copy it.
INLINE_BYTES = 65536
UNLINK_CHUNK = 1000


class Staged(NamedTuple):
    """A payload on its way to a key of its own."""

    key: str
    payload: bytes


class StreamLog:
    """The streams of one site, to write to."""

    def __init__(self, client: redis.Redis, settings: StreamingCacheSettings) -> None:
        self._client = client
        self._settings = settings
        self._append, self._close, self._drop = [
            client.register_script((files(__package__) / name).read_bytes())
            for name in ("append.lua", "close.lua", "drop.lua")
        ]

    def append(self, node: UUID, message: Message, payload: bytes | None = None) -> Tip:
        """Number `message`, keep it and tell the readers. Gives its epoch and its place.

        Raises Unavailable if Redis cannot take it, NotFound if the node's stream was dropped.
        """
        keys, settings = self._keys(node), self._settings
        size = None if payload is None else len(payload)
        before, after = frames.update_parts(message, frames.utc_timestamp(), size)
        staged = None
        if payload is not None and len(payload) > INLINE_BYTES:
            staged = Staged(f"{keys.payload}staged:{secrets.token_hex(8)}", payload)
        elif payload:
            after += payload
        epoch, sequence = self._run(
            self._append,
            [keys.meta, keys.log, keys.payload, keys.wake, staged.key if staged else keys.payload],
            new_epoch(),
            before,
            after,
            len(before) + len(after) + (len(staged.payload) if staged else 0),
            settings.data_ttl,
            settings.seq_ttl,
            settings.stream_bytes,
            "staged" if staged else "",
            staged=staged,
        )
        return Tip(epoch.decode(), Position(sequence))

    def close(self, node: UUID) -> None:
        """Say that the producer expects to write no more. Raises as `append` does."""
        keys = self._keys(node)
        self._run(
            self._close, [keys.meta, keys.log, keys.wake], new_epoch(), self._settings.data_ttl
        )

    def drop(self, node: UUID) -> None:
        """Take the stream of a deleted node away, and tell its readers. Raises Unavailable."""
        keys = self._keys(node)
        found = self._run(self._drop, [keys.meta, keys.log, keys.wake], self._settings.data_ttl)
        if found:
            epoch, oldest, newest = found
            self._unlink([f"{keys.payload}{epoch.decode()}:{n}" for n in range(oldest, newest + 1)])

    def _keys(self, node: UUID) -> StreamKeys:
        return StreamKeys.of(self._settings.prefix, node)

    def _run(
        self,
        script: Script,
        keys: Sequence[str],
        *args: str | bytes | int,
        staged: Staged | None = None,
    ) -> list[Any]:
        command = ("EVALSHA", script.sha, len(keys), *keys, *args)
        with _redis_errors():
            try:
                return cast(list[Any], self._send(command, staged))
            except redis.exceptions.NoScriptError:
                # A Redis that was restarted has forgotten it. What was staged is there.
                self._client.script_load(script.script)
                return cast(list[Any], self._send(command, None))

    def _send(self, command: Sequence[str | bytes | int], staged: Staged | None) -> Any:
        # On the connection itself: what the client does around it takes three times as long.
        pool = self._client.connection_pool
        connection = pool.get_connection()
        try:
            if staged is None:
                connection.send_command(*command)
                return connection.read_response()
            connection.send_packed_command(_packed_set(staged, self._settings.data_ttl))
            connection.send_command(*command)
            replies = [_reply(connection), _reply(connection)]
        finally:
            pool.release(connection)
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return replies[1]

    def _unlink(self, names: list[str]) -> None:
        with _redis_errors():
            for first in range(0, len(names), UNLINK_CHUNK):
                self._client.unlink(*names[first : first + UNLINK_CHUNK])


def stream_log() -> StreamLog | None:
    """The streams of this site; None where no cache is configured."""
    settings = streaming_cache_settings()
    return None if settings.uri is None else _log(settings)


def new_epoch() -> str:
    """A name for a numbering that is about to begin."""
    return secrets.token_hex(8)


def _packed_set(staged: Staged, ttl: int) -> list[bytes]:
    """A SET command that sends the payload from where it lies, without copying it."""
    key, seconds, size = staged.key.encode(), str(ttl).encode(), len(staged.payload)
    return [
        b"*5\r\n$3\r\nSET\r\n$%d\r\n%b\r\n$%d\r\n" % (len(key), key, size),
        staged.payload,
        b"\r\n$2\r\nEX\r\n$%d\r\n%b\r\n" % (len(seconds), seconds),
    ]


def _reply(connection: redis.Connection) -> Any:
    try:
        return connection.read_response()
    except redis.ResponseError as error:
        return error


@contextmanager
def _redis_errors() -> Iterator[None]:
    try:
        yield
    except redis.ResponseError as error:
        if str(error).startswith("GONE"):
            raise NotFound("The node was deleted.") from error
        raise Unavailable(f"The streaming cache refused the update: {error}") from error
    except redis.RedisError as error:
        logger.warning("The streaming cache cannot be reached: %s", error)
        raise Unavailable("The streaming cache cannot be reached. Try again soon.") from error


@lru_cache(maxsize=4)
def _log(settings: StreamingCacheSettings) -> StreamLog:
    return StreamLog(writer_client(settings), settings)
