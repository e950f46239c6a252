"""Measure how long updates take from their append until they are sent to a subscriber.

The time of an append is by the clock of Redis. Its difference from the clock of this machine is
measured with each report of the numbers of subscribers.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from ..metrics import LAG
from ..protocol.cursor import Position
from .entries import StreamEntry

_offset = 0.0


def adjust(redis_time: tuple[int, int], before: float, after: float) -> None:
    """Note the reply of Redis to TIME, a command that was sent `before` and answered `after`."""
    global _offset
    seconds, micros = redis_time
    _offset = seconds + micros / 1e6 - (before + after) / 2


def observe(entries: Sequence[StreamEntry], subscribers: int = 1) -> None:
    """Record that `entries` were sent to so many subscribers now."""
    now = time.time() + _offset
    for entry in entries:
        LAG.observe(max(now - entry.time / 1000, 0.0), subscribers)


def observe_live(items: Sequence[object], joined_at: Position) -> None:
    """Record that `items` were sent to a subscriber now, without what is from before it joined."""
    live = [one for one in items if isinstance(one, StreamEntry) and one.position > joined_at]
    if live:
        observe(live)
