"""Running the scripts that change a stream, with whatever can go wrong with Redis on the way."""

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
from .circuit_breaker import Outage
from .eviction import Room

logger = logging.getLogger(__name__)

# Room that was made may be taken by others before the next try.
TRIES = 6


class OutOfReach(Unavailable):
    """Redis does not answer. Whether it did what it was asked is not known."""

    def __init__(self, *, tried: bool = True) -> None:
        super().__init__("The streaming cache cannot be reached. Try again soon.")
        self.tried = tried


class Ahead(Exception):
    """Something else was put into the stream first."""


class NoRoom(Exception):
    """Redis is out of memory. Nothing has changed."""


class Staged(NamedTuple):
    """A payload on its way to a key of its own."""

    key: str
    payload: BytesLike


class Scripts:
    """Scripts of this package, run one at a time on connections of `client`."""

    def __init__(self, client: redis.Redis, settings: StreamingCacheSettings) -> None:
        self._client = client
        self._ttl = settings.data_ttl
        self._outage = Outage(settings.timeout)
        self._room = Room(client, settings)

    def load(self, name: str) -> Script:
        """The script in the file called `name`."""
        return self._client.register_script((files(__package__) / name).read_bytes())

    def run(
        self,
        script: Script,
        keys: Sequence[str],
        *args: str | bytes | int,
        staged: Staged | None = None,
        size: int = 0,
    ) -> list[Any]:
        """What `script` gives; when memory is short, `size` bytes are made free for it.

        Raises Unavailable (OutOfReach), NeverFits, NotFound if the node was deleted, Ahead.
        """
        if not self._outage.admits():
            raise OutOfReach(tried=False)
        command = ("EVALSHA", script.sha, len(keys), *keys, *args)
        for _ in range(TRIES):
            try:
                return self._ask(script, command, staged)
            except NoRoom as error:
                logger.debug("Room is made in the streaming cache: %s", error)
            if not self._make_room(size):
                break
        raise Unavailable("The memory of the streaming cache is full. Try again soon.")

    def run_many(
        self, script: Script, names: Sequence[Sequence[str]], *args: str | bytes | int
    ) -> list[list[Any]]:
        """What `script` gives for each of `names`, in one exchange if Redis has room.

        Raises Unavailable; then it has been run for none, some or all.
        """
        if len(names) > 1 and self._outage.admits():
            with suppress(NoRoom), self.answered():
                pipe = self._client.pipeline(transaction=False)
                for keys in names:
                    script(keys, args, client=pipe)
                return cast(list[list[Any]], pipe.execute())
        return [self.run(script, keys, *args) for keys in names]

    @contextmanager
    def answered(self) -> Iterator[None]:
        """Make errors of Redis those of this server, and tell other requests how it went."""
        try:
            yield
        except redis.RedisError as error:
            raise self._judged(error) from error
        self._outage.worked()

    def _judged(self, error: redis.RedisError) -> Exception:
        if isinstance(error, redis.ResponseError):
            self._outage.worked()
            return _told(error)
        self._outage.failed()
        logger.warning("The streaming cache cannot be reached: %s", error)
        return OutOfReach()

    def _ask(
        self, script: Script, command: Sequence[str | bytes | int], staged: Staged | None
    ) -> list[Any]:
        try:
            reply = self._send(command, staged)
        except redis.exceptions.NoScriptError:
            # A Redis that was restarted has forgotten it. What was staged is there.
            with self.answered():
                self._client.script_load(script.script)
                reply = self._send(command, None)
        except redis.RedisError as error:
            raise self._judged(error) from error
        self._outage.worked()
        return cast(list[Any], reply)

    def _make_room(self, size: int) -> bool:
        with self.answered():
            return self._room.make(size)

    def _send(self, command: Sequence[str | bytes | int], staged: Staged | None) -> Any:
        # On the connection itself: what the client does around it takes three times as long.
        pool = self._client.connection_pool
        connection = pool.get_connection()
        try:
            if staged is None:
                connection.send_command(*command)
                return connection.read_response()
            connection.send_packed_command(_packed_set(staged, self._ttl))
            connection.send_command(*command)
            replies = [_reply(connection), _reply(connection)]
            if isinstance(replies[0], Exception):
                # Redis lets go of a payload that it did not take only with the connection.
                connection.disconnect()
        finally:
            pool.release(connection)
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return replies[1]


def _told(error: redis.ResponseError) -> Exception:
    text = str(error)
    if text.startswith("GONE"):
        return NotFound("The node was deleted.")
    if text.startswith("AHEAD"):
        return Ahead(text)
    if text.startswith("SHED") or isinstance(error, redis.exceptions.OutOfMemoryError):
        return NoRoom(text)
    return Unavailable(f"The streaming cache refused the update: {error}")


def _packed_set(staged: Staged, ttl: int) -> Iterator[BytesLike]:
    """A SET command that sends the payload from where it lies, without copying it."""
    key, seconds, size = staged.key.encode(), str(ttl).encode(), len(staged.payload)
    yield b"*5\r\n$3\r\nSET\r\n$%d\r\n%b\r\n$%d\r\n" % (len(key), key, size)
    yield from iter_chunks(staged.payload)
    yield b"\r\n$2\r\nEX\r\n$%d\r\n%b\r\n" % (len(seconds), seconds)


def _reply(connection: redis.Connection) -> Any:
    try:
        return connection.read_response()
    except redis.ResponseError as error:
        return error
