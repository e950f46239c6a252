"""A subscriber: a cursor over one stream. Replay and live are the same loop."""

from __future__ import annotations

from collections import deque

from redis.exceptions import RedisError

from .cursor import BEGINNING, Cursor, Step
from .entries import Entry
from .hub import Ending, Hub


class StreamEnded(Exception):
    """Nothing more comes on this subscription."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.value)
        self.ending = ending


class Subscriber:
    """Gives one update after the other, at the pace of whoever asks.

    As long as it keeps up it is served from the hub's window. Behind the window it reads the log
    itself, a batch at a time, until it is back.
    """

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.cursor = Cursor.join(hub.tip)
        self._turns = 0
        self._ahead: deque[Entry] = deque()
        self._ahead_tip = BEGINNING

    def begin(self, start: int | None, epoch: str | None) -> None:
        """Take the place that `start` and `epoch` ask for, in the stream as it is now."""
        self.cursor = Cursor.join(self.hub.tip, start, epoch)
        self._turns = self.hub.window.turns

    async def next(self) -> Entry:
        """The next update, as soon as there is one. Raises StreamEnded."""
        while True:
            if self.hub.ending is not None:
                raise StreamEnded(self.hub.ending)
            if self._turns != self.hub.window.turns:
                self._turn_back()
            entry = await self._find()
            if entry is not None and self._accept(entry):
                return entry

    def _turn_back(self) -> None:
        self._turns = self.hub.window.turns
        self._ahead.clear()
        self._ahead_tip = BEGINNING
        self.cursor.turn_back(self.hub.tip)

    async def _find(self) -> Entry | None:
        if self._ahead:
            return self._ahead.popleft()
        window = self.hub.window
        if not window.holds(self.cursor):
            await self._read_log()
            return None
        entry = window.after(self.cursor.position)
        if entry is None:
            self._step(self.cursor.jump(window.tip))
            await self.hub.change()
        return entry

    def _accept(self, entry: Entry) -> bool:
        tip = max(self._ahead_tip, self.hub.window.tip)
        return self._step(self.cursor.take(entry.position, tip)) is Step.SEND and not entry.lost

    def _step(self, step: Step) -> Step:
        if step is Step.STOP:
            raise StreamEnded(Ending.CLOSED)
        return step

    async def _read_log(self) -> None:
        try:
            batch = await self.hub.log.after(self.cursor.position)
        except (RedisError, OSError):
            # The hub meets the same trouble, says so, and goes on trying.
            await self.hub.sync()
            return
        if batch.gone or batch.tip.epoch != self.cursor.epoch:
            await self.hub.sync()
        elif batch.entries:
            self._ahead.extend(batch.entries)
            self._ahead_tip = batch.tip.position
        elif batch.complete:
            self._step(self.cursor.jump(batch.tip.position))
