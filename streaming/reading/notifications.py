"""What Redis tells of an append, as the log's scripts publish it."""

from __future__ import annotations

from typing import NamedTuple

from ..protocol.cursor import Position
from .entries import Entry


class News(NamedTuple):
    """How far a stream has come. Of a short update, `entry` is what was appended.

    `evicted_to` is as in Batch, and only known with an entry.
    """

    epoch: str
    position: Position
    entry: Entry | None = None
    evicted_to: int = 0

    @classmethod
    def read(cls, message: bytes) -> News | None:
        """Read `EPOCH SEQUENCE-END`, perhaps with ` TIME EVICTED_TO FRAME`; None for `gone`."""
        epoch, *fields = message.split(b" ", 4)
        if not fields:
            return None
        position = Position.parse(fields[0].decode())
        if len(fields) == 1:
            return cls(epoch.decode(), position)
        made, evicted_to, frame = fields[1:]
        return cls(epoch.decode(), position, Entry(position, frame, int(made)), int(evicted_to))
