"""Nodes as HTML, as notebooks show them."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
import time
from html.parser import HTMLParser

import awkward
import numpy as np
import pytest
from PIL import Image

from tests.client.cuttable_proxy import Line
from tests.conftest import API_KEY
from tests.servers import RunningServer
from tiled_client import AsyncClient, Container, from_uri

ATTACK = "<script>alert(1)<"
WITHOUT_END = {"br", "img"}


class Page(HTMLParser):
    """The elements and the texts of a piece of HTML, which has to be complete."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[str] = []
        self.texts: list[str] = []
        self.images: list[Image.Image] = []
        self.feed(html)
        self.close()
        assert self.open == []
        assert len(html.encode()) < 100_000

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "style", "iframe", "object", "link")
        given = dict(attrs)
        assert not any(name.startswith("on") for name in given)
        self.elements.append(tag)
        if tag not in WITHOUT_END:
            self.open.append(tag)
        if tag == "img":
            source = given["src"] or ""
            assert source.startswith("data:image/png;base64,")
            content = base64.b64decode(source.partition(",")[2])
            self.images.append(Image.open(io.BytesIO(content)).convert("RGBA"))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def page(node: object) -> Page:
    return Page(node._repr_html_())  # type: ignore[attr-defined]


@pytest.fixture
def client(server: RunningServer) -> Container:
    made: Container = from_uri(server.uri, api_key=API_KEY).create_container()
    return made


def lightness(image: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.asarray(image, float)[..., :3].sum(axis=2)


def test_keys_metadata_columns_and_values_are_text(client: Container) -> None:
    folder = client.create_container(ATTACK, metadata={ATTACK: [ATTACK]}, specs=[ATTACK])
    folder.write_table({ATTACK: [ATTACK, None]}, key=ATTACK)
    folder.write_array(np.array([ATTACK]), key="text", dims=[ATTACK])
    folder.write_awkward([{ATTACK: ATTACK}], key="awkward")
    folder.create_container("\N{RIGHT-TO-LEFT OVERRIDE}gnp")
    for node in (client, folder, *folder.values()):
        shown = page(node).text
        assert ATTACK in shown
        assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in shown


def test_a_container_is_a_tree_of_few_requests(client: Container) -> None:
    for number in range(12):
        inner = client.create_container(f"c{number}", metadata={"x": number})
        for key in ("a", "b"):
            inner.write_array(np.zeros((2, 3)), key=key)
    shown = page(client)
    assert shown.elements.count("details") == 9, "the requests are limited"
    assert "12 entries c0 container , 2 entries a array 2 x 3 float64" in shown.text
    assert "... 3 more" not in shown.text
    assert page(client["c0"]).text.endswith('{ "x": 0 }')


def test_an_image_is_a_picture_that_the_server_has_reduced(client: Container) -> None:
    rows, columns = np.mgrid[:500, :800]
    image = client.write_array(rows * 800 + columns, key="image")
    shown = page(image)
    (picture,) = shown.images
    assert picture.size == (200, 125)
    light = lightness(picture)
    assert light[0, 0] < light[60, 100] < light[-1, -1]
    assert "a pixel for 4 x 4 elements" in shown.text
    noise = client.write_array(np.random.default_rng(0).normal(size=(600, 600)), key="noise")
    assert len(page(noise).images) == 1


def test_of_several_frames_the_newest_is_shown(client: Container) -> None:
    frames = np.zeros((3, 20, 10))
    frames[2, 5:10, 5] = [np.nan, np.inf, 1, 2, 1]
    shown = page(client.write_array(frames, key="frames"))
    opacity = np.asarray(shown.images[0])[..., 3]
    assert opacity[5:10, 5].tolist() == [0, 255, 255, 255, 255], "NaN is transparent"
    assert "the newest frame [2]" in shown.text
    colours = np.zeros((2, 300, 300, 3), "u1")
    colours[1, :150] = (200, 100, 50)
    (picture,) = page(client.write_array(colours, key="colours")).images
    assert picture.size == (100, 100)
    assert picture.getpixel((50, 10)) == (200, 100, 50, 255)
    assert picture.getpixel((50, 90)) == (0, 0, 0, 255)


def test_numbers_in_a_row_are_a_line_with_its_extremes(client: Container) -> None:
    values = np.zeros(100_000)
    values[70_000] = 7
    shown = page(client.write_array(values, key="spike"))
    assert "polygon" in shown.elements
    assert "0 to 7" in shown.text
    gaps = page(client.write_array(np.array([1, np.nan, 2, 3]), key="gaps"))
    assert gaps.elements.count("circle") == gaps.elements.count("polyline") == 1


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.zeros((0, 3)), "no elements"),
        (np.array(3.5), "3.5"),
        (np.array(["2026-01-01"] * 20, "M8[D]"), "first 10 of 20"),
        (np.zeros(3, [("a", "i4"), ("b", "f8")]), "(0, 0.)"),
        (np.full((4, 4), np.nan), "no finite values"),
        (np.full((4, 4), 3 + 4j), "absolute values 5 to 5"),
        (np.array([1e308, -1e308]), "-1e+308 to 1e+308"),
        (np.ones((2, 2), bool), "1 to 1"),
    ],
    ids=lambda value: getattr(value, "dtype", None) and f"{value.dtype}{value.shape}",
)
def test_arrays_of_every_kind_are_shown(
    client: Container, array: np.ndarray[tuple[int, ...], np.dtype[np.generic]], expected: str
) -> None:
    assert expected in page(client.write_array(array)).text


def test_a_table_has_its_first_and_last_rows(client: Container) -> None:
    shown = page(client.write_table({"n": np.arange(3000), "s": ["x" * 500] * 3000}))
    assert (
        re.findall(r"\b\d+ (\d+) xxx", shown.text) == "0 1 2 3 4 2995 2996 2997 2998 2999".split()
    )
    assert "3,000 rows" in shown.text
    wide = client.write_table({f"c{number}": [number] for number in range(40)})
    assert "1 row, 28 more columns" in page(wide).text


def test_other_families_have_their_first_items(client: Container) -> None:
    ragged = client.write_ragged([[1.5], [], [2.5, 3.5]])
    assert "[1.5] [] [2.5, 3.5]" in page(ragged).text
    events = client.write_awkward(awkward.Array([{"n": n} for n in range(7)]))
    assert '{"n": 4} ... 2 more' in page(events).text
    sparse = client.write_sparse(np.array([[0], [1]]), np.array([1.0]), (3, 4))
    assert "3 x 4 float64" in page(sparse).text


def test_large_metadata_are_cut(client: Container) -> None:
    values = {f"key {number}": "value" * 50 for number in range(2000)}
    assert page(client.create_container(metadata=values)).text.endswith("...")


def test_a_server_that_is_away_leaves_what_is_known(server: RunningServer) -> None:
    with Line(server.uri) as line:
        client = from_uri(line.uri, api_key=API_KEY).create_container(metadata={"a": 1})
        x = client.write_array(np.zeros((3, 4)), key="x")
        line.is_down = True
        line.cut()
        begun = time.monotonic()
        for node in (client, x):
            shown = page(node).text
            assert "No preview: " in shown
        assert time.monotonic() - begun < 3
        assert "3 x 4 float64" in shown


def test_nodes_of_asyncio_are_shown_without_requests(client: Container) -> None:
    async def show() -> str:
        async with AsyncClient(client.uri, API_KEY) as node:
            return page(node).text

    client.update_metadata({"color": "red"})
    shown = asyncio.run(show())
    assert shown.startswith("AsyncContainer")
    assert json.loads(shown[shown.index("{") :]) == {"color": "red"}
