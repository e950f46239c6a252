"""Casts of written data: none changes a value."""

from __future__ import annotations

import datetime
import secrets
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sparse
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tests.conftest import API_KEY
from tests.servers import RunningServer
from tiled_client import Container, from_uri
from tiled_client.casting import cast_exactly
from tiled_client.tables import to_arrow

NOON = pd.Timestamp("2024-07-01 12:00")
BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.timestamp("us", BERLIN), [NOON]),
        (pa.timestamp("us"), [NOON.tz_localize(BERLIN)]),
        (pa.list_(pa.timestamp("us", BERLIN)), [[datetime.datetime(2024, 7, 1)]]),  # noqa: DTZ001
        (pa.bool_(), [0.5]),
        (pa.bool_(), [2]),
        (pa.float32(), [1e300]),
        (pa.struct([("a", pa.float32())]), [{"a": 1e300}]),
        (pa.list_(pa.bool_()), [[0.5]]),
        (pa.int8(), [300]),
        (pa.int64(), [1.5]),
        (pa.decimal128(5, 2), [0.123]),
        (pa.date32(), [NOON]),
        (pa.timestamp("s"), [NOON + pd.Timedelta("1ms")]),
        (pa.float64(), [2**53 + 1]),
    ],
    ids=str,
)
def test_columns_that_would_change_are_refused(kind: Any, values: list[Any]) -> None:
    with pytest.raises(ValueError, match=r"column|fit"):
        to_arrow({"c": values}, pa.schema([("c", kind)]))
    frame = pd.DataFrame({"c": values})
    with pytest.raises(ValueError, match=r"column|fit"):
        to_arrow(frame, pa.schema([("c", kind)]))


@pytest.mark.parametrize(
    "names", [["b", "a"], ["a", "c"], [("a", [("x", "i8")]), ("b", "i8")]], ids=str
)
def test_values_do_not_move_to_fields_of_other_names(names: list[Any]) -> None:
    values = np.array([(1, 2)], [("a", "i8"), ("b", "i8")])
    kind = np.dtype([name if isinstance(name, tuple) else (name, "i8") for name in names])
    with pytest.raises(TypeError, match="do not fit"):
        cast_exactly(values, kind)
    assert cast_exactly(values, np.dtype([("a", "i8"), ("b", "f8")])).tolist() == [(1, 2.0)]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.float32(), [0.1, None, float("inf"), float("nan")]),
        (pa.int8(), [1.0, 100]),
        (pa.bool_(), [1, 0, None]),
        (pa.timestamp("us", BERLIN), [NOON.tz_localize("UTC")]),
        (pa.timestamp("ns"), ["2026-01-02 03:04:05"]),
        (pa.dictionary(pa.int8(), pa.string()), ["a", "b"]),
        (pa.list_(pa.float32()), [[1, 2], []]),
    ],
    ids=str,
)
def test_columns_whose_values_do_not_change_fit(kind: Any, values: list[Any]) -> None:
    assert to_arrow({"c": values}, pa.schema([("c", kind)]))["c"].type == kind


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (1e300, "f4"),
        (300, "i1"),
        (-1, "u8"),
        (2**53 + 1, "f8"),
        (2**64 - 1, "f8"),
        (1e300 + 1j, "c8"),
        ("abcdef", "U3"),
        (np.datetime64("2026-01-02T03:04:05.5"), "M8[s]"),
        (np.array([(1e300,)], [("a", "f8")]), [("a", "f4")]),
        (complex("nan+1e300j"), "c8"),
        (complex("1e300+nanj"), "c8"),
    ],
    ids=str,
)
def test_elements_that_would_change_are_refused(values: Any, dtype: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        cast_exactly(values, np.dtype(dtype))


NUMBERS = npst.integer_dtypes() | npst.unsigned_integer_dtypes() | npst.boolean_dtypes()


@given(npst.arrays(NUMBERS, 3), npst.integer_dtypes() | npst.floating_dtypes())
def test_whole_numbers_are_the_same_or_refused(array: np.ndarray, dtype: np.dtype) -> None:
    try:
        cast = cast_exactly(array, dtype)
    except (TypeError, ValueError):
        return
    assert [int(value) for value in cast] == [int(value) for value in array]


@given(npst.arrays(npst.floating_dtypes(), 3), st.sampled_from(["f2", "f4", "f8"]))
def test_numbers_are_rounded_but_never_infinite(array: np.ndarray, dtype: str) -> None:
    try:
        cast = cast_exactly(array, np.dtype(dtype))
    except ValueError:
        return
    assert np.array_equal(np.isfinite(cast), np.isfinite(array))


MASKED = np.ma.array([1.0, -999.0], mask=[False, True])
FILLED = sparse.COO(np.array([[0]]), np.array([5.0]), shape=(3,), fill_value=np.nan)


@pytest.fixture
def client(server: RunningServer) -> Container:
    made: Container = from_uri(server.uri, API_KEY).create_container(secrets.token_hex(6))
    return made


def test_a_mask_and_a_fill_value_are_refused_and_leave_nothing(client: Container) -> None:
    node = client.write_array(np.zeros(2), key="a")
    for write in (client.write_array, node.write, lambda m: node.patch(m, 2, extend=True)):
        with pytest.raises(ValueError, match=r"\.filled\(value\)"):
            write(MASKED)
    with pytest.raises(ValueError, match="fill value nan"):
        client.write_sparse(FILLED)
    assert list(client) == ["a"]
    assert client.write_array(np.ma.array([1.0, 2.0]))[...].tolist() == [1.0, 2.0]


def test_a_node_whose_data_are_refused_is_not_left_behind(client: Container) -> None:
    beyond = np.array([0x110000], "<u4").view("<U1")
    with pytest.raises(ValueError, match="Unicode"):
        client.write_array(beyond, key="odd")
    assert list(client) == []
