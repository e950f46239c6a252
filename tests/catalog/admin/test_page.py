"""The page of one node."""

from __future__ import annotations

import base64
import io
import re
import shutil
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pytest
import tifffile
from PIL import Image
from pytest_django import DjangoAssertNumQueries, Settings

from catalog.models import DataSource, Node
from catalog.services.stores.folder.paths import node_folder
from catalog.storage.files import file_uri
from tests.buckets import in_folder
from tiled_client.wire.structures import ArrayStructure, TableStructure

from ..conftest import ARROW, Api, ipc
from .conftest import LISTING, Browser


def picture(page: str) -> np.ndarray:
    """The pixels of the picture on a page."""
    found = re.search(r'src="data:image/png;base64,([^"]+)"', page)
    assert found is not None
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(found[1]))))


def fact(page: str, label: str) -> str:
    found = re.search(rf"<dt>{label}</dt><dd>(.*?)</dd>", page)
    assert found is not None
    return found[1]


@in_folder
def test_a_page_describes_the_node_its_structure_and_its_data_source(
    api: Api, browser: Browser
) -> None:
    api.array("a", np.zeros((20, 30), "<f4"))
    page = browser.page("a")
    assert fact(page, "UUID") == str(Node.objects.get(path="a").uuid)
    assert fact(page, "Shape") == "20 × 30"  # noqa: RUF001
    assert fact(page, "Dtype") == "float32 (4 bytes)"
    assert fact(page, "Mimetype") == "application/x-zarr"
    assert re.match(r"\d+\.\d kB in 2 files", fact(page, "On disk"))
    assert file_uri(node_folder(Node.objects.get(path="a").uuid)) in page


def test_metadata_are_shown_as_text_and_long_parts_folded(api: Api, browser: Browser) -> None:
    long = {f"motor_{number}": {"value": number, "units": "mm" * 40} for number in range(30)}
    metadata = {"title": "<script>alert(1)</script>", "baseline": long, "deep": [[[[[1]]]]]}
    body = {"id": "a", "structure_family": "container", "metadata": metadata}
    api.send("POST", "/metadata/", body)
    response = browser.client.get(browser.address("a"))
    assert b"<script>alert" not in response.content
    assert b"&lt;script&gt;alert(1)" in response.content
    assert "<details><summary><span class='json-key'>\"baseline\"</span>: {" in browser.page("a")


def test_metadata_nested_without_end_are_cut_off(api: Api, browser: Browser) -> None:
    api.container("a")
    nested: object = "bottom"
    for _ in range(400):
        nested = [nested]
    Node.objects.filter(path="a").update(metadata={"nested": nested})
    assert "…" in browser.page("a")


def test_revisions_show_the_former_metadata(api: Api, browser: Browser) -> None:
    api.container("a")
    for value in ("first", "second"):
        body = {"metadata": {"value": value}, "specs": []}
        assert api.send("PUT", "/metadata/a", body).status_code == 200
    page = browser.page("a")
    assert "Revision 2, from" in page
    assert '"first"' in page


def test_the_newest_frame_that_was_written_is_shown_in_grey(api: Api, browser: Browser) -> None:
    stack = np.zeros((5, 40, 50), ">u2")
    stack[2, :20] = 1000
    api.array("a", stack)
    page = browser.page("a")
    assert "frame [2] · black 0, white 1000" in page
    assert picture(page).tolist() == np.where(stack[2] > 0, 255, 0).tolist()
    assert not picture(browser.page("a", "?frame=4")).any()


def test_bytes_with_three_to_a_pixel_are_shown_in_colours(api: Api, browser: Browser) -> None:
    pixels = np.arange(40 * 50 * 3, dtype="u1").reshape(40, 50, 3)
    api.array("a", pixels)
    assert (picture(browser.page("a")) == pixels).all()


def test_a_large_picture_is_scaled_down(api: Api, browser: Browser) -> None:
    api.array("a", np.arange(600 * 1100, dtype="f4").reshape(600, 1100))
    assert picture(browser.page("a")).shape == (200, 367)


