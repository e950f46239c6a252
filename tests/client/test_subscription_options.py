"""Options of a subscription, and how they are sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tiled_client.stream.protocol.subscription_options import (
    StartPosition,
    SubscriptionOptions,
    query_pairs,
)
from tiled_client.wire.slices import parse_slice

SHAPE = (12, 7, 5)
indices = npst.basic_indices(SHAPE, allow_newaxis=False)


@given(indices)
def test_a_numpy_index_becomes_a_text_that_cuts_the_same(index: Any) -> None:
    array = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    try:
        wants = SubscriptionOptions.parse(slice=index, ndim=len(SHAPE))
    except ValueError as error:
        assert "non-negative integers" in str(error)
        return
    assert wants.slice is not None
    np.testing.assert_array_equal(array[parse_slice(wants.slice)], array[index])


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("::4,::4", "::4,::4"),
        ("[::4, ::4]", "::4,::4"),
        (np.s_[::4, ::4], "::4,::4,:"),
        (np.s_[..., 3], ":,:,3"),
        (np.s_[2:10, 3], "2:10,3,:"),
    ],
)
def test_a_slice_is_an_index_or_its_text(said: Any, text: str) -> None:
    assert SubscriptionOptions.parse(slice=said, ndim=3).to_params() == {"slice": text}


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"slice": np.s_[-1]}, ValueError),
        ({"slice": "::-1"}, ValueError),
        ({"slice": "a"}, ValueError),
        ({"slice": np.s_[[1, 2]]}, IndexError),
        ({"slice": np.s_[0, 0, 0, 0]}, IndexError),
        ({"slice": "0,0,0,0"}, IndexError),
        ({"policy": "newest"}, ValueError),
        ({"max_rate": 0}, ValueError),
        ({"max_rate": float("nan")}, ValueError),
        ({"columns": "a"}, TypeError),
    ],
)
def test_what_no_server_could_do_is_refused_at_once(
    said: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        SubscriptionOptions.parse(**said, ndim=3)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)), st.integers(-12, 12))  # noqa: DTZ001
def test_a_moment_is_the_same_in_every_zone(moment: datetime, hours: int) -> None:
    there = moment.replace(tzinfo=UTC).astimezone(timezone(timedelta(hours=hours)))
    words = StartPosition.parse(start_time=there).to_params()
    assert words["start_time"].endswith("Z")
    assert datetime.fromisoformat(words["start_time"]) == there


def test_a_moment_may_be_seconds_since_1970() -> None:
    assert StartPosition.parse(start_time=0.5).to_params() == {
        "start_time": "1970-01-01T00:00:00.500000Z"
    }


def test_a_moment_is_no_text() -> None:
    with pytest.raises(TypeError, match="start_time must be a datetime"):
        StartPosition.parse(start_time="2026-11-22")  # type: ignore[arg-type]


@pytest.mark.parametrize("start", [-1, 1.5, True, "oldest", "5"])
def test_a_beginning_that_is_none_is_refused(start: Any) -> None:
    with pytest.raises(ValueError, match="start must be"):
        StartPosition.parse(start)


def test_a_number_and_a_moment_are_not_given_together() -> None:
    with pytest.raises(ValueError, match="not both"):
        StartPosition.parse(0, 0.0)


def test_options_that_are_not_given_are_not_sent_and_each_item_of_a_list_is() -> None:
    assert SubscriptionOptions.parse().to_params() == {}
    words = SubscriptionOptions.parse(policy="latest", max_rate=2, columns=["a", "b c"]).to_params()
    assert query_pairs(words) == [
        ("policy", "latest"), ("max_rate", "2.0"), ("columns", "a"), ("columns", "b c"),
    ]  # fmt: skip
