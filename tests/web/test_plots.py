"""Line plots and grids in a real browser: a million points, zoom, keys, export, paging."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.web.browser import Fingers, site
from tests.web.conftest import settle, until, watched_page

HERE = Path(__file__).parent
# A frame of the screen at 20 Hz, in milliseconds.
FRAME = 50


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with site() as url:
        yield url


@pytest.fixture
def page(address: str, browser: Browser) -> Iterator[Page]:
    with watched_page(browser, width=1000, height=900) as page:
        page.goto(f"{address}/tests/plots/page.html")
        until(page, "window.page?.grid")
        yield page


def plot(page: Page) -> Locator:
    return page.locator(".plot-canvas")


def show(page: Page, x: str, **series: str) -> None:
    """Draw series over x, which are JavaScript."""
    lines = ", ".join(f"{{ label: {label!r}, x, y: {y} }}" for label, y in series.items())
    page.evaluate(f"() => {{ const x = {x}; page.plot([{lines}]); }}")
    # The chart takes the size of its place after the first drawing.
    settle(page)


def first_row(page: Page) -> Locator:
    return page.locator(".grid-rows [role=row]").first


def last_row(page: Page) -> Locator:
    return page.locator(".grid-rows [role=row]").last


def test_modules_without_a_browser() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed")
    done = subprocess.run(
        [node, "--test", str(HERE / "plots")], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_line_of_a_million_points_grows_within_a_frame_of_the_screen(page: Page) -> None:
    # The least of many: whatever else the machine does then takes part of the others only.
    assert min(page.evaluate("() => page.grow(40)")) < FRAME
    summary = plot(page).get_attribute("aria-label") or ""
    # The one high value is not lost among the others.
    assert "1040000 points from 0 to 1039999" in summary
    assert re.search(r"maximum 8\.\d", summary)


def test_dragging_zooms_and_a_key_shows_all_again(page: Page) -> None:
    show(page, "null", a="Array.from({ length: 1001 }, (_, i) => i)")
    box = page.locator(".u-over").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 4, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, middle, steps=4)
    page.mouse.up()
    until(page, "page.view.range")
    left, right = page.evaluate("() => page.view.range.split(',').map(Number)")
    assert (left, right) == (pytest.approx(250, abs=5), pytest.approx(500, abs=5))
    plot(page).press("0")
    assert page.evaluate("() => page.view.range") is None


def test_two_fingers_zoom_and_one_moves_the_plot(address: str, browser: Browser) -> None:
    with watched_page(browser, width=390, height=800, touch=True) as page:
        page.goto(f"{address}/tests/plots/page.html")
        until(page, "window.page?.grid")
        show(page, "null", a="Array.from({ length: 1001 }, (_, i) => i)")
        box = page.locator(".u-over").bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        fingers = Fingers(page)
        fingers.drag(((x - 40, y), (x - 80, y)), ((x + 40, y), (x + 80, y)))
        until(page, "page.view.range")
        settle(page)
        left, right = page.evaluate("() => page.view.range.split(',').map(Number)")
        assert (left, right) == (pytest.approx(250, abs=30), pytest.approx(750, abs=30))
        fingers.drag(((x, y), (x + 80, y)))
        until(page, f"page.view.range.split(',')[0] < {left} - 50")
        moved = page.evaluate("() => page.view.range.split(',').map(Number)")
        assert moved[1] - moved[0] == pytest.approx(right - left, abs=1)


def test_keys_move_a_cursor_whose_values_are_read_out(page: Page) -> None:
    show(page, "[0, 10, 20]", a="[5, 6, 7]", b="[1, NaN, 3]")
    plot(page).focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    expect(page.locator("[aria-live]")).to_have_text("a 6 at 10, b NaN at 10")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[aria-live]")).to_have_text("a 7 at 20, b 3 at 20")


def test_export_is_of_what_is_shown(page: Page) -> None:
    show(page, "[1, 2, 3]", **{"a, b": "[5, 6, 7]", "c": "[0.5, 1, 2]"})
    with page.expect_download() as whole:
        page.get_by_role("button", name="CSV").click()
    assert Path(whole.value.path()).read_text() == 'index,"a, b",c\n1,5,0.5\n2,6,1\n3,7,2\n'
    hidden = page.get_by_role("button", name="a, b")
    hidden.click()
    expect(hidden).to_have_attribute("aria-pressed", "false")
    settle(page)
    page.get_by_role("button", name="Zoom in").click()
    settle(page)
    with page.expect_download() as part:
        page.get_by_role("button", name="CSV").click()
    assert Path(part.value.path()).read_text() == "index,c\n2,1\n"
    with page.expect_download() as picture:
        page.get_by_role("button", name="PNG").click()
    assert Path(picture.value.path()).read_bytes()[:4] == b"\x89PNG"


def test_colours_follow_the_scheme(page: Page) -> None:
    show(page, "null", a="[1, 2]")
    mark = page.locator(".plot-mark")
    page.emulate_media(color_scheme="light")
    light = mark.evaluate("element => getComputedStyle(element).backgroundColor")
    page.emulate_media(color_scheme="dark")
    expect(mark).not_to_have_css("background-color", light)


def test_a_grid_of_many_rows_reads_those_in_view(page: Page) -> None:
    page.evaluate("() => page.grid(5e6)")
    expect(last_row(page)).to_contain_text("row 4999999")
    # Those are known; nothing was read.
    assert page.evaluate("() => page.reads") == []
    grid = page.get_by_role("grid")
    grid.press("Home")
    expect(first_row(page)).to_contain_text("row 0")
    assert page.evaluate("() => page.follow") is False
    assert page.evaluate("() => page.reads") == [[0, 200]]
    settle(page)
    grid.press("PageDown")
    grid.press("PageDown")
    expect(page.locator("[aria-selected=true]")).to_have_attribute(
        "class", re.compile("grid-number")
    )
    grid.evaluate("element => { element.scrollTop = element.scrollHeight / 2 }")
    expect(first_row(page)).to_contain_text(re.compile(r"row 2[45]\d{5}"))
    grid.press("End")
    expect(last_row(page)).to_contain_text("row 4999999")
    assert page.evaluate("() => page.follow") is True


def test_a_grid_stays_where_it_is_unless_it_follows(page: Page) -> None:
    page.evaluate("() => page.grid(1000)")
    page.evaluate("() => page.grid(1200)")
    expect(last_row(page)).to_contain_text("row 1199")
    box = page.get_by_role("grid").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 50, box["y"] + 100)
    page.mouse.wheel(0, -2600)
    expect(last_row(page)).to_contain_text(re.compile(r"row 109\d"))
    settle(page)
    shown = last_row(page).inner_text()
    page.evaluate("() => page.grid(1300)")
    expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", "1301")
    assert last_row(page).inner_text() == shown
