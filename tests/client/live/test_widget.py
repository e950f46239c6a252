"""The widget of live plots, with the bundled module in a real browser."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hatchling.builders.wheel import WheelBuilder
from PIL import Image
from playwright.sync_api import Browser

from tests.client.live.widget_page import WidgetPage, page_comms
from tests.conftest import API_KEY
from tests.servers import PROJECT, RunningServer
from tests.web.browser import chromium
from tests.web.conftest import watched_page
from tiled_client import from_uri, live
from tiled_client.live.notebook.plot import NotebookPlot
from tiled_client.live.notebook.widget import BUNDLE
from web.modules import digest

# Compressed; the page itself has 150 KiB.
MAX_BYTES = 90 * 1024


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def root(server: RunningServer) -> Iterator[Any]:
    with page_comms():
        yield from_uri(server.uri, api_key=API_KEY).create_container()


def colour(shown: WidgetPage) -> tuple[int, ...]:
    """Return the colour in the middle of the image, () before there is one."""
    if not shown.page.locator(".image-stage").count():
        return ()
    picture = Image.open(io.BytesIO(shown.page.locator(".image-stage").screenshot())).convert("RGB")
    found: Any = picture.getpixel((picture.width // 2, picture.height // 2))
    return tuple(found)


def test_the_bundle_is_made_of_the_present_sources() -> None:
    sources = json.loads((BUNDLE / "built.json").read_bytes())["sources"]
    current = digest(sources["files"], PROJECT)
    assert sources["sha256"] == current, "run `npm ci && npm run build` in web/tooling"


def test_the_bundle_is_small_and_in_the_wheel() -> None:
    assert len(gzip.compress((BUNDLE / "widget.js").read_bytes(), 9)) < MAX_BYTES
    builder = WheelBuilder(str(PROJECT / "client"))
    names = {each.distribution_path for each in builder.recurse_included_files()}
    folder = "tiled_client/live/notebook/bundle"
    assert {f"{folder}/widget.js", f"{folder}/widget.css", f"{folder}/LICENSES.txt"} <= names


def test_an_image_is_followed_and_none_waits_in_the_kernel(root: Any, browser: Browser) -> None:
    camera = root.write_array(np.zeros((600, 800), "uint16"), key="camera")
    with (
        live.image(camera, cmap="gray", limits=(0, 100), backend="jupyter", max_rate=100) as plot,
        watched_page(browser) as page,
    ):
        assert isinstance(plot, NotebookPlot)
        shown = WidgetPage(page, plot)
        shown.until(lambda: colour(shown) == (0, 0, 0))
        # A page that draws nothing: one image is on its way to it, no more.
        for n in range(1, 31):
            camera.write(np.full((600, 800), n, "uint16"))
        assert shown.queued <= 2
        for n in range(31, 101):
            camera.write(np.full((600, 800), n, "uint16"))
            shown.pass_on()
            page.wait_for_timeout(1)
        camera.close_stream()
        shown.until(lambda: "ended" in shown.status)
        shown.until(lambda: colour(shown) == (255, 255, 255))
        assert "#101" in shown.status
        assert "skipped" in shown.status
        assert shown.passed < 101
        # The part that is zoomed into comes in full.
        assert "1 pixel per" in page.locator(".image-facts").inner_text()
        for _ in range(4):
            page.get_by_role("button", name="Zoom in").click()
        shown.until(lambda: "1 pixel per" not in page.locator(".image-facts").inner_text())


def test_no_row_of_a_line_is_left_out(root: Any, browser: Browser) -> None:
    log = root.write_table({"t": [0.0], "c": [0]}, key="log")
    with (
        live.line(log, x="t", y="c", history=80, backend="jupyter") as plot,
        watched_page(browser, dark=True) as page,
    ):
        assert isinstance(plot, NotebookPlot)
        shown = WidgetPage(page, plot, background="#111")
        for n in range(1, 101):
            log.append({"t": [n / 2], "c": [n]})
            shown.pass_on()
            page.wait_for_timeout(1)
        log.close_stream()
        summary = page.locator(".plot-canvas")
        shown.until(
            lambda: (
                summary.count() == 1
                and "50, minimum" in (summary.get_attribute("aria-label") or "")
            )
        )
        label = summary.get_attribute("aria-label") or ""
        assert "maximum 100, last 100" in label
        points = page.evaluate("() => document.querySelector('.plot-canvas').ariaLabel")
        assert int(points.split("c: ")[1].split(" points")[0]) >= 80
        assert page.locator(".tiled-live").get_attribute("data-theme") == "dark"


def test_a_table_shows_the_last_rows(root: Any, browser: Browser) -> None:
    log = root.write_table({"t": [0.5], "ok": [True], "note": ["a"]}, key="log")
    with live.table(log, rows=2, backend="jupyter") as plot, watched_page(browser) as page:
        assert isinstance(plot, NotebookPlot)
        shown = WidgetPage(page, plot)
        log.append({"t": [1.5, 2.5], "ok": [False, True], "note": ["b", "<c>"]})
        cells = page.locator(".live-rows td")
        shown.until(lambda: cells.all_inner_texts()[-1:] == ["<c>"])
        assert cells.all_inner_texts() == ["1", "1.5", "false", "b", "2", "2.5", "true", "<c>"]


def test_a_saved_widget_shows_its_picture(root: Any, browser: Browser) -> None:
    x = root.write_array(np.arange(6.0), key="x")
    with live.line(x, backend="jupyter") as plot, watched_page(browser) as page:
        assert isinstance(plot, NotebookPlot)
        shown = WidgetPage(page, plot)
        # No message of a kernel has come.
        assert page.locator("img.live-picture").bounding_box()["width"] > 300  # type: ignore[index]
        assert "saved picture" in shown.status
