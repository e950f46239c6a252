"""Messages about a stream besides its updates, for subscribers that requested them. No I/O.

They extend Tiled's protocol: docs/reference/streams.md describes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .message_codec import utc_timestamp


class Feature(StrEnum):
    """An extension of Tiled's protocol that a subscriber can announce it understands."""

    gap = "gap"
    reset = "reset"
    heartbeat = "heartbeat"
    child_deleted = "child-deleted"
    table_ref = "table-ref"


class Reason(StrEnum):
    """Reason why updates are missing."""

    expired = "expired"
    evicted = "evicted"
    slow = "slow"
    skipped = "skipped"


@dataclass(frozen=True, slots=True)
class Gap:
    """Updates `first` to `last`, both included, are not delivered."""

    epoch: str | None
    first: int
    last: int
    reason: Reason

    def message(self, uri: str) -> dict[str, Any]:
        """Return the message; all of the node's data can be read from `uri`."""
        return {
            "type": "gap",
            "epoch": self.epoch,
            "from": self.first,
            "to": self.last,
            "reason": self.reason.value,
            "uri": uri,
            "timestamp": utc_timestamp(),
        }


@dataclass(frozen=True, slots=True)
class Reset:
    """The numbering started again; the newest number is `sequence`."""

    epoch: str | None
    previous: str | None
    sequence: int

    def message(self, uri: str) -> dict[str, Any]:
        """Return the message."""
        return {
            "type": "reset",
            "epoch": self.epoch,
            "previous": self.previous,
            "sequence": self.sequence,
            "timestamp": utc_timestamp(),
        }


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The server still follows the stream, whose newest number is `sequence`."""

    epoch: str | None
    sequence: int

    def message(self, uri: str) -> dict[str, Any]:
        """Return the message."""
        return {
            "type": "heartbeat",
            "epoch": self.epoch,
            "sequence": self.sequence,
            "timestamp": utc_timestamp(),
        }


Notice = Gap | Reset | Heartbeat
