"""Tables on disk: rows are added at the end, and only what was committed counts."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from catalog.storage import tables
from catalog.storage.errors import MissingFile, SchemaMismatch, UnknownColumn, Unreadable

EVERYTHING = pa.table(
    {
        "integer": pa.array([1, None, 3], pa.int16()),
        "number": [0.5, float("nan"), None],
        "yes": [True, False, None],
        "text": ["a", "", None],
        "large_text": pa.array(["ä", None, "c"], pa.large_string()),
        "category": pa.array(["p", None, "q"]).dictionary_encode(),
        "bytes": [b"\0", None, b"abc"],
        "moment": pa.array([0, None, 2], pa.timestamp("us", tz="Europe/Vienna")),
        "day": pa.array([dt.date(2024, 1, 2), None, dt.date(1900, 1, 1)]),
        "lasting": pa.array([1, None, 3], pa.duration("ms")),
        "list": [[1, 2], None, []],
        "record": [{"x": 1, "y": ["z"]}, None, {"x": None, "y": []}],
        "price": pa.array([None, None, None], pa.decimal128(7, 2)),
        "nothing": pa.nulls(3),
    }
)


def appended(folder: Path, *parts: pa.Table) -> tuple[Path, int]:
    """A partition that got `parts` one after another: its file and committed size."""
    written = tables.write_partition(folder, 0, parts[0])
    size = written.size
    for part in parts[1:]:
        size = tables.append(written.path, size, tables.conform(part, parts[0].schema))
    return written.path, size


def test_rows_of_every_type_come_back_in_order(tmp_path: Path) -> None:
    path, size = appended(tmp_path, EVERYTHING, EVERYTHING[:0], EVERYTHING[1:], EVERYTHING[:2])
    expected = pa.concat_tables([EVERYTHING, EVERYTHING[1:], EVERYTHING[:2]])
    found = tables.open_partition(path, size).read()
    assert found.schema.equals(expected.schema, check_metadata=True)
    assert found.drop_columns("number").to_pylist() == expected.drop_columns("number").to_pylist()
    assert found["number"].to_pandas().equals(expected["number"].to_pandas())
    assert found.num_rows == 7
    again = tables.parse_ipc(tables.serialize_ipc(found))
    assert again.drop_columns("number").to_pylist() == found.drop_columns("number").to_pylist()


def test_an_append_leaves_what_is_there_untouched(tmp_path: Path) -> None:
    path, size = appended(tmp_path, EVERYTHING)
    before = path.read_bytes()
    tables.append(path, size, EVERYTHING)
    assert path.read_bytes()[:size] == before


def test_rows_are_appended_to_a_copy_like_to_the_file(tmp_path: Path) -> None:
    declared = pa.schema([("n", pa.int64())])
    frame = pd.DataFrame({"n": [1, 2]}, index=pd.RangeIndex(5, 7))
    labelled = pa.Table.from_pandas(frame)
    rows = tables.conform(labelled, tables.with_labels_of(declared, [labelled]))
    more = tables.conform(pa.table({"n": [3]}), declared)
    written = tables.write_partition(tmp_path, 0, rows)
    copy = tables.append_to_copy(written.path, written.size, 0, more)
    size = tables.append(written.path, written.size, more)
    assert copy.path.read_bytes() == written.path.read_bytes()[:size]
    with pytest.raises(SchemaMismatch):
        tables.append_to_copy(written.path, size, 0, pa.table({"m": [3]}))


def test_what_was_not_committed_is_not_read_and_makes_room_for_the_next_rows(
    tmp_path: Path,
) -> None:
    first, second, third = (pa.table({"x": [n] * 1000}) for n in (1, 2, 3))
    path, size = appended(tmp_path, first)
    tables.append(path, size, second)
    with path.open("ab") as file:
        file.write(b"half a message")
    assert tables.open_partition(path, size).read() == first
    size = tables.append(path, size, third[:10])
    assert path.stat().st_size == size
    assert tables.open_partition(path, size).read()["x"].to_pylist() == [1] * 1000 + [3] * 10


def test_a_reader_keeps_its_rows_while_the_partition_grows_and_is_replaced(tmp_path: Path) -> None:
    path, size = appended(tmp_path, EVERYTHING)
    held = tables.open_partition(path, size).read()
    tables.append(path, size, EVERYTHING)
    assert tables.open_partition(path, size).read().num_rows == 3
    assert tables.write_partition(tmp_path, 0, EVERYTHING[:1]).path != path
    path.unlink()
    assert held["text"].to_pylist() == EVERYTHING["text"].to_pylist()


def test_a_great_many_appends_are_read_as_one_batch(tmp_path: Path) -> None:
    row = pa.table({"x": [1.5], "s": pa.array(["a"]).dictionary_encode()})
    path, size = appended(tmp_path, *[row] * 500)
    table = tables.open_partition(path, size).read()
    assert table.num_rows == 500
    assert table["x"].num_chunks == table["s"].num_chunks == 1
    assert sum(batch.num_rows for batch in tables.open_partition(path, size).batches(["x"])) == 500


def test_categories_may_change_with_every_append_and_outgrow_their_index(tmp_path: Path) -> None:
    kind = pa.dictionary(pa.int8(), pa.string())
    names = [[f"{part}-{n}" for n in range(100)] for part in range(4)]
    parts = [tables.conform(pa.table({"c": n}), pa.schema({"c": kind})) for n in names]
    path, size = appended(tmp_path, *parts)
    table = tables.parse_ipc(tables.serialize_ipc(tables.open_partition(path, size).read()))
    assert table["c"].to_pylist() == [name for part in names for name in part]
    assert pa.types.is_dictionary(table.schema.field("c").type)


def test_a_pandas_frame_comes_back_with_its_index(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"x": [1, 2], "s": ["a", None], "c": pd.Categorical(["p", "q"], ordered=True)},
        index=pd.Index([10, 20]),
    )
    table = pa.Table.from_pandas(frame)
    path, size = appended(tmp_path, table, table)
    pd.testing.assert_frame_equal(
        tables.open_partition(path, size).read().to_pandas(), pd.concat([frame, frame])
    )
    chosen = tables.open_partition(path, size).read(["s", "x"])
    pd.testing.assert_frame_equal(chosen.to_pandas(), pd.concat([frame, frame])[["s", "x"]])
    nothing = tables.empty(table.schema, ["s", "x"])
    assert nothing.schema.equals(chosen.schema)


def test_only_columns_that_exist_are_read(tmp_path: Path) -> None:
    path, size = appended(tmp_path, EVERYTHING)
    assert tables.open_partition(path, size).read(["text", "integer"]).column_names == [
        "text",
        "integer",
    ]
    with pytest.raises(UnknownColumn, match="No such field 'z'"):
        tables.open_partition(path, size).read(["z"])


def test_damage_raises_an_error(tmp_path: Path) -> None:
    path, size = appended(tmp_path, EVERYTHING)
    with pytest.raises(Unreadable, match=f"{size} bytes of {size + 1}"):
        tables.open_partition(path, size + 1).read()
    with pytest.raises(Unreadable):
        tables.open_partition(path, size - 9).read()
    with pytest.raises(Unreadable):
        tables.append(path, size + 1, EVERYTHING)
    with pytest.raises(SchemaMismatch):
        tables.append(path, size, EVERYTHING.select(["text"]))
    with pytest.raises(MissingFile):
        tables.open_partition(tmp_path / "none.arrows", 10).read()
    with pytest.raises(MissingFile):
        tables.append(tmp_path / "none.arrows", 10, EVERYTHING)
    assert tables.open_partition(path, size).read().num_rows == 3


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([1, 2], pa.int32()), np.array([1, 2], "i4")),
        (pa.array([1, None]), np.array([1, np.nan])),
        (pa.array([True, False]), np.array([True, False])),
        (pa.array([True, None]), np.array([1.0, np.nan])),
        (pa.array([0.5, None], pa.float32()), np.array([0.5, np.nan], "f4")),
        (pa.array(["a", "öde", None]), np.array(["a", "öde", ""])),
        (pa.array([], pa.string()), np.array([], "<U1")),
        (pa.array([b"a", None, b"bc"]), np.array([b"a", b"", b"bc"])),
        (pa.array(["p", "q", "p"]).dictionary_encode(), np.array(["p", "q", "p"])),
        (pa.array([0, None], pa.timestamp("ms", "UTC")), np.array([0, "NaT"], "M8[ms]")),
        (pa.array([1, None], pa.duration("us")), np.array([1, "NaT"], "m8[us]")),
        (pa.array([3, None], pa.date32()), np.array([3, "NaT"], "M8[D]")),
        (pa.array([86_400_000], pa.date64()), np.array([86_400_000], "M8[ms]")),
        (pa.array([5, None], pa.time32("s")), np.array([5, "NaT"], "m8[s]")),
        (pa.nulls(2), np.array([np.nan, np.nan])),
    ],
)
def test_a_column_is_an_array_of_the_nearest_dtype(
    values: pa.Array, expected: np.ndarray[tuple[int], np.dtype[np.generic]]
) -> None:
    for chunks in ([values], [values[:1], values[1:]]):
        array = tables.column_array(pa.chunked_array(chunks, values.type))
        assert array.dtype == expected.dtype
        np.testing.assert_array_equal(array, expected)
