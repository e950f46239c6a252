"""Cursor arithmetic."""

from __future__ import annotations

from streaming.protocol.cursor import BEGINNING, Cursor, Position, Step, StreamHead


def test_without_start_only_what_comes_from_now_on_is_sent() -> None:
    cursor = Cursor.join(StreamHead("e", Position(5)))
    assert cursor.advance(Position(5), Position(6)) is Step.SKIP
    assert cursor.advance(Position(6), Position(6)) is Step.SEND


def test_a_start_beyond_the_next_number_begins_at_the_oldest() -> None:
    head = StreamHead("e", Position(5))
    assert Cursor.join(head, 6).position == Position(5)
    assert Cursor.join(head, 7).position == BEGINNING


def test_a_start_from_another_epoch_begins_at_the_oldest() -> None:
    head = StreamHead("new", Position(5))
    assert Cursor.join(head, 4, "old").position == BEGINNING
    assert Cursor.join(head, 4, "new").position == Position(3)


def test_resuming_after_the_last_update_of_a_closed_stream_ends_at_once() -> None:
    head = StreamHead("e", Position(5, 1))
    assert Cursor.join(head, 6).advance(Position(5, 1), head.position) is Step.STOP


def test_an_old_end_is_skipped_once_writing_was_resumed() -> None:
    cursor = Cursor.join(StreamHead("e", Position(6)), 0)
    assert cursor.advance(Position(5), Position(6)) is Step.SEND
    assert cursor.advance(Position(5, 1), Position(6)) is Step.SKIP
    assert cursor.advance(Position(6), Position(6)) is Step.SEND


def test_a_subscriber_that_joins_after_the_end_without_a_start_waits() -> None:
    head = StreamHead("e", Position(5, 1))
    cursor = Cursor.join(head)
    assert cursor.skip_to_head(head.position, head.position) is Step.SKIP
    assert cursor.advance(Position(5, 2), Position(5, 2)) is Step.STOP


def test_a_subscriber_waiting_on_a_closed_stream_waits_again_after_reconnecting() -> None:
    head = StreamHead("e", Position(5, 1))
    there = Cursor.join(head)
    again = Cursor.join(head, there.joined_at.sequence + 1, "e", there.joined_at.end)
    assert again.advance(Position(5, 1), head.position) is Step.SKIP
    closed_anew = Cursor.join(StreamHead("e", Position(5, 2)), 6, "e", 1)
    assert closed_anew.advance(Position(5, 2), Position(5, 2)) is Step.STOP
