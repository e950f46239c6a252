"""Select the updates and notices that one subscriber receives. No I/O.

A feed takes entries from one of two sources and moves its cursor past them:

========  =========================  ============================================================
source    used while                 filled by
========  =========================  ============================================================
log       `_log_entries` not empty   `add`, with what the subscriber read of the log for itself
window    the window holds all that  the hub, for all subscribers of the stream
          the cursor has not seen
========  =========================  ============================================================

With neither, the feed is `behind`: its subscriber has to read the log. Invariants, which the state
machine in tests/streaming/reading/test_feed.py checks:

- Every number after the start is delivered once, in order, or is part of one gap, until a reset.
- After a reset, numbers start again at 1; the reset comes before the first of them.
- Nothing beyond the head of the window is delivered: see `add`.
- A producer's end stops the feed (`stopped`) if it was marked after the subscriber joined, or if
  nothing follows it.
"""

from __future__ import annotations

from collections import deque

from ..metrics import GAPS, RESETS, UPDATES_MISSED
from ..protocol import message_codec
from ..protocol.cursor import BEGINNING, Cursor, Position, Span, Step, StreamHead, has_restarted
from ..protocol.notices import Feature, Gap, Heartbeat, Notice, Reason, Reset
from ..protocol.subscription_options import SubscriptionOptions
from .entries import LogBatch, StreamEntry
from .new_entries import NewEntries
from .window import Window

Item = StreamEntry | Notice

# Limits of one batch, which is sent at once: large enough to save work, small enough that other
# subscribers do not wait long for their turn.
MAX_BATCH_ITEMS = 64
MAX_BATCH_BYTES = 1 << 20
# Types of updates that are sent only to subscribers that announced the feature.
OPTIONAL_TYPES = {
    Feature.child_deleted: message_codec.type_prefix("container-child-deleted"),
    Feature.table_ref: message_codec.type_prefix("table-ref"),
}


