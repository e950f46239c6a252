"""Position of a subscription in its stream. No I/O."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .subscription_options import Start, StartPosition, StartTime


class Position:
    """The last update received, as (epoch, sequence).

    An epoch is one run of the numbering. If the server names it, a number that is not above the
    last is certainly a repetition. If it does not (Tiled), the timestamp distinguishes a repetition
    from a numbering that restarted: an update with a later time cannot have been received before.
    """

    def __init__(
        self, start: Start = None, start_time: StartTime | None = None, epoch: str | None = None
    ) -> None:
        self._start = StartPosition.parse(start, start_time)
        self.epoch: str | None = epoch
        self.last: int | None = None
        self._last_time: datetime | None = None
        # How often the stream was closed after `last`, as far as the subscriber need not know.
        self._known_ends: int | None = None

    @property
    def needs_extensions(self) -> bool:
        """True if it cannot start there on a server that knows numbers only, as Tiled's."""
        return self.last is None and (self._start.start_time is not None or self.epoch is not None)

    def to_params(self) -> dict[str, Any]:
        """Return the parameters of a request to start, or to resume."""
        params: dict[str, Any] = (
            self._start.to_params() if self.last is None else {"start": self.last + 1}
        )
        if self.epoch is not None:
            params["epoch"] = self.epoch
        if self._known_ends:
            params["end"] = self._known_ends
        return params

    def on_schema(self, epoch: str | None, sequence: int | None, ends: int | None = None) -> bool:
        """Record a schema; return whether the numbering restarted.

        `sequence` is the number of the last update so far, and `ends` how often the stream was
        closed since, if the server tells: a subscription to new updates can then resume before it
        received any.
        """
        restarted = self.set_epoch(epoch)
        if self._start == StartPosition() and self.last is None and sequence is not None:
            self.last, self._known_ends = sequence, ends
        return restarted

    def set_epoch(self, epoch: str | None) -> bool:
        """Record the epoch that the server named; return whether the numbering restarted."""
        if epoch is None or epoch == self.epoch:
            return False
        restarted = self.epoch is not None
        if restarted:
            self.restart(epoch)
        self.epoch = epoch
        return restarted

    def restart(self, epoch: str | None) -> None:
        """Go to the beginning of an epoch: all that it holds is new."""
        self.epoch, self._start = epoch, StartPosition(start=0)
        self.last, self._last_time, self._known_ends = None, None, None

    def accept(self, sequence: int, timestamp: datetime, epoch: str | None = None) -> bool:
        """Return whether an update is new; if so, it becomes the last one."""
        self.set_epoch(epoch)
        repeated = self.last is not None and sequence <= self.last
        if repeated and (self.epoch is not None or not self._is_later(timestamp)):
            return False
        self.last, self._last_time, self._known_ends = sequence, timestamp, None
        return True

    def skip(self, first: int, last: int) -> tuple[int, int] | None:
        """Skip missing updates. Returns the range of those not received before, if any."""
        first = max(first, (self.last or 0) + 1)
        if last < first:
            return None
        self.last, self._known_ends = last, None
        return first, last

    def _is_later(self, timestamp: datetime) -> bool:
        return self._last_time is not None and timestamp > self._last_time
