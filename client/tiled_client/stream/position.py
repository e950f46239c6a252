"""Where a subscription stands in its stream, and what it has heard already. No I/O."""

from __future__ import annotations

from datetime import datetime


class Position:
    """The last update received, as (epoch, sequence).

    An epoch is one run of the numbering. Where the server names it, a number that is not above the
    last is a repetition for certain. Where it does not (Tiled), a repetition is told from a
    numbering that began again by the time: what was written later was not heard before.
    """

    def __init__(self, start: int | None = None) -> None:
        if start is not None and start < 0:
            raise ValueError(
                f"start must be 0 (the oldest retained) or a sequence number, not {start}"
            )
        self.start = start
        self.epoch: str | None = None
        self.last: int | None = None
        self._last_time: datetime | None = None

    def query(self) -> dict[str, str]:
        """What to ask for when connecting (again)."""
        query: dict[str, str] = {}
        start = self.start if self.last is None else self.last + 1
        if start is not None:
            query["start"] = str(start)
        if self.epoch is not None:
            query["epoch"] = self.epoch
        return query

    def begin(self, epoch: str | None, sequence: int | None) -> bool:
        """Take note of what the schema says; True if the numbering has begun again.

        `sequence` is the number of the last update so far, where the server says it: who asked for
        what comes from now on can then resume before having received anything.
        """
        restarted = self.enter(epoch)
        if self.start is None and self.last is None and sequence is not None:
            self.start = sequence + 1
        return restarted

    def enter(self, epoch: str | None) -> bool:
        """Take note of the epoch that the server named; True if the numbering has begun again."""
        if epoch is None or epoch == self.epoch:
            return False
        restarted = self.epoch is not None
        self.epoch = epoch
        if restarted:
            self._begin_again()
        return restarted

    def admit(self, sequence: int, timestamp: datetime, epoch: str | None = None) -> bool:
        """Whether an update is new; if so, it is the last one from now on."""
        self.enter(epoch)
        repeated = self.last is not None and sequence <= self.last
        if repeated and (self.epoch is not None or not self._later(timestamp)):
            return False
        self.last, self._last_time = sequence, timestamp
        return True

    def _later(self, timestamp: datetime) -> bool:
        return self._last_time is not None and timestamp > self._last_time

    def _begin_again(self) -> None:
        # Whatever the new numbering holds, all of it is news.
        self.start, self.last, self._last_time = 0, None, None
