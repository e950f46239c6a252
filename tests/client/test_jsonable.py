from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from tiled_client.jsonable import jsonable


def test_metadata_from_numpy_becomes_plain_json() -> None:
    assert jsonable(
        {
            "n": np.int64(3),
            "x": np.float32(0.5),
            "a": np.arange(3),
            "nan": [float("nan"), np.inf],
            "when": datetime(2026, 11, 22, tzinfo=UTC),
            "day": np.datetime64("2026-11-22"),
            "t": (1, 2),
            5: None,
        }
    ) == {
        "n": 3,
        "x": 0.5,
        "a": [0, 1, 2],
        "nan": [None, None],
        "when": "2026-11-22T00:00:00+00:00",
        "day": "2026-11-22",
        "t": [1, 2],
        "5": None,
    }


def test_values_without_json_form_are_rejected_by_name() -> None:
    with pytest.raises(TypeError, match="cannot hold a object"):
        jsonable({"a": [object()]})
