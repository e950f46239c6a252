"""A hypothesis state machine over `Window` and `Feed`, against a minimal model of a stream."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from streaming.protocol.cursor import Position, StreamHead
from streaming.protocol.notices import Feature, Gap, Heartbeat, Reason, Reset
from streaming.protocol.subscription_options import SubscriptionOptions
from streaming.reading.entries import LogBatch, StreamEntry
from streaming.reading.feed import Feed, Item
from streaming.reading.new_entries import NewEntries
from streaming.reading.window import Window

UPDATE = b"x" * 10
ALL = frozenset(Feature)
POLICIES = [
    SubscriptionOptions(features=ALL),
    SubscriptionOptions(features=ALL, latest=True),
    SubscriptionOptions(features=ALL, interval=5),
]


@dataclass
class Watcher:
    """A subscriber: what it has received, and what must come next."""

    feed: Feed
    expected: int
    closed_at: StreamHead | None = None
    end: Position | None = None
    end_evicted: bool = False
    stopped: bool = False
    received: dict[int, int] = field(default_factory=dict)
    sent_at: float = -100
    fast_path: bool = False
    reset_due: bool = False
    """Whether a reset must come before anything else."""
    is_waiting: bool = False
    """Whether it waits, so that new entries may be pushed to it."""

    @property
    def latest_only(self) -> bool:
        return self.feed.options.latest_only


class StreamMachine(RuleBasedStateMachine):
    """Appends, ends, retention, resets, failovers and subscribers of all kinds in any order.

    The law: from its start on, a subscriber receives each number of the stream once and in order,
    or a gap that says why it does not. After a reset this starts again. An end marked while it is
    subscribed stops it after everything before; an earlier one only if nothing follows.
    """

    def __init__(self) -> None:
        super().__init__()
        self.clock = 0
        self.now = 0.0
        self.epochs = 1
        self.head, self.head_time = StreamHead("e1"), 0
        self.log: list[StreamEntry] = []
        self.gone: set[tuple[str | None, int]] = set()
        self.evicted_to = 0
        self.in_doubt = False
        self.window = Window(limit=3 * len(UPDATE))
        self.window.reset(self.head, 0)
        self.watchers: list[Watcher] = []

    @property
    def live(self) -> list[Watcher]:
        return [watcher for watcher in self.watchers if not watcher.stopped]

    def tick(self) -> int:
        self.clock += 1
        return self.clock

    @rule(seconds=st.sampled_from([0.5, 3.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @initialize(count=st.integers(0, 8), options=st.sampled_from(POLICIES))
    def begin(self, count: int, options: SubscriptionOptions) -> None:
        self.write(count)
        self.join(None, options, fast_path=True)
        self.join(count, options, fast_path=False)

    @rule(count=st.integers(1, 6))
    def write(self, count: int) -> None:
        for _ in range(count):
            self.append()

    def append(self) -> None:
        self.begin_epoch()
        self.head = StreamHead(self.head.epoch, Position(self.head.position.sequence + 1))
        self.head_time = self.tick()
        self.log.append(StreamEntry(self.head.position, UPDATE, self.head_time))

    def begin_epoch(self) -> None:
        if self.head.epoch is None:
            self.epochs += 1
            self.head = StreamHead(f"e{self.epochs}")

    @rule()
    def end(self) -> None:
        self.begin_epoch()
        sequence, ends = self.head.position
        if ends:
            self.log = [entry for entry in self.log if entry.position != self.head.position]
        self.head = StreamHead(self.head.epoch, Position(sequence, ends + 1))
        self.head_time = self.tick()
        self.log.append(StreamEntry(self.head.position, time=self.head_time))
        for watcher in self.live:
            watcher.end = watcher.end or self.head.position

    @rule(sequence=st.integers(0, 12), options=st.sampled_from(POLICIES))
    def come_back(self, sequence: int, options: SubscriptionOptions) -> None:
        """Resume a subscriber from an epoch of which nothing is left."""
        self.read_on()
        feed = Feed(self.window, replace(options, epoch="e0"), sequence)
        watcher = Watcher(feed, 1, reset_due=True)
        watcher.closed_at = self.head if self.head.position.end else None
        self.watchers.append(watcher)

    @rule(
        back=st.none() | st.integers(-2, 12),
        options=st.sampled_from(POLICIES),
        fast_path=st.booleans(),
    )
    def join(self, back: int | None, options: SubscriptionOptions, fast_path: bool) -> None:
        self.read_on()
        last = self.head.position.sequence
        start = None if back is None else max(last - back, 0)
        first = last + 1 if start is None else start if start <= last + 1 else 1
        watcher = Watcher(Feed(self.window, options, start), max(first, 1), fast_path=fast_path)
        watcher.closed_at = self.head if start is not None and self.head.position.end else None
        self.watchers.append(watcher)

    @precondition(lambda self: self.log)
    @rule(count=st.integers(1, 4), evict=st.booleans())
    def retain_less(self, count: int, evict: bool) -> None:
        gone, self.log = self.log[:count], self.log[count:]
        for entry in gone:
            self.gone.add((self.head.epoch, entry.position.sequence))
            self.evicted_to = entry.position.sequence if evict else self.evicted_to
            self.evict_ends(entry)

    @precondition(lambda self: any(entry.frame for entry in self.log))
    @rule(data=st.data())
    def lose_a_payload(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from([entry for entry in self.log if entry.frame]))
        self.log[self.log.index(entry)] = StreamEntry(
            entry.position, time=entry.time, lost=Reason.evicted
        )
        self.gone.add((self.head.epoch, entry.position.sequence))

    @precondition(lambda self: self.head.position.sequence > 5)
    @rule(known=st.booleans())
    def empty(self, known: bool) -> None:
        """Empty Redis: another epoch, numbers from 1; not `known` before the first update."""
        self.epochs += 1
        self.head, self.log, self.head_time = (
            StreamHead(f"e{self.epochs}" if known else None),
            [],
            0,
        )
        self.evicted_to = 0
        self.restart_all()

    @precondition(lambda self: self.log)
    @rule(lost=st.integers(1, 3), regained=st.integers(0, 4), seen=st.booleans())
    def fail_over(self, lost: int, regained: int, seen: bool) -> None:
        """Fail over to a Redis without the newest entries, which assigns their numbers again."""
        if seen:
            self.read_on()
            self.let_all_watch()
        updates = [entry for entry in self.log if not entry.position.end]
        if not updates[lost - 1 : -1]:
            return
        last = updates[-lost - 1]
        self.log = [entry for entry in self.log if entry.position <= last.position]
        self.head, self.head_time = StreamHead(self.head.epoch, last.position), last.time
        self.evicted_to = min(self.evicted_to, last.position.sequence)
        for _ in range(regained):
            self.append()
        self.in_doubt = True
        self.restart_all()
        self.read_on()

    def restart_all(self) -> None:
        for watcher in self.live:
            watcher.end_evicted = watcher.end_evicted or watcher.end is not None
            watcher.end = None

    def evict_ends(self, entry: StreamEntry) -> None:
        for watcher in self.live:
            if watcher.end and entry.position >= watcher.end and entry.position.end:
                watcher.end_evicted = True
                later = (e.position for e in self.log if e.position.end)
                watcher.end = next(later, None)

    @rule()
    def skip_to_newest(self) -> None:
        """Read only the newest update, as the hub does if every subscriber skips the others."""
        updates = [n for n, entry in enumerate(self.log) if not entry.position.end]
        if updates and not self.in_doubt:
            batch = self.batch(self.log[updates[-1] :], complete=True)
            self.window.skip_to(batch)
            if self.window.extend(batch):
                self.fan_out(batch.entries)

    @rule(lag=st.booleans())
    def read_on(self, lag: bool = False) -> None:
        """Read on, as the hub does; not to the head if it lags."""
        while True:
            first = [entry for entry in self.log if self.is_new(entry)]
            lags = lag and len(first) > 1
            batch = self.batch(first[:1] if lags else first, complete=not lags)
            if self.in_doubt and self.window.conflicts_with(batch):
                self.window.rewind(batch)
                for watcher in self.live:
                    watcher.is_waiting = False
            self.in_doubt = False
            if self.window.extend(batch):
                self.fan_out(batch.entries)
            if lag or self.window.head >= self.head.position:
                return

    def fan_out(self, entries: list[StreamEntry]) -> None:
        """Push new entries to the watchers that wait; the others have to read."""
        new = NewEntries(entries)
        for watcher in self.live:
            if watcher.fast_path and watcher.is_waiting:
                watcher.is_waiting = watcher.feed.is_contiguous(new)
                if watcher.is_waiting:
                    self.check(watcher, [*entries])
                    watcher.feed.move_to(entries[-1].position)

    def is_new(self, entry: StreamEntry) -> bool:
        head = self.window.head
        return entry.position > head or (
            self.in_doubt and entry.position >= self.window.verify_from
        )

    def batch(self, entries: list[StreamEntry], *, complete: bool) -> LogBatch:
        return LogBatch(self.head, entries, complete, False, self.head_time, self.evicted_to)

    @precondition(lambda self: self.live)
    @rule()
    def let_all_watch(self) -> None:
        for watcher in self.live:
            while self.step(watcher):
                pass

    @precondition(lambda self: self.live)
    @rule(data=st.data(), steps=st.integers(1, 5))
    def watch(self, data: st.DataObject, steps: int) -> None:
        watcher = data.draw(st.sampled_from(self.live))
        for _ in range(steps):
            if not self.step(watcher):
                return

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def heartbeat(self, data: st.DataObject) -> None:
        watcher = data.draw(st.sampled_from(self.live))
        watcher.feed.heartbeat_due = True
        watcher.is_waiting = False

    def step(self, watcher: Watcher) -> bool:
        """Do one step of a subscriber; return whether there was anything to do."""
        feed = watcher.feed
        items = feed.ready(self.now)
        self.check(watcher, items)
        watcher.is_waiting = not items and not feed.stopped and not feed.behind
        if not items and feed.stopped:
            watcher.stopped = True
        elif not items and feed.behind and not feed.delay(self.now):
            self.read(feed)
            return True
        return bool(items)

    def read(self, feed: Feed) -> None:
        """Read the log, as a subscriber behind the window does."""
        epoch, position = self.head
        if epoch != feed.cursor.epoch or position < feed.cursor.position:
            self.read_on()
            return
        found = [entry for entry in self.log if entry.position > feed.cursor.position]
        if feed.options.latest_only:
            updates = [entry.position for entry in self.log if not entry.position.end]
            found = [
                entry for entry in self.log if entry.position >= max(updates, default=position)
            ]
            feed.add(self.batch(found, complete=not found))
        else:
            feed.add(self.batch(found[:2], complete=len(found) <= 2))

    def check(self, watcher: Watcher, items: list[Item]) -> None:
        epoch = watcher.feed.cursor.epoch
        for item in items:
            assert not watcher.reset_due or isinstance(item, Reset)
            if isinstance(item, StreamEntry):
                assert item.position.sequence == watcher.expected
                assert item.frame == UPDATE
                watcher.received[watcher.expected] = item.time
                watcher.expected += 1
            elif isinstance(item, Gap):
                assert item.first == watcher.expected <= item.last
                self.check_reason(watcher, item)
                watcher.expected = item.last + 1
            elif isinstance(item, Reset):
                assert item.epoch == epoch
                watcher.reset_due = False
                watcher.expected = 1
                watcher.received.clear()
            else:
                assert isinstance(item, Heartbeat)
                assert items == [item]
        updates = [item for item in items if isinstance(item, StreamEntry)]
        if watcher.latest_only and updates:
            assert len(updates) == 1
        if watcher.feed.options.interval and updates and not self.window.head.end:
            assert self.now >= watcher.sent_at + watcher.feed.options.interval
        if updates:
            watcher.sent_at = self.now

    def check_reason(self, watcher: Watcher, gap: Gap) -> None:
        if gap.reason is Reason.skipped:
            assert watcher.latest_only
        else:
            assert {(gap.epoch, n) for n in range(gap.first, gap.last + 1)} <= self.gone

    def teardown(self) -> None:
        self.read_on()
        for watcher in self.live:
            self.now += 100
            while self.step(watcher):
                self.now += 100
            assert watcher.stopped or not watcher.reset_due
            assert watcher.stopped or watcher.expected == self.head.position.sequence + 1
            # What was given anew was not taken for what had been there before.
            for entry in self.log if not watcher.stopped else []:
                if not entry.position.end:
                    assert watcher.received.get(entry.position.sequence, entry.time) == entry.time
            if not watcher.latest_only and (watcher.end or watcher.closed_at == self.head):
                assert watcher.stopped
            if watcher.stopped:
                assert watcher.end or watcher.end_evicted or watcher.closed_at


StreamMachine.TestCase.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
TestStream = StreamMachine.TestCase


def test_updates_read_beyond_the_window_are_sent_again_after_another_failover() -> None:
    """A subscriber reads the log between two failovers, before the hub has read that far."""
    stream = StreamMachine()
    stream.begin(2, SubscriptionOptions(features=ALL))
    stream.let_all_watch()
    stream.fail_over(lost=1, regained=0, seen=True)
    stream.write(1)
    stream.let_all_watch()
    stream.fail_over(lost=1, regained=1, seen=False)
    stream.teardown()
