"""What one subscriber is given: its updates, and what it is told besides. No I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from ..protocol import message_codec
from ..protocol.cursor import BEGINNING, Cursor, Position, Span, Step, StreamHead, has_restarted
from ..protocol.notices import Feature, Gap, Heartbeat, Notice, Reason, Reset
from ..protocol.subscription_options import SubscriptionOptions
from .entries import Batch, Entry
from .window import Window

Item = Entry | Notice

# What is taken at once is sent at once: enough to save work, not so much that others wait.
MOST_ITEMS = 64
MOST_BYTES = 1 << 20
# Updates that only those get who have said that they know them.
OPTIONAL = {
    Feature.child_deleted: message_codec.type_prefix("container-child-deleted"),
    Feature.table_ref: message_codec.type_prefix("table-ref"),
}


class Feed:
    """A cursor over a stream, and what its subscriber wants of it.

    It is served from the window that the stream's subscribers share, or, behind it, from what was
    read of the log for this one alone.
    """

    def __init__(self, window: Window, options: SubscriptionOptions, start: int | None) -> None:
        tip = StreamHead(window.epoch, window.tip)
        self.window = window
        self.options = options
        self.cursor = Cursor.join(tip, start, options.epoch, options.end)
        self.stopped = False
        self.beat = False
        self.due = 0.0
        self._turns = len(window.turns)
        self._fresh = start is not None
        self._ahead: deque[Entry] = deque()
        self._ahead_tip = BEGINNING
        self._notices: list[Notice] = []
        self._hidden = tuple(
            lead for feature, lead in OPTIONAL.items() if feature not in options.features
        )
        if start is not None and has_restarted(tip, start, options.epoch):
            self._notice(Reset(tip.epoch, options.epoch, tip.position.sequence))

    @property
    def behind(self) -> bool:
        """Whether it has to read the log."""
        return not self._ahead and not self.window.holds(self.cursor)

    def rest(self, now: float) -> float:
        """For how many seconds nothing is wanted. The last update before an end is not held up."""
        return 0.0 if self.window.tip.end else max(self.due - now, 0.0)

    def ready(self, now: float) -> list[Item]:
        """What can be given at once, in order."""
        if self._turns != len(self.window.turns):
            self._turn_back()
        items: list[Item] = []
        if not (self.due and self.rest(now)):
            if self.options.latest_only:
                self._skip()
            self._fill(items)
            if items and self.options.interval:
                self.due = now + self.options.interval
        if self._notices:
            self._flush(items)
        # Who rests may have been told less than there is.
        if self.beat and not items and self.cursor.position >= self.window.tip:
            self.beat = False
            if Feature.heartbeat in self.options.features:
                items.append(Heartbeat(self.window.epoch, self.window.tip.sequence))
        return items

    def expects(self, entries: Sequence[Entry]) -> bool:
        """Whether `entries`, none of them lost or an end, are all it has to be given, as they are.

        They came one after the other, at the tip.
        """
        first = entries[0].position.sequence
        return (
            not self.options.latest_only
            and self._turns == len(self.window.turns)
            and not (self._ahead or self._notices)
            and first == self.cursor.position.sequence + 1
            and entries[-1].position.sequence - first == len(entries) - 1
            and not any(entry.frame.startswith(self._hidden, 1) for entry in entries)
        )

    def move(self, position: Position) -> None:
        """Everything up to `position`, as it was expected, was given."""
        self.cursor.position = position
        self._fresh = False

    def resume(self) -> None:
        """Go on after an end: it has been told of."""
        self.stopped = False
        self.cursor.joined_at = self.cursor.position

    def add(self, batch: Batch) -> None:
        """Take what was read of the log after the cursor, as far as the window has come.

        Whether a number is given anew is found out at the window's tip: what lies beyond it could
        be replaced without anybody noticing. It comes with the window.
        """
        tip, known = batch.tip.position, self.window.tip
        entries = [entry for entry in batch.entries if entry.position <= known]
        if entries:
            self.window.note(entries)
            self._ahead.extend(entries)
            self._ahead_tip = tip
        elif batch.entries and self.options.latest_only:
            self._leap(known.sequence + 1)
        elif batch.entries or batch.complete:
            self._jump(min(known, tip), tip, batch.evicted_to, slow=True)

    def _fill(self, items: list[Item]) -> None:
        size = 0
        while len(items) < MOST_ITEMS and size < MOST_BYTES and not self.stopped:
            alone = bool(self._ahead)
            entry = self._next()
            if entry is None:
                return
            if self._accept(entry, alone=alone):
                if self._notices:
                    self._flush(items)
                items.append(entry)
                size += len(entry.frame)

    def _flush(self, items: list[Item]) -> None:
        items += self._notices
        self._notices = []

    def _next(self) -> Entry | None:
        if self._ahead:
            return self._ahead.popleft()
        window = self.window
        if not window.holds(self.cursor):
            return None
        entry = window.after(self.cursor.position)
        if entry is None:
            slow = window.tip.sequence <= window.waited_to
            self._jump(window.tip, window.tip, window.evicted_to, slow=slow)
        return entry

    def _accept(self, entry: Entry, *, alone: bool) -> bool:
        """Move on to `entry`; true if it is to be sent."""
        position = entry.position
        slow = (alone or entry.first <= self.window.waited_to) and not self._fresh
        first = max(entry.first, self.cursor.position.sequence + 1)
        if position.end or entry.first > self.cursor.position.sequence + 1:
            last = position.sequence if position.end else entry.first - 1
            self._miss(self.cursor.missing(last), self.window.evicted_to, slow=slow)
        self._fresh = False
        step = self.cursor.advance(position, max(self._ahead_tip, self.window.tip))
        if step is not Step.SEND:
            self.stopped = self.stopped or step is Step.STOP
            return False
        if entry.lost is not None:
            late = slow and entry.lost is Reason.expired
            span = Span(first, position.sequence)
            self._tell(span, Reason.slow if late else entry.lost)
            return False
        return not entry.frame.startswith(self._hidden, 1)

    def _jump(self, position: Position, tip: Position, evicted_to: int, *, slow: bool) -> None:
        """Move on to `position`, of a stream at `tip`: nothing before it is there any more."""
        missing = self.cursor.missing(position.sequence)
        self._miss(missing, evicted_to, slow=slow and not self._fresh)
        self._fresh = False
        if self.cursor.skip_to_head(position, tip) is Step.STOP:
            self.stopped = True

    def _skip(self) -> None:
        """Pass over all but the newest update."""
        ahead = (entry.position.sequence for entry in self._ahead if not entry.position.end)
        self._leap(max(self.window.newest(), *ahead, 0))

    def _leap(self, sequence: int) -> None:
        """Pass over everything before update `sequence`."""
        span = self.cursor.missing(sequence - 1)
        if span is not None:
            self._tell(span, Reason.skipped)
            self.cursor.skip_to(sequence)

    def _miss(self, span: Span | None, evicted_to: int, *, slow: bool) -> None:
        """Updates that are not there any more."""
        if span is not None and slow:
            self._tell(span, Reason.slow)
        elif span is not None:
            self._tell(span, Reason.evicted if span.last <= evicted_to else Reason.expired)

    def _tell(self, span: Span, reason: Reason) -> None:
        last = self._notices[-1] if self._notices else None
        if isinstance(last, Gap) and last.reason is reason and last.last + 1 == span.first:
            self._notices.pop()
            span = Span(last.first, span.last)
        self._notice(Gap(self.cursor.epoch, *span, reason))

    def _turn_back(self) -> None:
        # A reset that was not given yet is replaced by one that leads to the new numbering; where
        # nothing was known of that at the time, the cursor alone does not say that it is owed.
        owed = next((notice for notice in self._notices if isinstance(notice, Reset)), None)
        self._notices.clear()
        self._ahead.clear()
        self._ahead_tip = BEGINNING
        previous = self.cursor.epoch if owed is None else owed.previous
        for tip in self.window.turns[self._turns :]:
            self.cursor.rewind(tip)
        self._turns = len(self.window.turns)
        if owed is not None or previous is not None:
            epoch, position = self.window.turns[-1]
            self._notice(Reset(epoch, previous, position.sequence))

    def _notice(self, notice: Notice) -> None:
        feature = Feature.gap if isinstance(notice, Gap) else Feature.reset
        if feature in self.options.features:
            self._notices.append(notice)
