"""Rows of every kind, to and from Arrow."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest

from tiled_client import TableStructure
from tiled_client import tables as frames


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [1, 2], "b": ["x", None]}),
        pd.DataFrame({"a": [1, 2]}, index=[5, 6]),
        pd.DataFrame({"a": [1.5, 2]}, index=pd.Index([5, 6], name="time")),
        pd.DataFrame({"a": []}),
    ],
    ids=["range", "unnamed", "named", "empty"],
)
def test_a_frame_comes_back_with_its_index(frame: pd.DataFrame) -> None:
    table = frames.to_arrow(frame)
    again = frames.decode(bytes(frames.encode(table))).to_pandas()
    pd.testing.assert_frame_equal(again, frame)
    assert TableStructure.from_schema(table.schema).columns == ("a", "b")[: len(frame.columns)]


@pytest.mark.parametrize(
    "rows",
    [
        {"b": ["x"], "a": [1]},
        pd.DataFrame({"a": [1], "b": ["x"]}, index=[7]),
        pa.table({"a": pa.array([1], pa.int8()), "b": ["x"]}),
        pa.record_batch({"a": [1], "b": ["x"]}),
    ],
    ids=["dict", "frame", "table", "batch"],
)
def test_rows_of_every_kind_are_fitted_to_the_schema(rows: frames.Rows) -> None:
    schema = frames.to_schema({"a": "int64", "b": str})
    assert frames.to_arrow(rows, schema) == pa.table({"a": [1], "b": ["x"]}, schema)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"a": [1]}, "The rows have"),
        ({"a": [1], "b": ["x"], "c": [1]}, "The rows have"),
        ({"a": ["no number"], "b": ["x"]}, "do not fit"),
    ],
    ids=["missing", "spare", "type"],
)
def test_rows_that_do_not_fit_are_refused(rows: frames.Rows, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        frames.to_arrow(rows, frames.to_schema({"a": "int64", "b": str}))
