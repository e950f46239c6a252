"""Each format of tables and sparse arrays, read back by a library that is not ours."""

from __future__ import annotations

import csv
import datetime
import io
import re
from decimal import Decimal
from typing import Any

import h5py
import numpy as np
import openpyxl
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from tiled_client.wire.dtypes import dtype_from_numpy
from tiled_client.wire.sparse import Coo, SparseStructure

from ..conftest import ARROW, Api, detail, ipc
from .test_arrays import content, hdf5

NOON = datetime.datetime(2026, 1, 2, 12, 0, 0, 500_000)  # noqa: DTZ001  as Excel has it
TABLE = pa.table(
    {
        "x": pa.array([1, None, 3], "i8"),
        "y": [0.5, float("nan"), float("inf")],
        "s": ['a,"b"', "=1+1", None],
        "t": pa.array([NOON, None, NOON], pa.timestamp("us")),
        "yes": [True, None, False],
        "l": [[1.0, 2.0], [], None],
        "o": [b"\x00\xff", None, b""],
        "d": pa.array(["u", "v", "u"]).dictionary_encode(),
        "m": pa.array([Decimal("1.50"), None, Decimal("2.25")]),
        "r": [{"a": 1}, None, {"a": 2}],
    }
)


def put(api: Api, key: str, table: pa.Table, npartitions: int = 1) -> None:
    api.table(key, table, npartitions)
    if npartitions == 1:
        assert api.send("PUT", f"/table/full/{key}", ipc(table), ARROW).status_code == 200
        return
    for number in range(npartitions):
        address = f"/table/partition/{key}?partition={number}"
        assert api.send("PUT", address, ipc(table), ARROW).status_code == 200


def cells(body: bytes) -> list[list[Any]]:
    sheet = openpyxl.load_workbook(io.BytesIO(body)).active
    assert sheet is not None
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def test_values_of_every_kind_come_back_from_csv(api: Api) -> None:
    put(api, "t", TABLE)
    frame = pd.read_csv(io.BytesIO(content(api, "/table/full/t?format=csv")))
    assert list(frame) == TABLE.column_names
    assert frame["x"].tolist()[::2] == [1, 3]
    assert frame["s"].tolist()[:2] == ['a,"b"', "=1+1"]
    assert pd.to_datetime(frame["t"])[0] == pd.Timestamp(NOON)
    assert orjson.loads(frame["l"][0]) == [1.0, 2.0]
    assert orjson.loads(frame["r"][0]) == {"a": 1}
    assert frame["o"][0] == "data:application/octet-stream;base64,AP8="
    assert frame["d"].tolist() == ["u", "v", "u"]
    bare = api.get("/table/full/t?format=text/csv;header=absent&column=d")
    assert (bare.headers["Content-Type"], bare.content) == (
        "text/csv;header=absent; charset=utf-8",
        b'"u"\n"v"\n"u"\n',
    )


def test_values_of_every_kind_come_back_from_a_workbook(api: Api) -> None:
    put(api, "t", TABLE)
    names, first, second, third = cells(content(api, "/table/full/t?format=xlsx"))
    assert names == TABLE.column_names
    assert first[:5] == [1, 0.5, 'a,"b"', NOON, True]
    assert second[:5] == [None, None, "=1+1", None, None]
    assert third[1] == "inf"
    sheet = openpyxl.load_workbook(io.BytesIO(content(api, "/table/full/t?format=xlsx"))).active
    assert sheet is not None
    assert sheet["C3"].data_type == "s", "a text, not a formula"
    assert [first[8], third[8]] == [1.5, 2.25]


def test_values_of_every_kind_come_back_from_hdf5(api: Api) -> None:
    put(api, "t", TABLE, npartitions=2)
    file = hdf5(api, "/table/full/t?format=h5")
    np.testing.assert_array_equal(file["x"][:], [1, np.nan, 3] * 2)
    np.testing.assert_array_equal(file["y"][:3], [0.5, np.nan, np.inf])
    assert file["s"].asstr()[:3].tolist() == ['a,"b"', "=1+1", ""]
    assert file["t"].attrs["units"] == "microseconds since 1970-01-01"
    assert file["t"][:3].view("M8[us]").tolist() == [NOON, None, NOON]
    assert [list(values) for values in file["l"][:3]] == [[1.0, 2.0], [], []]
    assert [bytes(octets) for octets in file["o"][:3]] == [b"\x00\xff", b"", b""]
    assert orjson.loads(file["r"].asstr()[0]) == {"a": 1}
    np.testing.assert_array_equal(file["yes"][:3], [1, np.nan, 0])


def test_parquet_and_arrow_bring_back_the_table_with_its_index(api: Api) -> None:
    frame = pd.DataFrame({"x": [1, 2]}, index=["a", "b"])
    put(api, "t", pa.Table.from_pandas(frame))
    for name in ("parquet", "arrow"):
        body = io.BytesIO(content(api, f"/table/full/t?format={name}"))
        read = pd.read_parquet(body) if name == "parquet" else pd.read_feather(body)
        pd.testing.assert_frame_equal(read, frame)
    assert content(api, "/table/full/t?format=csv") == b'"x"\n1\n2\n', "numbers of rows are no data"
    assert orjson.loads(content(api, "/table/full/t?format=json")) == {"x": [1, 2]}


