"""The arithmetic of cursors and windows, against the plainest model of a stream."""

from __future__ import annotations

from dataclasses import dataclass, field

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streaming.cursor import BEGINNING, Cursor, Position, Step, Tip
from streaming.entries import Batch, Entry
from streaming.window import Window

UPDATE = b"x" * 10


def test_without_start_only_what_comes_from_now_on_is_sent() -> None:
    cursor = Cursor.join(Tip("e", Position(5)))
    assert cursor.take(Position(5), Position(6)) is Step.SKIP
    assert cursor.take(Position(6), Position(6)) is Step.SEND


def test_a_start_beyond_the_next_number_begins_at_the_oldest() -> None:
    tip = Tip("e", Position(5))
    assert Cursor.join(tip, 6).position == Position(5)
    assert Cursor.join(tip, 7).position == BEGINNING


def test_a_start_from_another_epoch_begins_at_the_oldest() -> None:
    tip = Tip("new", Position(5))
    assert Cursor.join(tip, 4, "old").position == BEGINNING
    assert Cursor.join(tip, 4, "new").position == Position(3)


def test_resuming_after_the_last_update_of_a_closed_stream_ends_at_once() -> None:
    tip = Tip("e", Position(5, 1))
    assert Cursor.join(tip, 6).take(Position(5, 1), tip.position) is Step.STOP


def test_an_old_end_is_passed_once_writing_was_resumed() -> None:
    cursor = Cursor.join(Tip("e", Position(6)), 0)
    assert cursor.take(Position(5), Position(6)) is Step.SEND
    assert cursor.take(Position(5, 1), Position(6)) is Step.SKIP
    assert cursor.take(Position(6), Position(6)) is Step.SEND


def test_whoever_came_after_the_end_without_a_start_waits() -> None:
    tip = Tip("e", Position(5, 1))
    cursor = Cursor.join(tip)
    assert cursor.jump(tip.position) is Step.SKIP
    assert cursor.take(Position(5, 2), Position(5, 2)) is Step.STOP


@dataclass
class Watcher:
    """A subscriber: what it got, what it must get, and what more it may get."""

    cursor: Cursor
    due: set[tuple[str, int]]
    may: set[tuple[str, int]] = field(default_factory=set)
    got: list[tuple[str, int]] = field(default_factory=list)
    end: Position | None = None
    end_shed: bool = False
    closed_at: Tip | None = None
    stopped: bool = False
    turns: int = 0