class Feed:
    """The cursor of a subscriber, its options, and the notices that it has yet to receive."""

    def __init__(self, window: Window, options: SubscriptionOptions, start: int | None) -> None:
        head = StreamHead(window.epoch, window.head)
        self.window = window
        self.options = options
        self._latest_only = options.latest_only
        self.cursor = Cursor.join(head, start, options.epoch, options.end)
        self.stopped = False
        self.heartbeat_due = False
        self.next_send = 0.0
        self._rewinds = len(window.rewinds)
        # A subscriber that has yet to receive its first item cannot have been too slow.
        self._is_new = start is not None
        self._log_entries: deque[StreamEntry] = deque()
        self._log_head = BEGINNING
        self._notices: list[Notice] = []
        self._hidden = tuple(
            prefix for feature, prefix in OPTIONAL_TYPES.items() if feature not in options.features
        )
        if start is not None and has_restarted(head, start, options.epoch):
            RESETS.add()
            self._add_notice(Reset(head.epoch, options.epoch, head.position.sequence))

    @property
    def behind(self) -> bool:
        """Whether the subscriber has to read the log."""
        return not self._log_entries and not self.window.holds(self.cursor)

    def delay(self, now: float) -> float:
        """Return for how many seconds to send nothing, because of the maximum rate.

        The last update before an end is not delayed.
        """
        return 0.0 if self.window.head.end else max(self.next_send - now, 0.0)

    def ready(self, now: float) -> list[Item]:
        """Return the items that can be sent now, in order."""
        if self._rewinds != len(self.window.rewinds):
            self._rewind()
        items: list[Item] = []
        if not (self.next_send and self.delay(now)):
            if self.options.latest_only:
                self._skip_to_newest()
            self._fill(items)
            if items and self.options.interval:
                self.next_send = now + self.options.interval
        if self._notices:
            self._flush(items)
        # A subscriber that is delayed may know less than there is: no heartbeat names a number
        # that it has not received.
        if self.heartbeat_due and not items and self.cursor.position >= self.window.head:
            self.heartbeat_due = False
            if Feature.heartbeat in self.options.features:
                items.append(Heartbeat(self.window.epoch, self.window.head.sequence))
        return items

    def is_contiguous(self, new: NewEntries) -> bool:
        """Return whether exactly the newest entries are to be sent next, unchanged."""
        return (
            new.plain
            and new.first == self.cursor.position.sequence + 1
            and not (self._log_entries or self._notices)
            and not self._latest_only
            and self._rewinds == len(self.window.rewinds)
            and not new.has_type(self._hidden)
        )

    def move_to(self, position: Position) -> None:
        """Record that contiguous entries up to `position` were sent."""
        self.cursor.position = position
        self._is_new = False

    def resume(self) -> None:
        """Continue after an end, of which the subscriber has been notified."""
        self.stopped = False
        self.cursor.joined_at = self.cursor.position

    def add(self, batch: LogBatch) -> None:
        """Add entries that were read from the log after the cursor, up to the head of the window.

        The hub notices at the window's head that numbers were assigned again. An entry beyond it
        could be replaced unnoticed, so it is not taken from here: it comes with the window.
        """
        head, known = batch.head.position, self.window.head
        entries = [entry for entry in batch.entries if entry.position <= known]
        if entries:
            self.window.note_update_time(entries)
            self._log_entries.extend(entries)
            self._log_head = head
        elif batch.entries and self.options.latest_only:
            self._skip_to(known.sequence + 1)
        elif batch.entries or batch.complete:
            self._skip_to_head(min(known, head), head, batch.evicted_to, slow=True)

    def _fill(self, items: list[Item]) -> None:
        size = 0
        while len(items) < MAX_BATCH_ITEMS and size < MAX_BATCH_BYTES and not self.stopped:
            from_log = bool(self._log_entries)
            entry = self._next()
            if entry is None:
                return
            if self._accept(entry, from_log=from_log):
                # A gap before this entry is reported before it.
                if self._notices:
                    self._flush(items)
                items.append(entry)
                size += len(entry.frame)

    def _flush(self, items: list[Item]) -> None:
        items += self._notices
        self._notices = []

    def _next(self) -> StreamEntry | None:
        if self._log_entries:
            return self._log_entries.popleft()
        window = self.window
        if not window.holds(self.cursor):
            return None
        entry = window.after(self.cursor.position)
        if entry is None:
            # The head may lie beyond the last entry: the entries between the two are lost.
            slow = window.head.sequence <= window.lagging_to
            self._skip_to_head(window.head, window.head, window.evicted_to, slow=slow)
        return entry

    def _accept(self, entry: StreamEntry, *, from_log: bool) -> bool:
        """Move on to `entry`; return whether to send it."""
        position = entry.position
        slow = (from_log or entry.first <= self.window.lagging_to) and not self._is_new
        first = max(entry.first, self.cursor.position.sequence + 1)
        if position.end or entry.first > self.cursor.position.sequence + 1:
            last = position.sequence if position.end else entry.first - 1
            self._record_gap(self.cursor.missing(last), self.window.evicted_to, slow=slow)
        self._is_new = False
        step = self.cursor.advance(position, max(self._log_head, self.window.head))
        if step is not Step.SEND:
            self.stopped = self.stopped or step is Step.STOP
            return False
        if entry.lost is not None:
            late = slow and entry.lost is Reason.expired
            span = Span(first, position.sequence)
            self._notify_gap(span, Reason.slow if late else entry.lost)
            return False
        return not entry.frame.startswith(self._hidden, 1)

    def _skip_to_head(
        self, position: Position, head: Position, evicted_to: int, *, slow: bool
    ) -> None:
        """Move on to `position` of a stream at `head`: nothing before it is retained."""
        missing = self.cursor.missing(position.sequence)
        self._record_gap(missing, evicted_to, slow=slow and not self._is_new)
        self._is_new = False
        if self.cursor.skip_to_head(position, head) is Step.STOP:
            self.stopped = True

    def _skip_to_newest(self) -> None:
        updates = (entry.position.sequence for entry in self._log_entries if not entry.position.end)
        self._skip_to(max(self.window.newest(), *updates, 0))

    def _skip_to(self, sequence: int) -> None:
        """Skip everything before update `sequence`."""
        span = self.cursor.missing(sequence - 1)
        if span is not None:
            self._notify_gap(span, Reason.skipped)
            self.cursor.skip_to(sequence)

    def _record_gap(self, span: Span | None, evicted_to: int, *, slow: bool) -> None:
        """Notify the subscriber of updates that are not retained, and why."""
        if span is not None and slow:
            self._notify_gap(span, Reason.slow)
        elif span is not None:
            self._notify_gap(span, Reason.evicted if span.last <= evicted_to else Reason.expired)

    def _notify_gap(self, span: Span, reason: Reason) -> None:
        UPDATES_MISSED.labels(reason.value).add(span.last - span.first + 1)
        # One notice for adjacent gaps with the same reason.
        last = self._notices[-1] if self._notices else None
        if isinstance(last, Gap) and last.reason is reason and last.last + 1 == span.first:
            self._notices.pop()
            span = Span(last.first, span.last)
        else:
            GAPS.labels(reason.value).add()
        self._add_notice(Gap(self.cursor.epoch, *span, reason))

    def _rewind(self) -> None:
        # A reset that was not delivered yet is replaced by one that leads to the new numbering.
        # Where nothing was known of the stream when it was added, the cursor has no epoch to
        # show that a reset is due.
        due = next((notice for notice in self._notices if isinstance(notice, Reset)), None)
        self._notices.clear()
        self._log_entries.clear()
        self._log_head = BEGINNING
        previous = self.cursor.epoch if due is None else due.previous
        for head in self.window.rewinds[self._rewinds :]:
            self.cursor.rewind(head)
        self._rewinds = len(self.window.rewinds)
        if due is not None or previous is not None:
            epoch, position = self.window.rewinds[-1]
            RESETS.add()
            self._add_notice(Reset(epoch, previous, position.sequence))

    def _add_notice(self, notice: Notice) -> None:
        feature = Feature.gap if isinstance(notice, Gap) else Feature.reset
        if feature in self.options.features:
            self._notices.append(notice)
