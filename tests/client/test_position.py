"""Position of a subscription in its stream, by its laws."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiled_client.stream.protocol.position import Position

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c"]), st.integers(1, 30), st.integers(1, 6), st.booleans()
        ),
        max_size=12,
    )
)
def test_within_an_epoch_numbers_only_rise_and_none_that_is_higher_is_left_out(
    connections: list[tuple[str, int, int, bool]],
) -> None:
    """Each connection names an epoch in its schema or its updates, and repeats what it likes."""
    position, epoch, last = Position(0), None, 0
    for name, first, count, in_schema in connections:
        if in_schema:
            position.set_epoch(name)
        for sequence in range(first, first + count):
            if name != epoch:
                epoch, last = name, 0
            admitted = position.accept(sequence, at(0), name)
            assert admitted == (sequence > last)
            last = max(last, sequence)
        assert position.to_params() == {"start": last + 1, "epoch": name}


@given(st.integers(1, 20), st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=8))
def test_repetitions_of_a_server_without_epochs_are_dropped(
    total: int, connections: list[tuple[int, int]]
) -> None:
    position = Position(0)
    heard: list[int] = []
    for start, count in [*connections, (0, total)]:
        begin = min(start, position.last or 0) + 1
        repeated = range(begin, min(begin + count, total) + 1)
        heard.extend(n for n in repeated if position.accept(n, at(n)))
    assert heard == list(range(1, total + 1))


@given(st.integers(1, 50), st.integers(1, 50))
def test_a_restart_of_a_server_without_epochs_is_received_from_one(before: int, after: int) -> None:
    position = Position(0)
    assert all(position.accept(n, at(n)) for n in range(1, before + 1))
    assert all(position.accept(n, at(1000 + n)) for n in range(1, after + 1))
    assert position.to_params() == {"start": after + 1}


def test_before_the_first_update_the_original_start_is_requested() -> None:
    position = Position(5)
    position.set_epoch("e")
    assert position.to_params() == {"start": 5, "epoch": "e"}
    assert Position().to_params() == {}


def test_a_subscription_to_new_updates_resumes_from_where_the_stream_was() -> None:
    position = Position()
    position.on_schema("e", 7)
    position.on_schema("e", 9)
    assert position.to_params() == {"start": 8, "epoch": "e"}


def test_an_end_before_the_beginning_is_no_news() -> None:
    position = Position()
    position.on_schema("e", 7, 1)
    position.on_schema("e", 7, 2)
    assert position.to_params() == {"start": 8, "epoch": "e", "end": 1}
    position.accept(8, at(0), "e")
    assert position.to_params() == {"start": 9, "epoch": "e"}


def test_after_a_new_epoch_everything_it_holds_is_requested() -> None:
    position = Position()
    position.accept(9, at(0), "a")
    assert position.set_epoch("b")
    assert position.to_params() == {"start": 0, "epoch": "b"}


def test_a_negative_start_is_refused() -> None:
    with pytest.raises(ValueError, match="start must be 0"):
        Position(-1)