def test_partitions_follow_one_another_in_formats_that_are_written_in_pieces(api: Api) -> None:
    rows = pa.table({"n": list(range(40_000)), "s": ["x"] * 40_000})
    put(api, "t", rows, npartitions=3)
    expected = pa.concat_tables([rows] * 3)
    csv = pd.read_csv(io.BytesIO(content(api, "/table/full/t?format=csv")))
    assert csv["n"].tolist() == expected["n"].to_pylist()
    parquet = pyarrow.parquet.read_table(io.BytesIO(content(api, "/table/full/t?format=parquet")))
    assert parquet.equals(expected)
    records = content(api, "/table/full/t?format=application/json-seq").split(b"\x1e")[1:]
    assert orjson.loads(records[-1]) == {"n": 39_999, "s": "x"}
    assert (len(records), records[0][-1:]) == (120_000, b"\n")
    some = content(api, "/table/full/t?format=csv&rows=39999:40001&column=n")
    assert some == b'"n"\n39999\n0\n'


def test_a_page_of_a_table_has_its_rows_escaped(api: Api) -> None:
    put(api, "t", pa.table({"<b>": ["<script>", None], "n": [1, 2]}))
    page = content(api, "/table/full/t?format=html").decode()
    assert "<script>" not in page
    (frame,) = (re.findall(r"<t[dh]>(.*?)</t[dh]>", page),)
    assert frame == ["&lt;b&gt;", "n", "&lt;script&gt;", "1", "", "2"]


def test_an_empty_table_has_every_format(api: Api) -> None:
    api.table("t", pa.table({"x": pa.array([], "i8"), "s": pa.array([], "string")}))
    for name in ("csv", "json", "html", "xlsx", "h5", "parquet", "arrow", "json-seq", "txt"):
        body = content(api, f"/table/full/t?format={name}")
        if name == "csv":
            assert body == b'"x","s"\n'
        if name == "xlsx":
            assert cells(body) == [["x", "s"]]
        if name == "h5":
            assert h5py.File(io.BytesIO(body))["x"].shape == (0,)


def test_what_has_no_form_in_a_sheet_is_not_acceptable(api: Api) -> None:
    put(api, "t", pa.table({"s": ["x" * 40_000]}))
    response = api.get("/table/full/t?format=xlsx")
    assert (response.status_code, "32767" in detail(response)) == (406, True)
    assert api.get("/table/full/t?format=png").status_code == 406
    assert api.get("/table/full/t?format=csv&column=none").status_code == 400
    assert api.get("/table/full/t?format=csv&column=s&field=s").status_code == 400


def test_elements_of_sparse_arrays_come_back_from_every_format(api: Api) -> None:
    structure = SparseStructure(dtype_from_numpy(np.dtype("<f8")), (3, 4), ((3,), (4,)))
    assert api.create("s", "sparse", structure).status_code == 200
    table = Coo(np.array([[0, 2], [1, 3]]), np.array([7.5, 8.0]), (3, 4)).to_arrow()
    assert api.send("PUT", "/array/full/s", ipc(table), ARROW).status_code == 200
    said = table.to_pydict()
    for name in ("csv", "txt", "xls"):
        read = pd.read_csv(io.BytesIO(content(api, f"/array/full/s?format={name}")))
        assert read.to_dict("list") == said
    assert cells(content(api, "/array/full/s?format=xlsx"))[1:] == [[0, 1, 7.5], [2, 3, 8]]
    file = hdf5(api, "/array/full/s?format=h5")
    assert (file["coords"][:].tolist(), file["data"][:].tolist()) == ([[0, 2], [1, 3]], [7.5, 8])
    assert file.attrs["shape"].tolist() == [3, 4]
    assert b"<td>7.5</td>" in content(api, "/array/block/s?block=0,0&format=html")


def test_a_spreadsheet_gets_no_formulas_and_csv_gets_every_text(api: Api) -> None:
    texts = ["=1+1", "+1", "-1", "@a", "\ta", "a=b", ""]
    api.table("t", pa.table({"=x": texts, "n": range(-3, 4)}))
    body = ipc(pa.table({"=x": texts, "n": range(-3, 4)}))
    assert api.send("PUT", "/table/full/t", body, ARROW).status_code == 200
    api.array("a", np.array(texts))
    for path, width in (("table/full/t", 2), ("array/full/a", 1)):
        plain = content(api, f"/{path}?format=text/csv").decode()
        rows = list(csv.reader(io.StringIO(plain, newline="")))
        names = [["=x", "n"]] if width == 2 else []
        assert [row[0] if row else "" for row in rows[len(names) :]] == texts
        safe = content(api, f"/{path}?format=application/vnd.ms-excel").decode()
        rows = list(csv.reader(io.StringIO(safe, newline="")))
        found = [row[0] if row else "" for row in rows[len(names) :]]
        assert found == [f"'{text}" if text[:1] in tuple("=+-@\t") else text for text in texts]
        if names:
            assert rows[0] == ["'=x", "n"]
            assert [row[1] for row in rows[1:]] == [str(n) for n in range(-3, 4)]
