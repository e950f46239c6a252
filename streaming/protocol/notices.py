"""What is told about a stream besides its updates, to those who asked for it. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .message_codec import utc_timestamp


class Feature(StrEnum):
    """What a subscriber can say that it understands, beyond Tiled's protocol."""

    gap = "gap"
    reset = "reset"
    heartbeat = "heartbeat"
    child_deleted = "child-deleted"
    table_ref = "table-ref"


class Reason(StrEnum):
    """Why updates do not come."""

    expired = "expired"
    evicted = "evicted"
    slow = "slow"
    skipped = "skipped"


@dataclass(frozen=True, slots=True)
class Gap:
    """Updates `first` to `last`, both included, do not come."""

    epoch: str | None
    first: int
    last: int
    reason: Reason

    def message(self, uri: str) -> dict[str, Any]:
        """As it is sent; `uri` is where all of the node can be read."""
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
    """The numbering has begun anew, and has come to `sequence`."""

    epoch: str | None
    previous: str | None
    sequence: int

    def message(self, uri: str) -> dict[str, Any]:
        """As it is sent."""
        return {
            "type": "reset",
            "epoch": self.epoch,
            "previous": self.previous,
            "sequence": self.sequence,
            "timestamp": utc_timestamp(),
        }


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The stream is followed, and has come to `sequence`."""

    epoch: str | None
    sequence: int

    def message(self, uri: str) -> dict[str, Any]:
        """As it is sent."""
        return {
            "type": "heartbeat",
            "epoch": self.epoch,
            "sequence": self.sequence,
            "timestamp": utc_timestamp(),
        }


Notice = Gap | Reset | Heartbeat
