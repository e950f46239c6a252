"""The newest entries of one stream, kept for all its subscribers in this process. No I/O."""

from __future__ import annotations

from bisect import bisect_right

from ..protocol.cursor import BEGINNING, Cursor, Position, StreamHead
from .entries import Batch, Entry


class Room:
    """How many bytes all windows of a process may hold together.

    Where there is no more room, those that were not added to for longest let go of all they hold.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0
        self._windows: dict[Window, None] = {}

    def take(self, window: Window, count: int) -> None:
        """Have `window` hold `count` bytes more, the newest there are."""
        self.taken += count
        self._windows.pop(window, None)
        self._windows[window] = None
        while self.taken > self.limit and (oldest := next(iter(self._windows))) is not window:
            oldest.forget()

    def give(self, window: Window, count: int) -> None:
        """Have `window` hold `count` bytes less."""
        self.taken -= count
        if window.size == 0:
            self._windows.pop(window, None)


class Window:
    """Every entry after `start` up to `tip`, as many as fit into `limit` bytes.

    One entry is always kept, however large, so that it is read once for all who wait for it.
    `turns` has all occasions on which numbers began to be given anew, so that cursors turn back.
    `mark` is when the entry at the tip was made, as far as known: another with its number has
    another; `update_mark` is when the update with the tip's number was, which an end may follow.
    Numbers up to `evicted_to` were shed before their time, if they are not there. Those up to
    `waited_to` were not read until someone had seen all before them.
    """

    def __init__(self, limit: int, room: Room | None = None) -> None:
        self.limit = limit
        self._room = room or Room(limit)
        self.epoch: str | None = None
        self.start = BEGINNING
        self.tip = BEGINNING
        self.mark: int | None = None
        self.update_mark: int | None = None
        self.evicted_to = 0
        self.waited_to = 0
        self.size = 0
        self.turns: list[StreamHead] = []
        self._entries: list[Entry] = []
        self._positions: list[Position] = []

    def __len__(self) -> int:
        return len(self._entries)

    def reset(self, tip: StreamHead, mark: int | None = None) -> None:
        """Begin anew behind `tip`: whoever needs what is before it reads the log itself."""
        self.epoch = tip.epoch
        self.tip = tip.position
        self.mark = mark
        self.update_mark = None if tip.position.end else mark
        self.waited_to = 0
        self.forget()

    def forget(self) -> None:
        """Let all entries go."""
        self.start = self.tip
        if self._entries:
            self._entries, self._positions = [], []
            freed, self.size = self.size, 0
            self._room.give(self, freed)

    def extend(self, batch: Batch) -> bool:
        """Take what was found after the tip. True if there is news, or numbers are given anew."""
        self.evicted_to = batch.evicted_to
        if batch.tip.epoch != self.epoch:
            # Nothing of the new numbering was looked at yet.
            self.turns.append(batch.tip)
            self.reset(StreamHead(batch.tip.epoch))
            return True
        if batch.tip.position < self.tip:
            # A Redis took over that had not heard of the newest ones.
            self.turn_back(batch)
            return True
        before, size = self.tip, self.size
        for entry in batch.entries:
            if entry.position > self.tip:
                self._entries.append(entry)
                self._positions.append(entry.position)
                self.size += len(entry.frame)
                self._advance(entry.position, entry.time)
        if batch.complete and batch.tip.position > self.tip:
            self._advance(batch.tip.position, batch.time)
        if self.size > size:
            self._room.take(self, self.size - size)
        self._shed()
        return self.tip > before

    @property
    def witness(self) -> Position:
        """From where on to read to see whether what is known of the tip is still there."""
        return self.tip if self.update_mark is None else Position(self.tip.sequence)

    def note(self, entries: list[Entry]) -> None:
        """Remember of what was read of the log for one alone when the tip's update was made."""
        for entry in entries:
            if entry.position == Position(self.tip.sequence):
                self.update_mark = entry.time

    def contradicts(self, batch: Batch) -> bool:
        """Whether what `batch` found at the tip is not what was there, though under its number.

        An end alone tells too little: it may be lost together with its update, which comes anew.
        """
        if batch.tip.epoch != self.epoch or self.mark is None:
            return False
        for entry in batch.entries[:2]:
            if entry.position == self.tip:
                return entry.time != self.mark
            if entry.position == self.witness and entry.time != self.update_mark:
                return True
        return batch.tip.position == self.tip and batch.time != self.mark

    def turn_back(self, batch: Batch) -> None:
        """Some numbers were given anew, and nobody knows from which on."""
        self.turns.append(batch.tip)
        self.reset(batch.tip, batch.time)

    def holds(self, cursor: Cursor) -> bool:
        """Whether everything that `cursor` has yet to see, as far as it is known, is here."""
        return cursor.position >= self.start

    def after(self, position: Position) -> Entry | None:
        """The first entry after `position`."""
        index = bisect_right(self._positions, position)
        return self._entries[index] if index < len(self._entries) else None

    def newest(self) -> int:
        """The highest number of an update that is here; 0 if none is."""
        for position in reversed(self._positions):
            if not position.end:
                return position.sequence
        return 0

    def _advance(self, position: Position, time: int | None) -> None:
        if not position.end:
            self.update_mark = time
        elif position.sequence > self.tip.sequence:
            self.update_mark = None
        self.tip, self.mark = position, time

    def _shed(self) -> None:
        count, size = 0, self.size
        while self.size > self.limit and count < len(self._entries) - 1:
            self.size -= len(self._entries[count].frame)
            count += 1
        if count:
            self._room.give(self, size - self.size)
            self.start = self._positions[count - 1]
            del self._entries[:count], self._positions[:count]
