"""Position of a subscriber in a stream, and the decision about the next entry. No I/O.

A stream is a sequence of entries ordered by position. Update number 5 has position `(5, 0)`; an end
of stream that the producer marks after it has `(5, 1)`. Numbers belong to one epoch: when the
numbering starts again, everything from before is gone.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


class Position(NamedTuple):
    """A place in a stream: an update's `sequence`; `end` is 0 for it, n for the n-th end after."""

    sequence: int
    end: int = 0

    @classmethod
    def parse(cls, text: str) -> Position:
        """Parse an entry's ID, as in `5-0`."""
        sequence, _, end = text.partition("-")
        return cls(int(sequence), int(end))

    def __str__(self) -> str:
        return f"{self.sequence}-{self.end}"


BEGINNING = Position(0, 0)


class StreamHead(NamedTuple):
    """The newest position of a stream. The epoch is None while Redis knows nothing of it."""

    epoch: str | None
    position: Position = BEGINNING


class Step(Enum):
    """The decision about an entry."""

    SEND = "send"
    SKIP = "skip"
    STOP = "stop"


class Span(NamedTuple):
    """Sequence numbers from `first` to `last`, both included."""

    first: int
    last: int


@dataclass(slots=True)
class Cursor:
    """Place of one subscriber in a stream.

    `position` is the last entry that was processed, `joined_at` the head of the stream when the
    subscriber joined: it tells ends that were marked before that from those marked after.
    """

    epoch: str | None
    position: Position
    joined_at: Position

    @classmethod
    def join(
        cls, head: StreamHead, start: int | None = None, epoch: str | None = None, end: int = 0
    ) -> Cursor:
        """Return the cursor of a new subscriber of a stream whose head is `head`.

        Without `start` it gets updates from now on; with it, every retained update from that
        number on, and the ends after the `end`-th that was marked before that number. If the
        numbering has restarted since, it gets all that is retained.
        """
        if start is None:
            return cls(head.epoch, head.position, head.position)
        if start == 0 or has_restarted(head, start, epoch):
            return cls(head.epoch, BEGINNING, head.position)
        # The position of the update before, so that an end marked after that one still counts.
        return cls(head.epoch, min(Position(start - 1, end), head.position), head.position)

    def rewind(self, head: StreamHead) -> None:
        """Go back to the beginning: numbers are assigned again, so everything retained is new."""
        # An end marked before the subscriber joined does not count, unless it is of another epoch
        # than the one it joined: then its numbers say nothing about the order of the two.
        self.joined_at = (
            min(self.joined_at, head.position) if self.epoch == head.epoch else BEGINNING
        )
        self.epoch, self.position = head.epoch, BEGINNING

    def advance(self, position: Position, head: Position) -> Step:
        """Move on to the entry at `position` of a stream whose head is known to be `head`.

        A producer's end stops every subscriber that was there when it was marked. It stops a later
        one only while nothing follows: otherwise the stream has been resumed.
        """
        if position <= self.position:
            return Step.SKIP
        self.position = position
        if not position.end:
            return Step.SEND
        return Step.STOP if position > self.joined_at or position == head else Step.SKIP

    def skip_to_head(self, position: Position, head: Position) -> Step:
        """Move to `position` of a stream at `head`: no earlier update is retained."""
        step = self.advance(position, head)
        return Step.SKIP if step is Step.SEND else step

    def skip_to(self, sequence: int) -> None:
        """Skip everything before update `sequence`, ends included."""
        # Sorts after every end of the update before it.
        self.position = max(self.position, Position(sequence - 1, sys.maxsize))

    def missing(self, last: int) -> Span | None:
        """Return the numbers up to `last` that were not processed, or None if there are none."""
        first = self.position.sequence + 1
        return Span(first, last) if first <= last else None


def has_restarted(head: StreamHead, start: int, epoch: str | None) -> bool:
    """Return whether `start` belongs to another numbering than the one whose head is `head`.

    It does if the subscriber received it in another epoch, or if it lies beyond the next number.
    """
    return (epoch is not None and epoch != head.epoch) or start > head.position.sequence + 1
