"""Write to the streams: one atomic step in Redis for each update.

Called in request threads. Every error of Redis is raised as Unavailable.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import redis

from core.mapped_files import BytesLike
from tiled_client.wire.messages import Message

from ..config import StreamingCacheSettings, streaming_cache_settings
from ..metrics import BYTES_APPENDED, MESSAGES_APPENDED
from ..protocol.cursor import Position, StreamHead
from ..redis.clients import writer_client
from ..redis.keys import StreamKeys, memory_key
from ..shards import by_shard, lock_name, node_filter, shard_of, shards
from .scripts import Scripts, StagedPayload
from .updates import MAX_PAYLOAD_BYTES, EncodedUpdate, UpdateBatch, UpdateTooLarge, encode

UNLINK_CHUNK = 1000
# Prefix of the token of a request that stores nothing and that its client may repeat.
UNSTORED_PREFIX = "once:"
# Position of updates that may follow any other.
ANYWHERE = "-"


class OutboxPosition(NamedTuple):
    """Position of an entry from the outbox: behind the persisted write with token `after`.

    `tried` is the token of an earlier attempt, which may still be on its way to Redis, or empty.
    """

    after: str
    tried: str = ""


class StreamLog:
    """Appends to the streams of one shard; `settings` are its own (see `shards`).

    Each persisted write has its own token. The stream records the last one, so that an entry whose
    reply was lost is not appended twice, and an entry from the outbox is appended only behind the
    one that precedes it.
    """

    def __init__(self, client: redis.Redis, settings: StreamingCacheSettings) -> None:
        self._client = client
        self._settings = settings
        self._scripts = Scripts(client, settings)
        self._append, self._append_many, self._close, self._drop = [
            self._scripts.load(name)
            for name in ("append.lua", "append_many.lua", "close.lua", "drop.lua")
        ]

    @property
    def node_filter(self) -> Callable[[UUID], bool] | None:
        """The predicate of the nodes of this shard; None if the site has no other shard."""
        return node_filter(self._settings)

    def lock_name(self, purpose: str) -> str:
        """Return the name of the site lock for `purpose` of this shard."""
        return lock_name(self._settings, purpose)

    def append(
        self, node: UUID, message: Message, payload: BytesLike | None = None, *, token: str = ""
    ) -> StreamHead:
        """Append `message` and notify the readers; return its epoch and position.

        Of recent messages with the same `token`, only the first is appended. Raises Unavailable if
        Redis does not accept it, NotFound if the node's stream was dropped.
        """
        stored_token = f"{UNSTORED_PREFIX}{token}" if token else ""
        return self.put(node, encode(message, payload), stored_token)

    def put(
        self,
        node: UUID,
        update: EncodedUpdate,
        token: str = "",
        position: OutboxPosition | None = None,
    ) -> StreamHead:
        """Append an encoded update, with the token of its write if that was persisted.

        Raises OrderConflict if another entry follows `position.after`, UpdateTooLarge, and as
        `append` does.
        """
        _check_size(update)
        return self._add(node, update, "head" if update.payload else "frame", token, position)

    def put_many(self, node: UUID, batch: UpdateBatch) -> StreamHead:
        """Append updates with as many numbers, all or none; return the position of the last.

        Raises as `put` does.
        """
        for update in batch.updates:
            _check_size(update)
        keys, settings = self._keys(node), self._settings
        staged = _staged(keys, batch.updates)
        size = sum(update.size for update in batch.updates)
        epoch, sequence, count = self._scripts.run(
            self._append_many,
            [*_names(keys), *(each.key for each in staged)],
            new_epoch() if batch.producer else batch.marks[-1],
            settings.data_ttl,
            settings.seq_ttl,
            settings.stream_bytes,
            batch.producer,
            ANYWHERE if batch.after is None else batch.after,
            *batch.arguments(),
            staged=staged,
            size=size,
        )
        MESSAGES_APPENDED.labels().add(count)
        BYTES_APPENDED.labels().add(size if count else 0)
        return StreamHead(epoch.decode(), Position(sequence))

    def producer_sequence(self, node: UUID, producer: str) -> int:
        """Return the last number of a producer's updates that were not stored, or 0.

        Raises Unavailable.
        """
        with self._scripts.translating_errors():
            found: Any = self._client.hget(self._keys(node).meta, f"by:{producer}")
        return int(found or 0)

    def append_lost(
        self, node: UUID, count: int, token: str, position: OutboxPosition
    ) -> StreamHead:
        """Assign numbers to `count` updates whose content is lost. Raises as `put` does."""
        return self._add(node, EncodedUpdate(b"", b""), "lost", token, position, count)

    def close(self, node: UUID, token: str = "", position: OutboxPosition | None = None) -> None:
        """Mark the end of a stream, for its producer. Raises as `put` does.

        Of recent ends with the same token, only the first is marked.
        """
        keys = self._keys(node)
        self._scripts.run(
            self._close,
            [keys.meta, keys.log, keys.wake],
            new_epoch(),
            self._settings.data_ttl,
            token,
            *((position.after,) if position else ()),
        )

    def drop(self, nodes: Sequence[UUID]) -> None:
        """Remove the streams of deleted nodes, and notify their readers. Raises Unavailable."""
        streams = [self._keys(node) for node in nodes]
        names = [(keys.meta, keys.log, keys.wake) for keys in streams]
        replies = self._scripts.run_many(self._drop, names, self._settings.data_ttl)
        for keys, found in zip(streams, replies, strict=True):
            if found:
                epoch, oldest, newest = found
                payload = f"{keys.payload}{epoch.decode()}:"
                self._unlink([f"{payload}{number}" for number in range(oldest, newest + 1)])

    def ping(self) -> None:
        """Raise CacheUnreachable if Redis does not answer."""
        with self._scripts.translating_errors():
            self._client.ping()

    def memory_id(self) -> str:
        """Return an ID of the content of Redis, which changes when Redis is emptied.

        It is empty if Redis is too full to store one. The process keeps it for `last_memory_id`.
        Raises Unavailable.
        """
        name = memory_key(self._settings.prefix)
        with self._scripts.translating_errors():
            found: Any = self._client.get(name)
            if found is None:
                with suppress(redis.OutOfMemoryError):
                    self._client.set(name, new_token(), nx=True)
                found = self._client.get(name)
        memory_id: str = (found or b"").decode()
        _memory_ids[self._settings.uri] = memory_id
        return memory_id

    def last_token(self, node: UUID) -> str:
        """Return the token of the last persisted write in the stream, or "". Raises Unavailable."""
        with self._scripts.translating_errors():
            token: Any = self._client.hget(self._keys(node).meta, "token")
        return token.decode() if token else ""

    def last_tokens(self, nodes: Sequence[UUID]) -> dict[UUID, str]:
        """Return what `last_token` returns, of many nodes. Raises Unavailable."""
        with self._scripts.translating_errors():
            pipe = self._client.pipeline(transaction=False)
            for node in nodes:
                pipe.hget(self._keys(node).meta, "token")
            found: list[bytes | None] = pipe.execute()
        tokens = [(token or b"").decode() for token in found]
        return dict(zip(nodes, tokens, strict=True))

    def replication_id(self) -> str:
        """Return the ID of the history of the primary, which changes with a failover.

        It is empty if the user of the connection may not query it. Raises Unavailable.
        """
        with self._scripts.translating_errors():
            try:
                found: Any = self._client.info("replication")
            except redis.exceptions.NoPermissionError:
                return ""
        return str(found.get("master_replid", ""))

    def has_published(self, node: UUID, token: str) -> bool:
        """Return whether an entry from the outbox is in the stream. Raises Unavailable."""
        with self._scripts.translating_errors():
            found: Any = self._client.hmget(self._keys(node).meta, "token", "settled")
        return any(token.encode() in text for text in found if text)

    def _add(
        self,
        node: UUID,
        update: EncodedUpdate,
        kind: str,
        token: str,
        position: OutboxPosition | None,
        count: int = 1,
    ) -> StreamHead:
        keys, settings = self._keys(node), self._settings
        staged = _staged(keys, [update])
        epoch, sequence = self._scripts.run(
            self._append,
            [
                keys.meta,
                keys.log,
                keys.payload,
                keys.wake,
                staged[0].key if staged else keys.payload,
            ],
            new_epoch() if token.startswith(UNSTORED_PREFIX) else token or new_epoch(),
            update.before,
            update.after,
            update.size,
            settings.data_ttl,
            settings.seq_ttl,
            settings.stream_bytes,
            kind,
            token,
            *((position.after, position.tried, count) if position else ()),
            staged=staged,
            size=update.size,
        )
        MESSAGES_APPENDED.labels().add(count)
        BYTES_APPENDED.labels().add(update.size)
        return StreamHead(epoch.decode(), Position(sequence))

    def _keys(self, node: UUID) -> StreamKeys:
        return StreamKeys.of(self._settings.prefix, node)

    def _unlink(self, names: list[str]) -> None:
        with self._scripts.translating_errors():
            for first in range(0, len(names), UNLINK_CHUNK):
                self._client.unlink(*names[first : first + UNLINK_CHUNK])


def _check_size(update: EncodedUpdate) -> None:
    if update.payload and len(update.payload) > MAX_PAYLOAD_BYTES:
        raise UpdateTooLarge(
            f"The update has {len(update.payload)} bytes; the streaming cache accepts "
            f"{MAX_PAYLOAD_BYTES} at most. Write it in smaller parts."
        )


def _names(keys: StreamKeys) -> tuple[str, ...]:
    return keys.meta, keys.log, keys.payload, keys.wake


def _staged(keys: StreamKeys, updates: Sequence[EncodedUpdate]) -> list[StagedPayload]:
    return [
        StagedPayload(f"{keys.payload}staged:{secrets.token_hex(8)}", update.payload)
        for update in updates
        if update.payload
    ]


def stream_log(node: UUID) -> StreamLog | None:
    """Return the streams of the shard of `node`, or None if no cache is configured."""
    settings = streaming_cache_settings()
    return None if settings.uri is None else shard_log(shard_of(settings, node))


def stream_logs() -> list[StreamLog]:
    """Return the streams of each shard; none if no cache is configured."""
    return [shard_log(shard) for shard in shards(streaming_cache_settings())]


def logs_of(nodes: Sequence[UUID]) -> list[tuple[StreamLog, list[UUID]]]:
    """Divide `nodes` by their shards; return none if no cache is configured."""
    divided = by_shard(streaming_cache_settings(), nodes)
    return [(shard_log(shard), some) for shard, some in divided]


def new_epoch() -> str:
    """Return a name for a new numbering."""
    return new_token()


def new_token() -> str:
    """Return a token for one write."""
    return secrets.token_hex(8)


def last_memory_id(node: UUID) -> str:
    """Return the last `StreamLog.memory_id` of the shard of `node`, or an empty string."""
    settings = streaming_cache_settings()
    return "" if settings.uri is None else _memory_ids.get(shard_of(settings, node).uri, "")


# By the URI of the shard.
_memory_ids: dict[str | None, str] = {}


@lru_cache(maxsize=64)
def shard_log(shard: StreamingCacheSettings) -> StreamLog:
    """Return the streams of a shard."""
    return StreamLog(writer_client(shard), shard)
