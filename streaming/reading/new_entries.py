"""New entries of a stream on their way to all subscribers that have seen everything before them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from ..metrics import BYTES_DELIVERED, MESSAGES_DELIVERED
from ..protocol.cursor import BEGINNING
from .entries import EncodedMessage, StreamEntry

# Joining fewer bytes than this, once for all subscribers, costs less than to write each part.
MAX_JOINED_BYTES = 65536


@dataclass(slots=True, eq=False)
class ReadyFrames:
    """The WebSocket frames of new entries in one form, as `parts` to write, and for how often."""

    parts: list[bytes]
    messages: int
    size: int
    sent: int = 0

    @classmethod
    def of(cls, parts: list[bytes], messages: Sequence[EncodedMessage]) -> ReadyFrames:
        """Return the frames of `messages`, joined if they are short."""
        if len(parts) > 1 and sum(map(len, parts)) <= MAX_JOINED_BYTES:
            parts = [b"".join(parts)]
        return cls(parts, len(messages), sum(map(len, messages)))


class NewEntries:
    """Entries that were added to the window together, and what is made of them once for many.

    `ready` has the frames of each form in which they are sent; None if they cannot be made here.
    """

    __slots__ = ("_beginnings", "entries", "first", "last", "plain", "ready")

    def __init__(self, entries: Sequence[StreamEntry]) -> None:
        self.entries = entries
        self.first = entries[0].position.sequence if entries else 0
        self.last = entries[-1].position if entries else BEGINNING
        self.plain = bool(entries) and self.last.sequence - self.first == len(entries) - 1
        """Whether they are updates without a gap between them, none lost, and no end."""
        self.plain &= all(entry.lost is None and not entry.position.end for entry in entries)
        self.ready: dict[Hashable, ReadyFrames | None] = {}
        self._beginnings: dict[tuple[bytes, ...], bool] = {}

    def has_type(self, prefixes: tuple[bytes, ...]) -> bool:
        """Return whether a message begins with one of `prefixes`, after its first byte."""
        if not prefixes:
            return False
        found = self._beginnings.get(prefixes)
        if found is None:
            found = any(entry.frame.startswith(prefixes, 1) for entry in self.entries)
            self._beginnings[prefixes] = found
        return found

    def count_sent(self) -> None:
        """Count the messages that were sent, for metrics."""
        # Without a lock: all connections of a process are served by one event loop.
        for frames in self.ready.values():
            if frames is not None and frames.sent:
                MESSAGES_DELIVERED.labels().add_alone(frames.sent * frames.messages)
                BYTES_DELIVERED.labels().add_alone(frames.sent * frames.size)
                frames.sent = 0
