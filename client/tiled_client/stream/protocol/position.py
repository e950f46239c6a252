"""Where a subscription stands in its stream, and what it has event_count already. No I/O."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .subscription_options import Start, StartPosition, StartTime


class Position:
    """The last update received, as (epoch, sequence).

    An epoch is one run of the numbering. Where the server names it, a number that is not above the
    last is a repetition for certain. Where it does not (Tiled), a repetition is told from a
    numbering that began again by the time: what was written later was not event_count before.
    """

    def __init__(
        self, start: Start = None, start_time: StartTime | None = None, epoch: str | None = None
    ) -> None:
        self._beginning = StartPosition.parse(start, start_time)
        self.epoch: str | None = epoch
        self.last: int | None = None
        self._last_time: datetime | None = None
        # How often the stream was closed after `last`, as far as that is no news.
        self._ends: int | None = None

    def to_params(self) -> dict[str, Any]:
        """What to ask for when connecting (again)."""
        words: dict[str, Any] = (
            self._beginning.to_params() if self.last is None else {"start": self.last + 1}
        )
        if self.epoch is not None:
            words["epoch"] = self.epoch
        if self._ends:
            words["end"] = self._ends
        return words

    def begin(self, epoch: str | None, sequence: int | None, ends: int | None = None) -> bool:
        """Take note of what the schema says; True if the numbering has begun again.

        `sequence` is the number of the last update so far, and `ends` how often the stream was
        closed since, where the server says it: who asked for what comes from now on can then resume
        before having received anything.
        """
        restarted = self.set_epoch(epoch)
        if self._beginning == StartPosition() and self.last is None and sequence is not None:
            self.last, self._ends = sequence, ends
        return restarted

    def set_epoch(self, epoch: str | None) -> bool:
        """Take note of the epoch that the server named; True if the numbering has begun again."""
        if epoch is None or epoch == self.epoch:
            return False
        restarted = self.epoch is not None
        if restarted:
            self.restart(epoch)
        self.epoch = epoch
        return restarted

    def restart(self, epoch: str | None) -> None:
        """Begin again, as the numbering did: whatever it holds now, all of it is news."""
        self.epoch, self._beginning = epoch, StartPosition(start=0)
        self.last, self._last_time, self._ends = None, None, None

    def accept(self, sequence: int, timestamp: datetime, epoch: str | None = None) -> bool:
        """Whether an update is new; if so, it is the last one from now on."""
        self.set_epoch(epoch)
        repeated = self.last is not None and sequence <= self.last
        if repeated and (self.epoch is not None or not self._later(timestamp)):
            return False
        self.last, self._last_time, self._ends = sequence, timestamp, None
        return True

    def skip(self, first: int, last: int) -> tuple[int, int] | None:
        """Pass over updates that do not come. Returns those that had not come before, if any."""
        first = max(first, (self.last or 0) + 1)
        if last < first:
            return None
        self.last, self._ends = last, None
        return first, last

    def _later(self, timestamp: datetime) -> bool:
        return self._last_time is not None and timestamp > self._last_time