class StreamMachine(RuleBasedStateMachine):
    """Appends, ends, retention, resets and subscribers in any order.

    The law: a subscriber gets all that is retained from its start on, in order and once. An end
    said while it is there stops it after everything before; an earlier one only if nothing follows.
    """

    def __init__(self) -> None:
        super().__init__()
        self.epochs = 1
        self.tip = Tip("e1")
        self.log: list[Entry] = []
        self.window = Window(limit=3 * len(UPDATE))
        self.window.reset(self.tip)
        self.watchers: list[Watcher] = []

    @property
    def live(self) -> list[Watcher]:
        return [watcher for watcher in self.watchers if not watcher.stopped]

    @rule()
    def append(self) -> None:
        assert self.tip.epoch is not None
        sequence = self.tip.position.sequence + 1
        self.tip = Tip(self.tip.epoch, Position(sequence))
        self.log.append(Entry(self.tip.position, UPDATE))
        for watcher in self.live:
            told = watcher.may if watcher.end or watcher.end_shed else watcher.due
            told.add((self.tip.epoch, sequence))

    @rule()
    def end(self) -> None:
        sequence, ends = self.tip.position
        if ends:
            self.log = [entry for entry in self.log if entry.position != self.tip.position]
        self.tip = Tip(self.tip.epoch, Position(sequence, ends + 1))
        self.log.append(Entry(self.tip.position))
        for watcher in self.live:
            watcher.end = watcher.end or self.tip.position

    @rule(back=st.none() | st.integers(-2, 6))
    def join(self, back: int | None) -> None:
        self.look()
        last = self.tip.position.sequence
        start = None if back is None else max(last - back, 0)
        cursor = Cursor.join(self.tip, start)
        first = last + 1 if start is None else start if start <= last + 1 else 1
        due = {self.number(e) for e in self.log if e.frame and e.position.sequence >= first}
        # The window may hold what the log does no more.
        may = {(cursor.epoch or "", sequence) for sequence in range(first, last + 1)}
        closed = start is not None and self.tip.position.end > 0
        self.watchers.append(
            Watcher(
                cursor,
                due,
                may,
                closed_at=self.tip if closed else None,
                turns=self.window.turns,
            )
        )

    @precondition(lambda self: self.log)
    @rule(count=st.integers(1, 4))
    def retain_less(self, count: int) -> None:
        gone, self.log = self.log[:count], self.log[count:]
        for watcher in self.live:
            for entry in gone:
                self.let_go(watcher, entry)

    def let_go(self, watcher: Watcher, entry: Entry) -> None:
        """It may still be in the window, or not."""
        if self.number(entry) in watcher.due and entry.frame:
            watcher.due.discard(self.number(entry))
            watcher.may.add(self.number(entry))
        if watcher.end and entry.position >= watcher.end and not entry.frame:
            watcher.end_shed = True
            watcher.end = next((e.position for e in self.log if not e.frame), None)

    @rule()
    def reset(self) -> None:
        """Redis was emptied: another epoch, numbers from 1."""
        self.epochs += 1
        self.tip, self.log = Tip(f"e{self.epochs}"), []
        for watcher in self.live:
            watcher.may |= watcher.due
            watcher.due = set()
            watcher.end_shed = watcher.end_shed or watcher.end is not None
            watcher.end = None

    @rule(lag=st.booleans())
    def look(self, lag: bool = False) -> None:
        """The hub reads on; not to the tip if it lags."""
        while True:
            fresh = [entry for entry in self.log if entry.position > self.window.tip]
            lags = lag and len(fresh) > 1
            self.window.extend(Batch(self.tip, fresh[:1] if lags else fresh, complete=not lags))
            if lag or self.window.tip >= self.tip.position:
                return

    @precondition(lambda self: self.live)
    @rule(data=st.data(), steps=st.integers(1, 5))
    def watch(self, data: st.DataObject, steps: int) -> None:
        watcher = data.draw(st.sampled_from(self.live))
        for _ in range(steps):
            if not self.step(watcher):
                return

    def step(self, watcher: Watcher) -> bool:
        """What a subscriber does once; False if there is nothing to do."""
        cursor, window = watcher.cursor, self.window
        if watcher.turns != window.turns:
            watcher.turns = window.turns
            cursor.turn_back(Tip(window.epoch, window.tip))
        before = cursor.position
        if window.holds(cursor):
            entry, tip = window.after(cursor.position), window.tip
        elif self.tip.epoch != cursor.epoch:
            self.look()
            return True
        else:
            entry = next((e for e in self.log if e.position > cursor.position), None)
            tip = self.tip.position
        step = cursor.jump(tip) if entry is None else cursor.take(entry.position, tip)
        if step is Step.SEND:
            assert cursor.epoch is not None
            watcher.got.append((cursor.epoch, cursor.position.sequence))
        watcher.stopped = step is Step.STOP
        return cursor.position != before and not watcher.stopped

    def number(self, entry: Entry) -> tuple[str, int]:
        assert self.tip.epoch is not None
        return self.tip.epoch, entry.position.sequence

    @invariant()
    def everything_is_sent_once_and_in_order(self) -> None:
        for watcher in self.watchers:
            order = [(int(epoch[1:]), number) for epoch, number in watcher.got]
            assert order == sorted(set(order))
            assert set(watcher.got) <= watcher.due | watcher.may

    def teardown(self) -> None:
        self.look()
        for watcher in self.live:
            while self.step(watcher):
                pass
            assert set(watcher.got) >= watcher.due
            if watcher.end is not None or watcher.closed_at == self.tip:
                assert watcher.stopped
            if watcher.stopped:
                assert watcher.end or watcher.end_shed or watcher.closed_at


StreamMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestStream = StreamMachine.TestCase
