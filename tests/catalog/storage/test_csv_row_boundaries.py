"""Where the rows of CSV files end, against Python's own reader of CSV."""

from __future__ import annotations

import csv
import io
import os
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.storage.external.csv import row_index
from catalog.storage.external.csv.dialect import CsvDialect
from catalog.storage.external.csv.reader import CsvFile
from catalog.storage.external.csv.row_boundaries import count_rows, open_quote, row_ends
from catalog.storage.external.csv.row_index import RowIndex

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
        patched.setattr(row_index, "BLOCK_BYTES", block)
        patched.setattr(row_index, "SCAN_BYTES", 3 * block)
        path, data = tmp_path / "rows.csv", written(rows, "\n")
        path.unlink(missing_ok=True)
        schema = pa.schema({"x": pa.string(), "y": pa.string()})
        file = CsvFile(path, CsvDialect(",", 0, ("x", "y")), schema)
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


@given(parts=st.lists(st.sampled_from(PARTS), max_size=40), delimiter=st.sampled_from(",;"))
def test_quotes_anywhere_lose_no_row(parts: list[str], delimiter: str) -> None:
    text = "".join(parts).replace(",", delimiter)
    data = text.encode()
    found = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    expected = [row for row in found if row]  # empty lines
    ends = row_ends(data, delimiter)
    rest = data[ends[-1] if ends.size else 0 :]
    assert len(ends) + bool(rest.strip(b"\r\n")) == len(expected)
    if open_quote(rest, delimiter):
        return
    starts = [0, *ends.tolist()]
    pieces = [data[a:b] for a, b in pairwise([*starts, len(data)])]
    rows = [row for piece in pieces for row in records(piece.decode(), delimiter)]
    assert rows == expected


def records(text: str, delimiter: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return [row for row in reader if row]


WORDS = st.text(st.sampled_from('ab" é'), min_size=1, max_size=5)


@given(rows=st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=20), end=st.booleans())
def test_fields_with_bare_quotes_are_read_as_python_reads_them(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], end: bool
) -> None:
    text = "\n".join(map(",".join, rows)) + "\n" * end
    path = tmp_path_factory.getbasetemp() / "bare.csv"
    path.write_text(text)
    os.utime(path, (1, 1))
    names = ["x", "y"]
    file = CsvFile(
        path, CsvDialect(",", 0, ("x", "y")), pa.schema(dict.fromkeys(names, pa.string()))
    )
    expected = records(text, ",")
    try:
        tables = list(file.tables(names, 0, None))
    except row_index.Unreadable:  # a quote that is not closed, or that takes in a delimiter
        assert open_quote(text.encode()) or {len(row) for row in expected} != {2}
        return
    found = [list(r) for t in tables for r in zip(*t.to_pydict().values(), strict=True)]
    assert found == expected
    assert file.count() == len(expected)


def test_a_last_line_without_a_line_feed_is_a_row_once_the_file_rests(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("1\n2")
    file = CsvFile(path, CsvDialect(",", 0, ("x",)), pa.schema({"x": pa.int64()}))
    assert file.count() == 1
    os.utime(path, (1, 1))
    assert file.count() == 2
    assert [t["x"].to_pylist() for t in file.tables(["x"], 0, 2)] == [[1], [2]]


def index_of(path: Path) -> tuple[RowIndex, row_index.Read]:
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


def test_an_unclosed_quote_raises_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_index, "MAX_ROW_BYTES", 1024)
    monkeypatch.setattr(row_index, "BLOCK_BYTES", 64)
    path = tmp_path / "rows.csv"
    path.write_text('a\n"b\n' + "c\n" * 1000)
    index, read = index_of(path)
    with pytest.raises(row_index.Unreadable, match=r"begins at byte 2 .* quote"):
        index.extend(read)
