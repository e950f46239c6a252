"""Updates on their way into a stream: encoded, but for the number that they will get there."""

from __future__ import annotations

from typing import NamedTuple

from core.errors import TooLarge
from core.mapped_files import BytesLike
from tiled_client.wire.messages import Message

from ..protocol import message_codec

# A larger payload gets a key of its own. Redis then does not copy it, and can shed it alone.
INLINE_BYTES = 65536
# Redis takes no text that is longer (proto-max-bulk-len).
LARGEST_PAYLOAD = 512 * 1024 * 1024 - 1


class NeverFits(TooLarge):
    """An update that the cache cannot hold, however empty it is."""


class Update(NamedTuple):
    """A message before its number and after its epoch, and a payload that gets a key of its own."""

    before: bytes
    after: bytes
    payload: BytesLike | None = None

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.before) + len(self.after) + len(self.payload or b"")


def encode(message: Message, payload: BytesLike | None = None) -> Update:
    """The update that says `message`, as of now. Raises NeverFits."""
    size = None if payload is None else len(payload)
    before, after = message_codec.encode_split(message, message_codec.utc_timestamp(), size)
    if not payload:
        return Update(before, after)
    if len(payload) <= INLINE_BYTES:
        return Update(before, after + payload)
    return Update(before, after, payload)
