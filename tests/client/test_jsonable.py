from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tiled_client.jsonable import jsonable


def test_metadata_from_numpy_becomes_plain_json() -> None:
    assert jsonable(
        {
            "n": np.int64(3),
            "x": np.float32(0.5),
            "a": np.arange(3),
            "flag": np.True_,
            "when": datetime(2026, 11, 22, tzinfo=UTC),
            "day": np.datetime64("2026-11-22"),
            "t": (1, 2),
        }
    ) == {
        "n": 3,
        "x": 0.5,
        "a": [0, 1, 2],
        "flag": True,
        "when": "2026-11-22T00:00:00+00:00",
        "day": "2026-11-22",
        "t": [1, 2],
    }


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ({"a": [1.0, float("nan")]}, ValueError, r"metadata\['a'\]\[1\] is nan.*use None"),
        ({"a": {"b": np.float32("inf")}}, ValueError, r"metadata\['a'\]\['b'\] is inf"),
        ({"a": pd.NaT}, ValueError, "is NaT"),
        ({"a": np.datetime64("NaT")}, ValueError, "is NaT"),
        ({"a": np.ma.masked}, ValueError, "masked"),
        ({"a": 2**64}, ValueError, "more than 64 bits"),
        ({"a": "\ud800"}, ValueError, "surrogate"),
        ({"a": object()}, TypeError, r"metadata\['a'\] is of type object"),
        ({"a": b"x"}, TypeError, "decode"),
        ({5: "a"}, TypeError, "keys of metadata must be strings, not 5"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_values_without_json_form_are_rejected_by_name(
    value: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        jsonable(value)


def test_metadata_that_contain_themselves_are_rejected() -> None:
    value: dict[str, Any] = {}
    value["self"] = value
    with pytest.raises(ValueError, match="contains itself"):
        jsonable(value)
