"""Run the Lua scripts that change a stream, and translate the errors of Redis."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.resources import files
from typing import Any, NamedTuple, cast

import redis
from redis.commands.core import Script

from core.errors import NotFound, Unavailable
from core.mapped_files import BytesLike, iter_chunks

from ..config import StreamingCacheSettings
from .circuit_breaker import CircuitBreaker
from .eviction import Evictor

logger = logging.getLogger(__name__)

# Other requests may use up the memory that was freed before the next attempt.
MAX_ATTEMPTS = 6


class CacheUnreachable(Unavailable):
    """Redis does not answer. If the command was `tried`, Redis may have executed it."""

    def __init__(self, *, tried: bool = True) -> None:
        super().__init__("The streaming cache cannot be reached. Try again soon.")
        self.tried = tried


class OrderConflict(Exception):
    """Another entry was appended first: the stream is not where the caller expected it."""


class RedisFull(Exception):
    """Redis is out of memory. Nothing was changed."""


class StagedPayload(NamedTuple):
    """A payload that is sent to a separate key before the script runs."""

    key: str
    payload: BytesLike


class Scripts:
    """Runs the scripts of this package on connections of `client`."""

    def __init__(self, client: redis.Redis, settings: StreamingCacheSettings) -> None:
        self._client = client
        self._ttl = settings.data_ttl
        self._breaker = CircuitBreaker(settings.timeout)
        self._evictor = Evictor(client, settings)

    def load(self, name: str) -> Script:
        """Return the script in the file `name`."""
        return self._client.register_script((files(__package__) / name).read_bytes())

    def run(
        self,
        script: Script,
        keys: Sequence[str],
        *args: str | bytes | int,
        staged: Sequence[StagedPayload] = (),
        size: int = 0,
    ) -> list[Any]:
        """Run `script` and return its reply; if Redis is full, free `size` bytes for it.

        Raises Unavailable (CacheUnreachable), UpdateTooLarge, OrderConflict, NotFound if the node
        was deleted.
        """
        if not self._breaker.allows():
            raise CacheUnreachable(tried=False)
        command = ("EVALSHA", script.sha, len(keys), *keys, *args)
        for _ in range(MAX_ATTEMPTS):
            try:
                return self._execute(script, command, staged)
            except RedisFull as error:
                logger.debug("The streaming cache is full; evicting old updates: %s", error)
            if not self._free(size):
                break
        raise Unavailable("The memory of the streaming cache is full. Try again soon.")

    def run_many(
        self, script: Script, names: Sequence[Sequence[str]], *args: str | bytes | int
    ) -> list[list[Any]]:
        """Run `script` for each of `names` and return its replies, in one round trip if possible.

        Raises Unavailable; then it may have run for none, some or all of them.
        """
        if len(names) > 1 and self._breaker.allows():
            with suppress(RedisFull), self.translating_errors():
                pipe = self._client.pipeline(transaction=False)
                for keys in names:
                    script(keys, args, client=pipe)
                return cast(list[list[Any]], pipe.execute())
        return [self.run(script, keys, *args) for keys in names]

    @contextmanager
    def translating_errors(self) -> Iterator[None]:
        """Translate errors of Redis, and record for other requests whether it answered."""
        try:
            yield
        except redis.RedisError as error:
            raise self._record_failure(error) from error
        self._breaker.record_success()

    def _record_failure(self, error: redis.RedisError) -> Exception:
        if isinstance(error, redis.ReadOnlyError):
            # An address that leads to the primary has moved on to another server.
            self._breaker.record_failure()
            self._client.connection_pool.disconnect(inuse_connections=False)
            logger.warning("The streaming cache has become a replica; reconnecting: %s", error)
            return CacheUnreachable(tried=False)
        if isinstance(error, redis.ResponseError):
            self._breaker.record_success()
            return _translate(error)
        self._breaker.record_failure()
        # The other connections lead to the same server. Each would else wait for a timeout.
        self._client.connection_pool.disconnect(inuse_connections=False)
        logger.warning("Cannot reach the streaming cache: %s", error)
        return CacheUnreachable()

    def _execute(
        self,
        script: Script,
        command: Sequence[str | bytes | int],
        staged: Sequence[StagedPayload],
    ) -> list[Any]:
        try:
            reply = self._send(command, staged)
        except redis.exceptions.NoScriptError:
            # Redis was restarted, or its scripts were flushed. Staged payloads have arrived.
            with self.translating_errors():
                self._client.script_load(script.script)
                reply = self._send(command, ())
        except redis.RedisError as error:
            raise self._record_failure(error) from error
        self._breaker.record_success()
        return cast(list[Any], reply)

    def _free(self, size: int) -> bool:
        with self.translating_errors():
            return self._evictor.free(size)

    def _send(self, command: Sequence[str | bytes | int], staged: Sequence[StagedPayload]) -> Any:
        # On the connection itself: the overhead of the client takes three times as long as this.
        pool = self._client.connection_pool
        connection = pool.get_connection()
        try:
            if not staged:
                connection.send_command(*command)
                return connection.read_response()
            for payload in staged:
                connection.send_packed_command(_packed_set(payload, self._ttl))
            connection.send_command(*command)
            replies = [_reply(connection) for _ in range(len(staged) + 1)]
            if any(isinstance(reply, Exception) for reply in replies[:-1]):
                # A payload was rejected. Redis frees the buffer that it was received into only
                # when the connection is closed.
                connection.disconnect()
        finally:
            pool.release(connection)
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return replies[-1]


def _translate(error: redis.ResponseError) -> Exception:
    text = str(error)
    if text.startswith("GONE"):
        return NotFound("The node was deleted.")
    if text.startswith("AHEAD"):
        return OrderConflict(text)
    if text.startswith("SHED") or isinstance(error, redis.exceptions.OutOfMemoryError):
        return RedisFull(text)
    return Unavailable(f"The streaming cache refused the update: {error}")


def _packed_set(staged: StagedPayload, ttl: int) -> Iterator[BytesLike]:
    """Yield the parts of a SET command that sends the payload without copying it."""
    key, seconds, size = staged.key.encode(), str(ttl).encode(), len(staged.payload)
    yield b"*5\r\n$3\r\nSET\r\n$%d\r\n%b\r\n$%d\r\n" % (len(key), key, size)
    yield from iter_chunks(staged.payload)
    yield b"\r\n$2\r\nEX\r\n$%d\r\n%b\r\n" % (len(seconds), seconds)


def _reply(connection: redis.Connection) -> Any:
    try:
        return connection.read_response()
    except redis.ResponseError as error:
        return error
