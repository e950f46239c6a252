"""Notifications of appends, as the scripts of the log publish them."""

from __future__ import annotations

from typing import NamedTuple

from ..protocol.cursor import Position
from .entries import StreamEntry


class AppendNotification(NamedTuple):
    """The new head of a stream. A short update is included as `entry`.

    `evicted_to` is as in `LogBatch`; it is known only with an entry.
    """

    epoch: str
    position: Position
    entry: StreamEntry | None = None
    evicted_to: int = 0

    @classmethod
    def parse(cls, message: bytes) -> AppendNotification | None:
        """Parse `EPOCH SEQUENCE-END`, perhaps with ` TIME EVICTED_TO FRAME`; None for `gone`."""
        epoch, *fields = message.split(b" ", 4)
        if not fields:
            return None
        position = Position.parse(fields[0].decode())
        if len(fields) == 1:
            return cls(epoch.decode(), position)
        made, evicted_to, frame = fields[1:]
        return cls(
            epoch.decode(), position, StreamEntry(position, frame, int(made)), int(evicted_to)
        )
