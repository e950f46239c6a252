"""Updates on their way into a stream: encoded, except for the number that they will get there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from core.errors import TooLarge
from core.mapped_files import BytesLike
from tiled_client.wire.messages import Message

from ..protocol import message_codec

# A larger payload gets a separate key. Redis then does not copy it, and it can be evicted alone.
MAX_INLINE_BYTES = 65536
# Redis accepts no longer string (proto-max-bulk-len).
MAX_PAYLOAD_BYTES = 512 * 1024 * 1024 - 1


class UpdateTooLarge(TooLarge):
    """An update that the cache cannot hold, even if it is empty."""


class EncodedUpdate(NamedTuple):
    """A message before its number and after its epoch, and a payload that gets a separate key."""

    before: bytes
    after: bytes
    payload: BytesLike | None = None

    @property
    def size(self) -> int:
        """The size in bytes."""
        return len(self.before) + len(self.after) + len(self.payload or b"")


@dataclass(frozen=True, slots=True)
class UpdateBatch:
    """Updates of one node that are appended together.

    `marks` are the tokens of their writes, behind the persisted write with token `after` (None for
    any); or if a `producer` is given, its sequences of updates that are not persisted. Those that
    the stream has already are skipped.
    """

    updates: Sequence[EncodedUpdate]
    marks: Sequence[str | int]
    producer: str = ""
    after: str | None = None

    def arguments(self) -> Iterator[str | bytes | int]:
        """Yield the arguments of the script for the updates."""
        for update, mark in zip(self.updates, self.marks, strict=True):
            yield update.before
            yield update.after
            yield update.size
            yield "head" if update.payload else "frame"
            yield mark


def encode(message: Message, payload: BytesLike | None = None) -> EncodedUpdate:
    """Encode `message` with the current time as its timestamp."""
    size = None if payload is None else len(payload)
    before, after = message_codec.encode_split(message, message_codec.utc_timestamp(), size)
    if not payload:
        return EncodedUpdate(before, after)
    if len(payload) <= MAX_INLINE_BYTES:
        return EncodedUpdate(before, after + payload)
    return EncodedUpdate(before, after, payload)
