"""Rows in bounded memory behave as a list of which the last are kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiled_client.live.feeds.rolling import RollingRows

ACTIONS = st.lists(
    st.tuples(st.sampled_from(["append", "put", "look"]), st.integers(0, 9), st.integers(0, 12))
)


@given(limit=st.integers(1, 8), actions=ACTIONS)
def test_the_newest_rows_are_those_of_a_list(
    limit: int, actions: list[tuple[str, int, int]]
) -> None:
    rows, expected, value = RollingRows(limit), [], 0
    for action, count, at in actions:
        new = list(range(value, value + count))
        value += count
        if action == "look":
            rows.columns()
        elif action == "append":
            rows.append({"a": np.array(new), "b": np.array(list(map(str, new)), object)})
            expected += new
        elif at <= len(expected):
            rows.put(at, {"a": np.array(new), "b": np.array(list(map(str, new)), object)})
            expected[at : at + count] = new
    columns = rows.columns()
    kept = expected[-limit:]
    assert rows.end == len(expected)
    assert rows.start == len(expected) - len(kept)
    if kept:
        assert columns["a"].tolist() == kept
        assert columns["b"].tolist() == list(map(str, kept))


def test_a_hole_is_refused() -> None:
    with pytest.raises(IndexError, match="row 3 is beyond the end 0"):
        RollingRows(5).put(3, {"a": np.arange(2)})


def test_the_generation_changes_with_rows_that_were_there() -> None:
    rows = RollingRows(5)
    rows.append({"a": np.arange(3)})
    rows.append({"a": np.arange(3)})
    assert rows.generation == 0
    rows.put(5, {"a": np.array([7, 8])})
    assert rows.generation == 1
    rows.reset()
    assert rows.generation == 2
