"""The newest entries of one stream, kept for all its subscribers in this process. No I/O."""

from __future__ import annotations

from bisect import bisect_right

from .cursor import BEGINNING, Cursor, Position, Tip
from .entries import Batch, Entry


class Window:
    """Every entry after `start` up to `tip`, as many as fit into `limit` bytes.

    One entry is always kept, however large, so that it is read once for all who wait for it.
    `turns` counts how often numbers have begun to be given anew, so that cursors have to turn back.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.epoch: str | None = None
        self.start = BEGINNING
        self.tip = BEGINNING
        self.size = 0
        self.turns = 0
        self._entries: list[Entry] = []
        self._positions: list[Position] = []

    def __len__(self) -> int:
        return len(self._entries)

    def reset(self, tip: Tip) -> None:
        """Begin anew behind `tip`: whoever needs what is before it reads the log itself."""
        self.epoch = tip.epoch
        self.tip = tip.position
        self.forget()

    def forget(self) -> None:
        """Let all entries go."""
        self.start = self.tip
        self.size = 0
        self._entries, self._positions = [], []

    def extend(self, batch: Batch) -> bool:
        """Take what was found after the tip. True if there is news, or numbers are given anew."""
        if batch.tip.epoch != self.epoch:
            # Nothing of the new numbering was looked at yet.
            self.turns += 1
            self.reset(Tip(batch.tip.epoch))
            return True
        if batch.tip.position < self.tip:
            # A Redis took over that had not heard of the newest ones.
            self.turns += 1
            self.reset(batch.tip)
            return True
        before = self.tip
        for entry in batch.entries:
            if entry.position > self.tip:
                self._entries.append(entry)
                self._positions.append(entry.position)
                self.size += len(entry.frame)
                self.tip = entry.position
        if batch.complete:
            self.tip = max(self.tip, batch.tip.position)
        self._shed()
        return self.tip > before

    def holds(self, cursor: Cursor) -> bool:
        """Whether everything that `cursor` has yet to see, as far as it is known, is here."""
        return cursor.position >= self.start

    def after(self, position: Position) -> Entry | None:
        """The first entry after `position`."""
        index = bisect_right(self._positions, position)
        return self._entries[index] if index < len(self._entries) else None

    def _shed(self) -> None:
        count = 0
        while self.size > self.limit and count < len(self._entries) - 1:
            self.size -= len(self._entries[count].frame)
            count += 1
        if count:
            self.start = self._positions[count - 1]
            del self._entries[:count], self._positions[:count]
