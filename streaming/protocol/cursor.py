"""Where a subscriber stands in a stream, and what it does with what comes next. No I/O.

A stream is a row of entries in the order of their positions. Update number 5 stands at `(5, 0)`;
an end of stream, said by the producer after it, at `(5, 1)`. Numbers are those of one epoch: when
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
        """Read an entry's id, as in `5-0`."""
        sequence, _, end = text.partition("-")
        return cls(int(sequence), int(end))

    def __str__(self) -> str:
        return f"{self.sequence}-{self.end}"


BEGINNING = Position(0, 0)


class StreamHead(NamedTuple):
    """How far a stream has come. Its epoch is None while nothing is known to Redis."""

    epoch: str | None
    position: Position = BEGINNING


class Step(Enum):
    """What to do with an entry."""

    SEND = "send"
    SKIP = "skip"
    STOP = "stop"


class Span(NamedTuple):
    """Numbers from `first` to `last`, both included."""

    first: int
    last: int


@dataclass(slots=True)
class Cursor:
    """Everything up to `position` was dealt with; ends up to `joined` were said before it came."""

    epoch: str | None
    position: Position
    joined_at: Position

    @classmethod
    def join(
        cls, tip: StreamHead, start: int | None = None, epoch: str | None = None, end: int = 0
    ) -> Cursor:
        """A new subscriber of a stream that has come as far as `tip`.

        Without `start` it gets what comes from now on; with it, every retained update from that
        number on, and the ends after the `end`-th that was said before that number. If the
        numbering has restarted since, it gets all that is retained.
        """
        if start is None:
            return cls(tip.epoch, tip.position, tip.position)
        if start == 0 or has_restarted(tip, start, epoch):
            return cls(tip.epoch, BEGINNING, tip.position)
        # The place of the update before, so that an end said after that one still counts.
        return cls(tip.epoch, min(Position(start - 1, end), tip.position), tip.position)

    def rewind(self, tip: StreamHead) -> None:
        """Numbers are given anew: everything that there is now is to be seen."""
        # An end that was said before it came does not count, unless it came to another numbering.
        self.joined_at = min(self.joined_at, tip.position) if self.epoch == tip.epoch else BEGINNING
        self.epoch, self.position = tip.epoch, BEGINNING

    def advance(self, position: Position, tip: Position) -> Step:
        """Move on to the entry at `position`, of a stream known to have come as far as `tip`.

        A producer's end stops everyone who was there when it was said. Whoever came later is
        stopped by it only while nothing follows: otherwise the stream has been resumed.
        """
        if position <= self.position:
            return Step.SKIP
        self.position = position
        if not position.end:
            return Step.SEND
        return Step.STOP if position > self.joined_at or position == tip else Step.SKIP

    def skip_to_head(self, position: Position, tip: Position) -> Step:
        """Move on to `position`, of a stream at `tip`: nothing is retained of what came before."""
        step = self.advance(position, tip)
        return Step.SKIP if step is Step.SEND else step

    def skip_to(self, sequence: int) -> None:
        """Pass over everything before update `sequence`, ends included."""
        self.position = max(self.position, Position(sequence - 1, sys.maxsize))

    def missing(self, last: int) -> Span | None:
        """The numbers up to `last` that were not dealt with."""
        first = self.position.sequence + 1
        return Span(first, last) if first <= last else None


def has_restarted(tip: StreamHead, start: int, epoch: str | None) -> bool:
    """Whether `start` is a number of another numbering than the one that has come to `tip`.

    It is if the subscriber heard it in another epoch, or if it lies beyond the next number.
    """
    return (epoch is not None and epoch != tip.epoch) or start > tip.position.sequence + 1
