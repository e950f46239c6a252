"""Each format of arrays, read back by a library that is not ours."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import h5py
import numpy as np
import orjson
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tiled_client.wire.structures import ArrayStructure

from ..conftest import Api, detail

BYTE = np.arange(12, dtype="u1").reshape(3, 4)
RECORDS = np.array([(1, 2.5, "é"), (2, np.nan, "<b>")], [("n", "<i4"), ("z", ">f8"), ("s", "<U3")])


def put(api: Api, key: str, array: np.ndarray[Any, Any]) -> None:
    if array.size:
        api.array(key, array)
    else:
        assert api.create(key, "array", ArrayStructure.from_array(array)).status_code == 200


def content(api: Api, address: str) -> bytes:
    response = api.get(address)
    body = b"".join(response) if response.streaming else response.content
    assert response.status_code == 200, body
    return bytes(body)


def picture(api: Api, address: str) -> Any:
    return np.asarray(Image.open(io.BytesIO(content(api, address))))


def hdf5(api: Api, address: str) -> h5py.File:
    return h5py.File(io.BytesIO(content(api, address)))


PLAIN: dict[str, tuple[np.ndarray[Any, Any], Any]] = {
    "big-endian": (np.array([1, 2], ">i4"), [1, 2]),
    "not a number": (np.array([1.5, np.nan, np.inf]), [1.5, None, None]),
    "complex": (np.array([1 + 2j, 3]), [[1.0, 2.0], [3.0, 0.0]]),
    "half": (np.array([0.5], "<f2"), [0.5]),
    "bytes": (np.array([b"ab"]), ["data:application/octet-stream;base64,YWI="]),
    "text": (np.array([["é", ""]]), [["é", ""]]),
    "time": (np.array(["2026-01-02", "NaT"], "<M8[s]"), ["2026-01-02T00:00:00", None]),
    "duration": (np.array([5, -1], "<m8[25s]"), [5, -1]),
    "records": (RECORDS, [[1, 2.5, "é"], [2, None, "<b>"]]),
    "scalar": (np.array(7), 7),
    "nothing": (np.zeros((0, 3)), []),
}


@pytest.mark.parametrize("case", PLAIN)
def test_any_dtype_has_a_form_in_json_and_hdf5(api: Api, case: str) -> None:
    array, said = PLAIN[case]
    put(api, "a", array)
    assert orjson.loads(content(api, "/array/full/a?format=json")) == said
    dataset = hdf5(api, "/array/full/a?format=h5")["a"]
    assert dataset.shape == array.shape
    if array.dtype.kind in "biufcS":
        np.testing.assert_array_equal(dataset[()], array)
    elif array.dtype.kind == "U":
        np.testing.assert_array_equal(dataset.asstr()[()], array)
    elif array.dtype.kind == "M":
        assert dataset.attrs["units"] == "seconds since 1970-01-01"
        np.testing.assert_array_equal(dataset[()].view("M8[s]"), array)
    elif array.dtype.kind == "m":
        assert (dataset.attrs["units"], dataset[()].tolist()) == ("seconds", [125, -25])
    else:
        assert dataset["n"].tolist() == [1, 2]
        assert [text.decode() for text in dataset["s"]] == ["é", "<b>"]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["<i8", ">i2", "?", "<f4", ">f8", "<c16", "u1"]), st.data())
def test_rows_of_text_say_the_very_numbers(api: Api, dtype: str, data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 4), max_size=2)))
    octets = data.draw(st.binary(min_size=256, max_size=256))
    array = np.resize(np.frombuffer(octets, dtype), shape)
    if dtype == "?":
        array = np.resize(np.frombuffer(octets, "u1") % 2 == 1, shape)
    key = f"a{api.json('/search/?page[limit]=0')['meta']['count']}"
    api.array(key, array)
    for name in ("csv", "text/plain", "application/vnd.ms-excel"):
        text = content(api, f"/array/full/{key}?format={name}").decode()
        rows = list(csv.reader(io.StringIO(text)))
        found = np.array([[_number(cell, array.dtype) for cell in row] for row in rows])
        np.testing.assert_array_equal(
            found.astype(array.dtype), np.atleast_2d(array).reshape(found.shape)
        )


def _number(cell: str, dtype: np.dtype[Any]) -> Any:
    return cell == "True" if dtype.kind == "b" else dtype.type(cell)


def test_texts_with_commas_and_lines_come_back_from_csv(api: Api) -> None:
    texts = np.array(['a,"b"', "c\nd", "é"])
    api.array("a", texts)
    rows = csv.reader(io.StringIO(content(api, "/array/full/a?format=csv").decode(), newline=""))
    assert [row[0] for row in rows] == texts.tolist()


def test_a_picture_goes_from_the_first_to_the_last_percentile(api: Api) -> None:
    array = np.arange(10_000.0).reshape(100, 100)
    array[0, 0], array[-1, -1], array[50, 50] = -1e30, np.inf, np.nan
    api.array("a", array)
    pixels = picture(api, "/array/full/a?format=png")
    assert pixels.shape == (100, 100)
    assert (pixels[0].max(), pixels[-1].min(), pixels[50, 50]) == (0, 255, 0)
    assert abs(int(pixels[50, 0]) - 128) <= 1
    assert api.get("/array/full/a", accept="image/*").headers["Content-Type"] == "image/png"


PICTURES: dict[str, tuple[np.ndarray[Any, Any], tuple[int, ...]]] = {
    "line": (np.arange(5), (1, 5)),
    "scalar": (np.array(5.0), (1, 1)),
    "yes or no": (np.eye(3, dtype=bool), (3, 3)),
    "colours": (np.random.default_rng(0).random((4, 5, 3)), (4, 5, 3)),
    "bytes of colours": (np.arange(60, dtype="u1").reshape(4, 5, 3), (4, 5, 3)),
    "with alpha": (np.arange(80, dtype=">u2").reshape(4, 5, 4), (4, 5, 4)),
    "one channel": (np.arange(20).reshape(4, 5, 1), (4, 5)),
    "complex": (np.ones((2, 2)) * 1j, (2, 2)),
    "no number": (np.full((2, 2), np.nan), (2, 2)),
}


@pytest.mark.parametrize("case", PICTURES)
def test_whatever_has_brightness_is_a_picture_and_a_tiff_of_the_very_values(
    api: Api, case: str
) -> None:
    array, shape = PICTURES[case]
    api.array("a", array)
    pixels = picture(api, "/array/full/a?format=png")
    assert pixels.shape == shape
    if case == "bytes of colours":
        np.testing.assert_array_equal(pixels, array)
    if case == "yes or no":
        assert pixels.max() == 255
    if array.dtype.kind != "b":
        read = tifffile.imread(io.BytesIO(content(api, "/array/full/a?format=tif")))
        np.testing.assert_array_equal(read, np.atleast_2d(array).reshape(read.shape))


def test_a_stack_is_a_tiff_with_a_page_for_each_picture(api: Api) -> None:
    stack = np.arange(30, dtype="<u2").reshape(2, 3, 5)
    api.array("a", stack)
    with tifffile.TiffFile(io.BytesIO(content(api, "/array/full/a?format=tiff"))) as file:
        assert len(file.pages) == 2
        np.testing.assert_array_equal(file.asarray(), stack)


@pytest.mark.parametrize("name", ["json", "csv", "png", "tiff", "html", "h5", "npy", "bin"])
def test_slices_and_blocks_have_every_format(api: Api, name: str) -> None:
    api.array("a", BYTE)
    for address in ("/array/full/a?slice=::-1,::-2", "/array/block/a?block=0,0&slice=::-1,::-2"):
        body = content(api, f"{address}&format={name}")
        if name == "npy":
            np.testing.assert_array_equal(np.load(io.BytesIO(body)), BYTE[::-1, ::-2])
        if name == "tiff":
            np.testing.assert_array_equal(tifffile.imread(io.BytesIO(body)), BYTE[::-1, ::-2])


@pytest.mark.parametrize(
    ("array", "name"),
    [
        (np.zeros((2, 2, 2)), "csv"),
        (np.zeros((1, 1, 1, 1, 1)), "image/png"),
        (np.zeros((2, 2, 5)), "png"),
        (np.zeros((0, 3)), "png"),
        (np.zeros((1,) * 5), "tiff"),
        (np.array(["a"]), "png"),
        (np.array(["a"]), "tiff"),
        (np.zeros(2, "V3"), "csv"),
        (np.zeros((2, 2, 2), "V3"), "html"),
        (np.zeros((2, 2, 2), "S1"), "html"),
        (np.array(["a\0b"]), "h5"),
        (BYTE, "application/x-none"),
        (BYTE, "parquet"),
    ],
)
def test_what_has_no_form_is_not_acceptable(api: Api, array: Any, name: str) -> None:
    put(api, "a", array)
    response = api.get(f"/array/full/a?format={name}")
    assert response.status_code == 406
    assert re.search("different format|Supported: .+ Requested: ", detail(response))


def test_a_page_is_a_picture_or_rows_and_nothing_in_it_is_run(api: Api) -> None:
    api.array("a", BYTE)
    assert b'<img alt="a" src="data:image/png;base64,' in content(api, "/array/full/a?format=html")
    api.array("<script>", np.array(["<script>alert(1)</script>", "&"]))
    response = api.get("/array/full/<script>", accept="text/html,application/xhtml+xml,*/*;q=0.8")
    body = b"".join(response) if response.streaming else response.content
    assert b"<script>" not in body
    assert b"&lt;script&gt;alert(1)&lt;/script&gt;" in body
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "sandbox" in response.headers["Content-Security-Policy"]


def test_the_most_wanted_format_counts_whatever_its_other_parameters_say(api: Api) -> None:
    api.array("a", BYTE)
    for accept, found in {
        "application/x-none, text/csv;q=0.1, application/json": "application/json",
        "application/x-none, text/csv, application/json": "text/csv; charset=utf-8",
        "text/csv;q=0.5, application/json;Q=0.9": "application/json",
        "application/json;charset=utf-8": "application/json",
        "Application/JSON": "application/json",
        "application/json;q=0, application/*": "application/octet-stream",
        "text/*;q=0.2, image/*": "image/png",
        "text/csv;q=0, text/*": "text/x-comma-separated-values; charset=utf-8",
        "application/x-none,*/*;q=0.1": "application/octet-stream",
        "text/csv;q=nonsense": "text/csv; charset=utf-8",
    }.items():
        assert api.get("/array/full/a", accept=accept).headers["Content-Type"] == found, accept
    assert api.get("/array/full/a", accept="text/csv;q=0").status_code == 406
    packed = api.get("/metadata/a", accept="application/json;q=0.5, application/X-msgpack")
    assert packed.headers["Content-Type"] == "application/x-msgpack"
    listed = "/array/full/a?format=application/x-none,tif,csv"
    assert api.get(listed, accept="application/json").headers["Content-Type"] == "image/tiff"


@pytest.mark.parametrize("name", ['a"b.csv', "é\r\nSet-Cookie: a=b", "..\\x", "a;b"])
def test_a_file_name_is_quoted(api: Api, name: str) -> None:
    api.array("a", BYTE)
    response = api.client.get(
        "/api/v1/array/full/a",
        {"format": "csv", "filename": name},
        headers={"authorization": "Apikey secret"},
    )
    assert response.status_code == 200
    assert response.headers["Content-Disposition"].startswith("attachment; filename")
    assert "\n" not in response.headers["Content-Disposition"]
