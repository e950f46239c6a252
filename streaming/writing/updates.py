"""Updates on their way into a stream: encoded, except for the number that they will get there."""

from __future__ import annotations

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


def encode(message: Message, payload: BytesLike | None = None) -> EncodedUpdate:
    """Encode `message` with the current time as its timestamp."""
    size = None if payload is None else len(payload)
    before, after = message_codec.encode_split(message, message_codec.utc_timestamp(), size)
    if not payload:
        return EncodedUpdate(before, after)
    if len(payload) <= MAX_INLINE_BYTES:
        return EncodedUpdate(before, after + payload)
    return EncodedUpdate(before, after, payload)
