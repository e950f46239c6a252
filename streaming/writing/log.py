"""Writing to the streams: one atomic step in Redis for each update.

Called in request threads. Whatever goes wrong with Redis becomes Unavailable.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import redis

from core.mapped_files import BytesLike
from tiled_client.wire.messages import Message

from ..config import StreamingCacheSettings, streaming_cache_settings
from ..protocol.cursor import Position, StreamHead
from ..redis.clients import writer_client
from ..redis.keys import StreamKeys, memory_key
from .scripts import Scripts, Staged
from .updates import LARGEST_PAYLOAD, NeverFits, Update, encode

UNLINK_CHUNK = 1000
# Before the token of a request that may arrive again, and stores nothing.
ONCE = "once:"


class Waited(NamedTuple):
    """Where an entry that has waited belongs: behind the persisted write with token `after`.

    `tried` is the token under which it may still be on its way from before, or empty.
    """

    after: str
    tried: str = ""


class StreamLog:
    """The streams of one site, to write to.

    Each persisted write has a token of its own. The stream knows the last one, so that an entry
    whose answer was lost is not made twice, and one that has waited comes behind what it waited
    for.
    """

    def __init__(self, client: redis.Redis, settings: StreamingCacheSettings) -> None:
        self._client = client
        self._settings = settings
        self._scripts = Scripts(client, settings)
        self._append, self._close, self._drop = [
            self._scripts.load(name) for name in ("append.lua", "close.lua", "drop.lua")
        ]

    def append(
        self, node: UUID, message: Message, payload: BytesLike | None = None, *, once: str = ""
    ) -> StreamHead:
        """Number `message`, keep it and tell the readers. Gives its epoch and its place.

        Of the last tokens given as `once` it takes none twice. Raises Unavailable if Redis cannot
        take it, NotFound if the node's stream was dropped.
        """
        token = f"{ONCE}{once}" if once else ""
        return self.put(node, encode(message, payload), token)

    def put(
        self, node: UUID, update: Update, token: str = "", waited: Waited | None = None
    ) -> StreamHead:
        """The same for an encoded update, with the token of its write if that was persisted.

        Raises Ahead, too, if something else came behind what it waited for.
        """
        if len(update.payload or b"") > LARGEST_PAYLOAD:
            raise NeverFits(
                "The update is larger than the streaming cache takes. Write it in smaller parts."
            )
        return self._add(node, update, "head" if update.payload else "frame", token, waited)

    def lose(self, node: UUID, count: int, token: str, waited: Waited) -> StreamHead:
        """Number `count` updates of which nothing is left. Raises as `put` does."""
        return self._add(node, Update(b"", b""), "lost", token, waited, count)

    def close(self, node: UUID, token: str = "", waited: Waited | None = None) -> None:
        """Say that the producer expects to write no more. Raises as `put` does.

        Of the last tokens it takes none twice.
        """
        keys = self._keys(node)
        self._scripts.run(
            self._close,
            [keys.meta, keys.log, keys.wake],
            new_epoch(),
            self._settings.data_ttl,
            token,
            *((waited.after,) if waited else ()),
        )

    def drop(self, nodes: Sequence[UUID]) -> None:
        """Take the streams of deleted nodes away, and tell their readers. Raises Unavailable."""
        streams = [self._keys(node) for node in nodes]
        names = [(keys.meta, keys.log, keys.wake) for keys in streams]
        replies = self._scripts.run_many(self._drop, names, self._settings.data_ttl)
        for keys, found in zip(streams, replies, strict=True):
            if found:
                epoch, oldest, newest = found
                payload = f"{keys.payload}{epoch.decode()}:"
                self._unlink([f"{payload}{number}" for number in range(oldest, newest + 1)])

    def ping(self) -> None:
        """Raise OutOfReach if Redis does not answer."""
        with self._scripts.answered():
            self._client.ping()

    def memory(self) -> str:
        """Return a name of what Redis holds: another one after it was emptied. Raises Unavailable.

        It is empty where Redis is too full to be marked. The process remembers it, for
        `known_memory`.
        """
        global _memory
        name = memory_key(self._settings.prefix)
        with self._scripts.answered():
            found: Any = self._client.get(name)
            if found is None:
                with suppress(redis.OutOfMemoryError):
                    self._client.set(name, new_token(), nx=True)
                found = self._client.get(name)
        _memory = (found or b"").decode()
        return _memory

    def last_token(self, node: UUID) -> str:
        """That of the last persisted write in the stream, or empty. Raises Unavailable."""
        with self._scripts.answered():
            token: Any = self._client.hget(self._keys(node).meta, "token")
        return token.decode() if token else ""

    def has_taken(self, node: UUID, token: str) -> bool:
        """Return whether an entry that has waited is in the stream. Raises Unavailable."""
        with self._scripts.answered():
            found: Any = self._client.hmget(self._keys(node).meta, "token", "settled")
        return any(token.encode() in text for text in found if text)

    def _add(
        self,
        node: UUID,
        update: Update,
        kind: str,
        token: str,
        waited: Waited | None,
        count: int = 1,
    ) -> StreamHead:
        keys, settings = self._keys(node), self._settings
        staged = None
        if update.payload:
            staged = Staged(f"{keys.payload}staged:{secrets.token_hex(8)}", update.payload)
        epoch, sequence = self._scripts.run(
            self._append,
            [keys.meta, keys.log, keys.payload, keys.wake, staged.key if staged else keys.payload],
            new_epoch() if token.startswith(ONCE) else token or new_epoch(),
            update.before,
            update.after,
            update.size,
            settings.data_ttl,
            settings.seq_ttl,
            settings.stream_bytes,
            kind,
            token,
            *((waited.after, waited.tried, count) if waited else ()),
            staged=staged,
            size=update.size,
        )
        return StreamHead(epoch.decode(), Position(sequence))

    def _keys(self, node: UUID) -> StreamKeys:
        return StreamKeys.of(self._settings.prefix, node)

    def _unlink(self, names: list[str]) -> None:
        with self._scripts.answered():
            for first in range(0, len(names), UNLINK_CHUNK):
                self._client.unlink(*names[first : first + UNLINK_CHUNK])


def stream_log() -> StreamLog | None:
    """The streams of this site; None where no cache is configured."""
    settings = streaming_cache_settings()
    return None if settings.uri is None else _log(settings)


def new_epoch() -> str:
    """A name for a numbering that is about to begin."""
    return new_token()


def new_token() -> str:
    """A name for one write."""
    return secrets.token_hex(8)


def known_memory() -> str:
    """Return what `StreamLog.memory` found last in this process, or an empty text."""
    return _memory


_memory = ""


@lru_cache(maxsize=4)
def _log(settings: StreamingCacheSettings) -> StreamLog:
    return StreamLog(writer_client(settings), settings)