@pytest.mark.parametrize(
    "array",
    [
        np.full((4, 4), np.nan),
        np.array([[np.inf, -np.inf, np.nan, 1e308], [-1e308, 0, 1, 2]]),
        np.ones((3, 4), bool),
        np.ones((2, 3), "c16") * 1j,
        np.full((1, 100_000), 2**63, "u8"),
        np.array([1e308, -1e308, np.nan, 0]),
        np.array([7], "i1"),
    ],
)
def test_any_numbers_have_a_picture_or_a_line(
    api: Api, browser: Browser, array: np.ndarray
) -> None:
    api.array("a", array)
    page = browser.page("a")
    assert "data:image/png" in page or "<polyline" in page


def test_a_line_keeps_spikes_and_gaps(api: Api, browser: Browser) -> None:
    values = np.zeros(10_000)
    values[7777] = 3.5
    values[2000:4000] = np.nan
    api.array("a", values)
    page = browser.page("a")
    assert "from 0 to 3.5" in page
    assert page.count("<polyline") == 2


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.array(42.5), "42.5"),
        (np.array(["alpha", "beta"]), "['alpha', 'beta']"),
        (np.array([(1, b"ab")], [("n", "i4"), ("s", "S2")]), "[(1, b'ab')]"),
        (np.array(["2025-11-22"], "M8[D]"), "['2025-11-22']"),
        (np.arange(500).astype("U3").reshape(5, 100), "['0', '1', '2'"),
    ],
)
def test_values_that_cannot_be_drawn_are_shown_as_text(
    api: Api, browser: Browser, array: np.ndarray, text: str
) -> None:
    api.array("a", array)
    assert text in browser.page("a")


def test_a_table_shows_its_first_and_last_rows_and_how_many_there_are(
    api: Api, browser: Browser
) -> None:
    rows = pa.table({"x": range(8), "name": [None, *"bcdefgh"]})
    api.table("t", rows)
    assert "This table has no rows yet." in browser.page("t")
    for _ in range(2):
        api.send("PATCH", "/table/partition/t?partition=0", ipc(rows), ARROW)
    page = browser.page("t")
    assert "16 rows, the first 10 and the last 6 shown" in page
    for _ in range(2):
        api.send("PATCH", "/table/partition/t?partition=0", ipc(rows.slice(5)), ARROW)
    last = browser.page("t").partition("Last rows")[2].partition("</table>")[0]
    assert re.findall(r"<tr><td>(\d)</td>", last) == [*"4567567567"]
    assert "<tr><td>0</td><td>null</td></tr>" in page
    assert page.count("<tr><td>1</td><td>b</td></tr>") == 2
    assert "<tr><td>2</td><td>c</td></tr>" in page


@pytest.fixture
def frames(api: Api, tmp_path: Path, settings: Settings) -> Path:
    """Two registered external files."""
    storage = settings.TILED.storage.model_copy(update={"readable": [tmp_path]})
    settings.TILED = settings.TILED.model_copy(update={"storage": storage})
    array = np.arange(2 * 30 * 40, dtype="u2").reshape(2, 30, 40)
    assets = []
    for number, frame in enumerate(array):
        tifffile.imwrite(tmp_path / f"{number}.tiff", frame)
        uri = file_uri(tmp_path / f"{number}.tiff")
        asset = {"data_uri": uri, "is_directory": False, "parameter": "data_uris", "num": number}
        assets.append(asset)
    source = {
        "structure_family": "array",
        "structure": ArrayStructure.from_array(array).to_json(),
        "mimetype": "multipart/related;type=image/tiff",
        "management": "external",
        "assets": assets,
    }
    body = {"id": "tif", "structure_family": "array", "data_sources": [source]}
    assert api.send("POST", "/register/", body).status_code == 200
    return tmp_path


