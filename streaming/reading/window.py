"""The newest entries of one stream, shared by all its subscribers in this process. No I/O.

    start < entries[0] < entries[1] < ... <= head

==============  ==================================================================================
`start`         position before the oldest entry held; a cursor behind it has to read the log
`head`          newest position known; may lie beyond the last entry, where entries are gone
`head_time`     when the entry at `head` was made; another entry under its number has another time
`update_time`   when the update with the number of `head` was made, which an end may follow
`rewinds`       all heads at which numbers began to be assigned again; only ever grows
`evicted_to`    missing numbers up to this one were evicted before their time to live was over
`lagging_to`    numbers up to this one were read only after a subscriber had seen all before them
==============  ==================================================================================

A Redis that takes over after a failover may not know the newest entries, and may then assign their
numbers again. That cannot be seen from numbers alone, so the times of head and update are compared.
"""

from __future__ import annotations

import sys
from bisect import bisect_right

from ..protocol.cursor import BEGINNING, Cursor, Position, StreamHead
from .entries import LogBatch, StreamEntry


class WindowBudget:
    """Memory limit in bytes that all windows of a process share.

    When it is exceeded, the windows that have been extended least recently are cleared.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        # In the order in which they were last extended.
        self._windows: dict[Window, None] = {}

    def reserve(self, window: Window, count: int) -> None:
        """Record that `window` holds `count` bytes more, and clear others if that is too much."""
        self.used += count
        self._windows.pop(window, None)
        self._windows[window] = None
        # A growing window keeps its entries: its subscribers are about to read them.
        while self.used > self.limit and (oldest := next(iter(self._windows))) is not window:
            oldest.clear()

    def release(self, window: Window, count: int) -> None:
        """Record that `window` holds `count` bytes less."""
        self.used -= count
        if window.size == 0:
            self._windows.pop(window, None)


class Window:
    """Every entry after `start` up to `head`, as many as fit into `limit` bytes.

    One entry is always kept, however large, so that it is read once for all subscribers that wait
    for it. The module describes the attributes.
    """

    def __init__(self, limit: int, budget: WindowBudget | None = None) -> None:
        self.limit = limit
        self._budget = budget or WindowBudget(limit)
        self.epoch: str | None = None
        self.start = BEGINNING
        self.head = BEGINNING
        self.head_time: int | None = None
        self.update_time: int | None = None
        self.evicted_to = 0
        self.lagging_to = 0
        self.size = 0
        self.rewinds: list[StreamHead] = []
        self._entries: list[StreamEntry] = []
        self._positions: list[Position] = []

    def __len__(self) -> int:
        return len(self._entries)

    def reset(self, head: StreamHead, head_time: int | None = None) -> None:
        """Start again behind `head`: subscribers that need earlier entries read the log."""
        self.epoch = head.epoch
        self.head = head.position
        self.head_time = head_time
        self.update_time = None if head.position.end else head_time
        self.lagging_to = 0
        self.clear()

    def clear(self) -> None:
        """Release all entries."""
        self.start = self.head
        if self._entries:
            self._entries, self._positions = [], []
            freed, self.size = self.size, 0
            self._budget.release(self, freed)

    def extend(self, batch: LogBatch) -> bool:
        """Add entries that were read after the head. Return whether any are new."""
        self.evicted_to = batch.evicted_to
        if batch.head.epoch != self.epoch:
            # The batch was read after a position of the old numbering, so its entries may not be
            # the first of the new one. The next read starts at the beginning.
            self.rewinds.append(batch.head)
            self.reset(StreamHead(batch.head.epoch))
            return True
        if batch.head.position < self.head:
            # A Redis took over that does not know the newest entries.
            self.rewind(batch)
            return True
        before, size = self.head, self.size
        for entry in batch.entries:
            if entry.position > self.head:
                self._entries.append(entry)
                self._positions.append(entry.position)
                self.size += entry.size
                self._advance(entry.position, entry.time)
        if batch.complete and batch.head.position > self.head:
            self._advance(batch.head.position, batch.time)
        if self.size > size:
            self._budget.reserve(self, self.size - size)
        self._trim()
        return self.head > before

    def skip_to(self, batch: LogBatch) -> bool:
        """Continue with `batch`, the newest update and what follows it; `extend` adds it next.

        Drop all entries if others lie between: cursors before the update then have to read the
        log. Return False, and change nothing, if `batch` does not begin with an update.
        """
        first = batch.entries[0] if batch.entries else None
        if first is None or first.position.end:
            return False
        if batch.head.epoch == self.epoch and first.first > self.head.sequence + 1:
            self.clear()
            # Where `Cursor.skip_to` leads. A cursor that has yet to see an end before is behind.
            self.start = Position(first.first - 1, sys.maxsize)
        return True

    @property
    def verify_from(self) -> Position:
        """The position to read from to verify that the head is still the same entry."""
        return self.head if self.update_time is None else Position(self.head.sequence)

    def note_update_time(self, entries: list[StreamEntry]) -> None:
        """Take from `entries`, read for one subscriber, when the update of the head was made."""
        for entry in entries:
            if entry.position == Position(self.head.sequence):
                self.update_time = entry.time

    def conflicts_with(self, batch: LogBatch) -> bool:
        """Return whether `batch` has other entries under the numbers at the head.

        The time of an end alone is not enough: a failover can lose an end together with its update,
        and both numbers be assigned again.
        """
        if batch.head.epoch != self.epoch or self.head_time is None:
            return False
        for entry in batch.entries[:2]:
            if entry.position == self.head:
                return entry.time != self.head_time
            if entry.position == self.verify_from and entry.time != self.update_time:
                return True
        return batch.head.position == self.head and batch.time != self.head_time

    def rewind(self, batch: LogBatch) -> None:
        """Start again at the head of `batch`: some numbers were assigned again.

        Which one was the first is unknown, so all cursors go back to the beginning.
        """
        self.rewinds.append(batch.head)
        self.reset(batch.head, batch.time)

    def holds(self, cursor: Cursor) -> bool:
        """Return whether everything known that `cursor` has not seen is here."""
        return cursor.position >= self.start

    def after(self, position: Position) -> StreamEntry | None:
        """Return the first entry after `position`, or None."""
        index = bisect_right(self._positions, position)
        return self._entries[index] if index < len(self._entries) else None

    def newest(self) -> int:
        """Return the highest number of an update that is here, or 0."""
        for position in reversed(self._positions):
            if not position.end:
                return position.sequence
        return 0

    def _advance(self, position: Position, time: int | None) -> None:
        if not position.end:
            self.update_time = time
        elif position.sequence > self.head.sequence:
            # The end of an update that was not read: when that was made is unknown.
            self.update_time = None
        self.head, self.head_time = position, time

    def _trim(self) -> None:
        count, size = 0, self.size
        while self.size > self.limit and count < len(self._entries) - 1:
            self.size -= self._entries[count].size
            count += 1
        if count:
            self._budget.release(self, size - self.size)
            self.start = self._positions[count - 1]
            del self._entries[:count], self._positions[:count]
