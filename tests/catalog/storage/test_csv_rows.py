"""Where the rows of CSV files end, against Python's own reader of CSV."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.storage.external import csv_index
from catalog.storage.external.csv_files import CsvFile
from catalog.storage.external.csv_form import CsvForm
from catalog.storage.external.csv_index import RowIndex
from catalog.storage.external.csv_rows import count_rows, row_ends

PARTS = ["a", "b", ",", '"', "\n", "\r\n", " ", "é"]
TEXTS = st.lists(st.sampled_from(PARTS), max_size=6).map("".join)
TABLES = st.lists(st.tuples(TEXTS, TEXTS), max_size=30)


def written(rows: list[tuple[str, str]], end: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator=end).writerows(rows)
    return text.getvalue().encode()


@given(rows=TABLES, end=st.sampled_from(["\n", "\r\n"]), missing=st.integers(0, 4))
def test_rows_end_where_their_writer_ended_them(
    rows: list[tuple[str, str]], end: str, missing: int
) -> None:
    data = written(rows, end)
    ends = [len(written(rows[: n + 1], end)) for n in range(len(rows))]
    assert row_ends(data).tolist() == ends
    cut = data[: len(data) - missing]
    whole = [place for place in ends if place <= len(cut)]
    assert row_ends(cut).tolist() == whole
    assert count_rows(cut) == (len(whole), whole[-1] if whole else 0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    rows=TABLES,
    steps=st.lists(st.integers(1, 60), max_size=8),
    block=st.integers(1, 40),
    ranges=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=4),
)
def test_any_range_of_a_growing_file_is_read_as_it_was_written(
    tmp_path: Path,
    rows: list[tuple[str, str]],
    steps: list[int],
    block: int,
    ranges: list[tuple[int, int]],
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(csv_index, "BLOCK", block)
        patched.setattr(csv_index, "PIECE", 3 * block)
        path, data = tmp_path / "rows.csv", written(rows, "\n")
        path.unlink(missing_ok=True)
        schema = pa.schema({"x": pa.string(), "y": pa.string()})
        file = CsvFile(path, CsvForm(",", 0, ("x", "y")), schema)
        size = 0
        for step in [*steps, len(data)]:
            with path.open("ab") as stream:
                stream.write(data[size : size + step])
            size = min(size + step, len(data))
            count = file.count()
            assert count == sum(len(written(rows[: n + 1], "\n")) <= size for n in range(len(rows)))
            for start, stop in [*ranges, (0, count)]:
                pieces = list(file.tables(["x", "y"], start, stop))
                found = [row for p in pieces for row in zip(*p.to_pydict().values(), strict=True)]
                assert found == rows[start : min(stop, count)]


def index_of(path: Path) -> tuple[RowIndex, csv_index.Read]:
    descriptor = os.open(path, os.O_RDONLY)
    return RowIndex(), lambda offset, size: os.pread(descriptor, size, offset)


def test_an_index_takes_no_more_room_when_its_file_grows_by_little_at_a_time(
    tmp_path: Path,
) -> None:
    path = tmp_path / "rows.csv"
    path.touch()
    index, read = index_of(path)
    for number in range(500):
        with path.open("a") as file:
            file.write(f"{number}\n")
        assert index.extend(read) == number + 1
    assert len(index._offsets) == 2


def test_an_index_tells_a_file_that_has_grown_from_another_one(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a\nb\n")
    index, read = index_of(path)
    index.extend(read)
    with path.open("a") as file:
        file.write("c\n")
    assert index.holds(read)
    for other in ("a\n", "a\nc\nb\n", "b\nb\n", ""):
        path.write_text(other)
        assert not index.holds(read)


def test_a_quote_that_is_never_closed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_index, "LONGEST_ROW", 1024)
    monkeypatch.setattr(csv_index, "BLOCK", 64)
    path = tmp_path / "rows.csv"
    path.write_text('a\n"b\n' + "c\n" * 1000)
    index, read = index_of(path)
    with pytest.raises(csv_index.Unreadable, match=r"begins at byte 2 .* quote"):
        index.extend(read)
