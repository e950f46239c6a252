"""Pages of nodes with data that Python cannot represent."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from catalog.admin.previews import build_preview
from catalog.models import Node
from core.text import format_time

from ..conftest import ARROW, Api, ipc
from .conftest import Browser

LARGE = st.integers(-(2**63) + 1, 2**63 - 1)
UNITS = ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as")


@pytest.mark.parametrize(
    "array",
    [
        np.array(["NaT", "NaT"], "M8"),
        np.array([1, -(2**62)], "m8"),
        np.array([-800_000, 2**40], "M8[D]"),
        np.array([-(2**62)], "M8[Y]"),
        np.array([["-5000-01-01"], ["NaT"]], "M8[s]"),
        np.array([(1, -(2**60))], [("n", "i4"), ("t", "M8[D]")]),
        np.array([b"\xff\x00"], "V2"),
        np.array([np.nan, np.inf]),
    ],
    ids=lambda array: str(array.dtype),
)
def test_an_array_of_odd_values_has_a_page(api: Api, browser: Browser, array: np.ndarray) -> None:
    api.array("a", array)
    page = browser.page("a")
    assert ">Dtype</dt>" in page
    assert "Could not render" not in page


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    array=st.sampled_from(UNITS).flatmap(
        lambda unit: arrays.arrays(st.sampled_from([f"M8[{unit}]", f"m8[{unit}]"]), (3,))
    )
)
def test_any_time_or_duration_is_previewed(api: Api, array: np.ndarray) -> None:
    Node.objects.filter(path="t").delete()
    api.array("t", array)
    preview = build_preview(Node.objects.get(path="t"))
    assert preview is not None
    assert not preview.problem
    assert preview.text


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    counts=st.lists(st.none() | LARGE, min_size=1, max_size=3),
    unit=st.sampled_from(["s", "ms", "us", "ns"]),
    zone=st.sampled_from([None, "UTC", "Europe/Berlin", "Mars/Phobos", "+99:99", ""]),
)
def test_times_in_a_table_are_previewed_in_any_year_and_zone(
    api: Api, counts: list[int | None], unit: str, zone: str | None
) -> None:
    Node.objects.filter(path="t").delete()
    rows = pa.table({"t": pa.array(counts, pa.int64()).cast(pa.timestamp(unit, zone))})
    api.table("t", rows)
    sent = api.send("PATCH", "/table/partition/t?partition=0", ipc(rows), ARROW)
    assert sent.status_code == 200
    preview = build_preview(Node.objects.get(path="t"))
    assert preview is not None
    assert preview.rows is not None, preview.problem
    assert [row == ["null"] for row in preview.rows.rows] == [count is None for count in counts]


def test_a_page_shows_rows_with_odd_times(api: Api, browser: Browser) -> None:
    zone = pa.timestamp("s", "Mars/Phobos")
    rows = pa.table({"t": pa.array([-(2**40), None, 0], pa.int64()).cast(zone)})
    api.table("t", rows)
    api.send("PATCH", "/table/partition/t?partition=0", ipc(rows), ARROW)
    page = browser.page("t")
    assert "timestamp[s, tz=Mars/Phobos]" in page
    assert re.search(r"<td>-\d+-\d\d-\d\dT", page)
    assert "<td>1970-01-01T00:00:00+00:00</td>" in page


def test_times_at_the_ends_of_the_calendar_are_formatted() -> None:
    east, west = (timezone(timedelta(hours=hours)) for hours in (14, -12))
    assert format_time(datetime(1, 1, 1, tzinfo=east)) == "0001-01-01 00:00:00 UTC+14:00"
    assert format_time(datetime(9999, 12, 31, 23, tzinfo=west)) == "9999-12-31 23:00:00 UTC-12:00"
    assert format_time(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01 00:00:00 UTC"
