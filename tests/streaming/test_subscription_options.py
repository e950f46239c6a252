"""Parsing of subscription options."""

from __future__ import annotations

from typing import Any

import pytest

from streaming.protocol.notices import Feature
from streaming.protocol.subscription_options import (
    InvalidOptions,
    SubscriptionOptions,
    read_features,
)


@pytest.mark.parametrize(
    "asked",
    [
        {"start": "-1"},
        {"start": ""},
        {"start": "1.5"},
        {"start": "99999999999999999999"},
        {"start": True},
        {"start": "1", "start_time": "0"},
        {"start_time": "yesterday"},
        {"start_time": "2026-01-02T03:04:05"},
        {"start_time": "nan"},
        {"start_time": "1e300"},
        {"end": "-1"},
        {"epoch": 5},
        {"policy": "newest"},
        {"max_rate": "0"},
        {"max_rate": "-1"},
        {"max_rate": "inf"},
        {"max_rate": "often"},
        {"max_rate": []},
        {"slice": "a"},
        {"slice": "-1"},
        {"slice": "::0"},
        {"slice": "::-1"},
        {"slice": ":-2"},
        {"slice": 5},
        {"columns": []},
        {"columns": "a"},
        {"columns": ["a", "a"]},
    ],
)
def test_invalid_options_are_rejected(asked: dict[str, Any]) -> None:
    with pytest.raises(InvalidOptions, match=next(reversed(asked))):
        SubscriptionOptions.parse(asked, frozenset())


def test_options_may_be_strings_or_numbers() -> None:
    for asked in (
        {"start": "5", "end": "1", "epoch": "e", "max_rate": "4"},
        {"start": 5, "end": 1, "epoch": "e", "max_rate": 4},
    ):
        terms = SubscriptionOptions.parse(asked, frozenset())
        assert terms == SubscriptionOptions(start=5, end=1, epoch="e", interval=0.25)
        assert terms.latest_only
    assert SubscriptionOptions.parse({"start": "latest"}, frozenset()).start == "latest"


@pytest.mark.parametrize(
    ("said", "milliseconds"),
    [
        ("1970-01-01T00:00:01Z", 1000),
        ("1970-01-01T01:00:01.0005+01:00", 1000),
        ("1970-01-01T01:00:01 01:00", 1000),
        ("2.5", 2500),
        (2.5, 2500),
    ],
)
def test_a_start_time_has_two_formats(said: Any, milliseconds: int) -> None:
    assert SubscriptionOptions.parse({"start_time": said}, frozenset()).since == milliseconds


def test_unknown_features_are_ignored() -> None:
    features = read_features("gap, child-deleted,telepathy")
    assert features == {Feature.gap, Feature.child_deleted}
    assert read_features(None) == read_features(5) == frozenset()
