"""From what a subscriber takes to the messages of its connection."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from tiled_client.wire.messages import schema_message
from tiled_client.wire.structures import Structure

from ...protocol import message_codec
from ...protocol.cursor import Cursor
from ...reading.entries import EncodedMessage, Entry
from ...reading.feed import Item
from . import json_envelope
from .data_links import reference_uri, whole_uri
from .slicing import Cut, Origin


@dataclass(frozen=True, slots=True)
class Rendering:
    """How one subscription's messages are written: how much of them, and in which envelope.

    Assets have no `sizes` for clients that fail at them.
    """

    origin: Origin
    structure: Structure | None
    text: bool
    cut: Cut | None = None
    sizes: bool = True

    def schema(self, cursor: Cursor) -> EncodedMessage:
        """The first message."""
        return self.whole(
            {
                **schema_message(self.structure),
                "epoch": cursor.epoch,
                # So that who asked for what comes from now on can resume before anything has come.
                "sequence": cursor.joined_at.sequence,
                # Ends that were said by then do not count when it comes back.
                "end": cursor.joined_at.end,
            }
        )

    def whole(self, message: dict[str, Any]) -> EncodedMessage:
        """A message that is this subscription's alone."""
        return json_envelope.dumps(message) if self.text else message_codec.encode(message)

    def at_once(self, entries: Sequence[Entry]) -> list[EncodedMessage] | None:
        """The messages of `entries`; None if one of them takes a thread to be made first."""
        forms = []
        for entry in entries:
            name = self._name(entry.frame)
            if name is not None and not entry.has_encoding(name, self._make):
                return None
            form = entry.frame if name is None else entry.encodings[name]
            if form is not None:
                forms.append(form)
        return forms

    async def forms(self, items: Sequence[Item]) -> list[EncodedMessage]:
        """The messages of `items`, each made once for all subscriptions that write it alike."""
        forms = [await self._form(item) for item in items]
        return [form for form in forms if form is not None]

    async def _form(self, item: Item) -> EncodedMessage | None:
        if not isinstance(item, Entry):
            return self.whole(item.message(whole_uri(*self.origin, self.structure)))
        name = self._name(item.frame)
        return item.frame if name is None else await item.encoded_as(name, self._make)

    def _name(self, frame: bytes) -> Hashable | None:
        """What the form to be sent is called; None for the frame as it was written."""
        refers, bare = message_codec.is_reference(frame), self._is_bare(frame)
        if not (self.text or self.cut or refers or bare):
            return None
        # An address is written as its subscriber reaches the server.
        return (self.text, self.cut and self.cut.name, refers and self.origin.base_url, bare)

    def _is_bare(self, frame: bytes) -> bool:
        """Whether the sizes of assets are left out."""
        return not self.sizes and message_codec.has_assets(frame)

    def _make(self, frame: bytes) -> EncodedMessage | None:
        if self.cut is not None:
            message = self.cut(message_codec.decode(frame), self.origin)
            if message is None:
                return None
            frame = message_codec.encode(message)
        elif message_codec.is_reference(frame):
            uri = reference_uri(*self.origin, message_codec.decode(frame))
            frame = message_codec.add_key(frame, "uri", uri)
        if self._is_bare(frame):
            frame = message_codec.remove_asset_sizes(frame)
        return json_envelope.to_json(frame, self.structure) if self.text else frame
