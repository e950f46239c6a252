"""Measure how long updates take from their append until they are sent to a subscriber.

The time of an append is by the clock of its Redis. The difference from the clock of this machine is
measured with each report of the numbers of subscribers.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from ..metrics import LAG
from ..protocol.cursor import Position
from .entries import StreamEntry


class RedisClock:
    """The clock of one Redis, as it differs from that of this machine."""

    def __init__(self) -> None:
        self._offset = 0.0

    def adjust(self, redis_time: tuple[int, int], before: float, after: float) -> None:
        """Note the reply to TIME, a command that was sent `before` and answered `after`."""
        seconds, micros = redis_time
        self._offset = seconds + micros / 1e6 - (before + after) / 2

    def observe(self, entries: Sequence[StreamEntry], subscribers: int = 1) -> None:
        """Record that `entries` were sent to so many subscribers now."""
        now = time.time() + self._offset
        for entry in entries:
            LAG.observe(max(now - entry.time / 1000, 0.0), subscribers)

    def observe_live(self, items: Sequence[object], joined_at: Position) -> None:
        """Record that `items` were sent to a subscriber now, without those before it joined."""
        live = [one for one in items if isinstance(one, StreamEntry) and one.position > joined_at]
        if live:
            self.observe(live)