def test_files_of_others_have_a_picture_too(browser: Browser, frames: Path) -> None:
    page = browser.page("tif")
    assert picture(page).shape == (30, 40)
    assert fact(page, "Management") == "external"
    assert "in 2 files" in fact(page, "On disk")


def test_files_of_others_show_their_first_rows(api: Api, browser: Browser, frames: Path) -> None:
    path = frames / "log.csv"
    path.write_text("x,name\n1,a\n2,b\n3")
    schema = pa.schema({"x": pa.int64(), "name": pa.string()})
    source = {
        "structure_family": "table",
        "structure": TableStructure.from_schema(schema).to_json(),
        "mimetype": "text/csv",
        "management": "external",
        "assets": [{"data_uri": file_uri(path), "is_directory": False}],
    }
    body = {"id": "log", "structure_family": "table", "data_sources": [source]}
    assert api.send("POST", "/register/", body).status_code == 200
    page = browser.page("log")
    assert "<tr><td>2</td><td>b</td></tr>" in page
    assert "2 rows" in page
    path.write_text("x,name\n1\n")
    assert "Expected 2 columns, got 1" in browser.page("log")


@in_folder
def test_a_missing_or_broken_file_is_reported_in_one_sentence(
    api: Api, browser: Browser, frames: Path
) -> None:
    (frames / "1.tiff").write_bytes(b"no picture at all")
    assert "cannot be read" in browser.page("tif")
    (frames / "0.tiff").unlink()
    assert "0.tiff does not exist" in browser.page("tif")
    api.array("own", np.ones((4, 4)))
    shutil.rmtree(node_folder(Node.objects.get(path="own").uuid))
    assert "does not exist" in browser.page("own")


def test_the_stream_of_a_node_is_shown(api: Api, browser: Browser) -> None:
    api.array("a", np.ones(3))
    page = browser.page("a")
    assert fact(page, "State") == "open"
    assert fact(page, "Last sequence") == "1"
    assert fact(page, "Retained") == "1 to 1 (1 in all)"
    assert fact(page, "Subscribers now") == "0"
    api.send("DELETE", "/stream/close/a")
    assert fact(browser.page("a"), "State") == "closed"


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [
        (None, "Streaming is off: this server has no streaming cache."),
        ("unix:///nowhere/at/all", "The streaming cache cannot be reached."),
    ],
)
def test_the_page_shows_that_there_is_no_stream(
    api: Api, browser: Browser, settings: Settings, uri: str | None, sentence: str
) -> None:
    api.array("a", np.ones(3))
    cache = settings.TILED.streaming_cache.model_copy(update={"uri": uri})
    settings.TILED = settings.TILED.model_copy(update={"streaming_cache": cache})
    assert sentence in browser.page("a")


def test_entries_in_the_outbox_are_shown(api: Api, browser: Browser, settings: Settings) -> None:
    cache = settings.TILED.streaming_cache.model_copy(update={"uri": "unix:///nowhere/at/all"})
    settings.TILED = settings.TILED.model_copy(update={"streaming_cache": cache})
    api.array("a", np.ones(3))
    page = browser.page("a")
    assert fact(page, "State") == "The streaming cache cannot be reached."
    assert fact(page, "Waiting").startswith("1 update, ")


def test_many_assets_take_the_same_number_of_queries(
    browser: Browser, frames: Path, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(14):
        browser.page("tif")


def test_nothing_can_be_added_or_changed(api: Api, browser: Browser) -> None:
    api.container("a")
    assert browser.client.get("/admin/catalog/node/add/").status_code == 403
    assert browser.post(browser.address("a"), metadata="{}", key="b").status_code == 403
    assert orjson.loads(api.get("/metadata/a").content)["data"]["id"] == "a"


def test_the_list_includes_nodes_that_cannot_be_described(api: Api, browser: Browser) -> None:
    api.array("good", np.arange(3))
    api.array("bad", np.arange(3))
    DataSource.objects.filter(node__path="bad").update(structure={"shape": "?"})
    assert browser.names() == ["bad", "good"]
    assert "cannot be described" in browser.open(LISTING)
