"""Render stream entries and notices as the messages of one subscription."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tiled_client.wire.encodings import PayloadEncoding
from tiled_client.wire.messages import schema_message
from tiled_client.wire.structures import ArrayStructure, Structure

from ...protocol import message_codec
from ...protocol.cursor import Cursor
from ...reading.entries import EncodedMessage, StreamEntry
from ...reading.feed import Item
from . import json_envelope
from .data_links import reference_uri, whole_uri
from .slicing import NodeLocation, UpdateFilter

NO_KEYS: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Renderer:
    """Write the messages of one subscription: sliced as requested, in its envelope.

    `sizes` is False for clients that fail on assets with a `size`. `accepted` are the encodings in
    which payloads are sent as they are.
    """

    location: NodeLocation
    structure: Structure | None
    text: bool
    update_filter: UpdateFilter | None = None
    sizes: bool = True
    accepted: frozenset[PayloadEncoding] = frozenset()
    form: Hashable = field(init=False)
    """The same for all renderers of one node that write its updates in the same way."""

    def __post_init__(self) -> None:
        """Combine what the messages depend on."""
        filtered = self.update_filter and self.update_filter.name
        place = self.location.base_url, tuple(self.location.path)
        form = (self.text, filtered, self.sizes, self.accepted, place)
        object.__setattr__(self, "form", form)

    def schema(self, cursor: Cursor, keys: Mapping[str, Any] = NO_KEYS) -> EncodedMessage:
        """Return the schema message, the first of every subscription, with further `keys`."""
        return self.render_one(
            {
                **schema_message(self.structure),
                **(self.update_filter.schema_keys if self.update_filter else {}),
                "epoch": cursor.epoch,
                # A subscriber to live updates can resume from here before any update has come.
                "sequence": cursor.joined_at.sequence,
                # Ends up to this one were in the past, and do not end a subscription that resumes.
                "end": cursor.joined_at.end,
                **keys,
            }
        )

    def render_one(self, message: dict[str, Any]) -> EncodedMessage:
        """Encode a message that no other subscription shares."""
        return json_envelope.dumps(message) if self.text else message_codec.encode(message)

    def render_sync(self, entries: Sequence[StreamEntry]) -> list[EncodedMessage] | None:
        """Return the messages of `entries`; None if one of them needs a thread to be made."""
        messages = []
        for received in entries:
            entry = received.decoded if self._must_decode(received.frame) else received
            if entry is None:
                return None
            name = self._encoding_name(entry.frame)
            if name is not None and not entry.has_encoding(name, self._encode):
                return None
            message = entry.frame if name is None else entry.encodings[name]
            if message is not None:
                messages.append(message)
        return messages

    async def render(self, items: Sequence[Item]) -> list[EncodedMessage]:
        """Return the messages of `items`, each made once for all subscriptions of the same form."""
        messages = [await self._render_item(item) for item in items]
        return [message for message in messages if message is not None]

    async def _render_item(self, item: Item) -> EncodedMessage | None:
        if not isinstance(item, StreamEntry):
            return self.render_one(item.message(whole_uri(*self.location, self.structure)))
        if self._must_decode(item.frame):
            assert isinstance(self.structure, ArrayStructure)
            item = await item.decode_payload(self.structure.dtype.itemsize)
        name = self._encoding_name(item.frame)
        return item.frame if name is None else await item.encoded_as(name, self._encode)

    def _must_decode(self, frame: bytes) -> bool:
        """Return whether the payload is encoded in a way that is not sent to this subscriber."""
        encoding = message_codec.encoding_of(frame)
        if encoding is None:
            return False
        return self.text or self.update_filter is not None or encoding not in self.accepted

    def _encoding_name(self, frame: bytes) -> Hashable | None:
        """Return the key under which an entry caches this form; None for the stored frame."""
        refers, bare = message_codec.is_reference(frame), self._is_bare(frame)
        if not (self.text or self.update_filter or refers or bare):
            return None
        filtered = self.update_filter and self.update_filter.name
        links = refers or (self.update_filter is not None and self.update_filter.links)
        # References hold absolute URLs, which differ by the address of the server that is used.
        return (self.text, filtered, links and self.location.base_url, bare)

    def _is_bare(self, frame: bytes) -> bool:
        """Return whether the sizes of assets are left out."""
        return not self.sizes and message_codec.has_assets(frame)

    def _encode(self, frame: bytes) -> EncodedMessage | None:
        if self.update_filter is not None:
            message = self.update_filter(message_codec.decode(frame), self.location)
            if message is None:
                return None
            frame = message_codec.encode(message)
        elif message_codec.is_reference(frame):
            uri = reference_uri(*self.location, message_codec.decode(frame))
            frame = message_codec.add_key(frame, "uri", uri)
        if self._is_bare(frame):
            frame = message_codec.remove_asset_sizes(frame)
        return json_envelope.to_json(frame, self.structure) if self.text else frame
