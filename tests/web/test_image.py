"""The image view in a real browser: colours, limits, zoom, readout, regions and export."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect

from tests.web.browser import WEBGL, Fingers, chromium, site
from tests.web.conftest import settle, until, watched_page, without_errors

# First, middle and last colour of viridis.
LOW, MIDDLE, HIGH = [68, 1, 84, 255], [33, 145, 140, 255], [253, 231, 37, 255]
GREY = [128, 128, 128, 255]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with site() as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium(*WEBGL) as found:
        yield found


@pytest.fixture(params=["webgl2", "canvas"])
def renderer(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def opened(address: str, browser: Browser) -> Iterator[Page]:
    with watched_page(browser, width=1000, height=900) as page:
        page.goto(f"{address}/tests/image/page.html")
        until(page, "window.page?.display")
        yield page


@pytest.fixture
def page(opened: Page, renderer: str) -> Iterator[Page]:
    with without_errors(opened):
        opened.evaluate("renderer => page.reset(renderer)", renderer)
        settle(opened)
        yield opened


def frame(array: NDArray[Any], **place: Any) -> dict[str, Any]:
    """Return a frame as the page of the tests takes it."""
    return {
        "dtype": str(array.dtype),
        "base64": base64.b64encode(np.ascontiguousarray(array).tobytes()).decode(),
        "height": array.shape[0],
        "width": array.shape[1],
        "channels": array.shape[2] if array.ndim == 3 else 1,
        **place,
    }


def show(page: Page, array: NDArray[Any], view: dict[str, Any], **place: Any) -> None:
    page.evaluate("([spec, view]) => page.show(spec, view)", [frame(array, **place), view])


def colours(page: Page, *points: tuple[int, int]) -> list[list[int]]:
    """Return the colours at points (y, x) of the array."""
    found: list[list[int]] = page.evaluate("points => page.colours(points)", list(points))
    return found


def row(page: Page, values: list[Any], dtype: str, view: dict[str, Any]) -> list[list[int]]:
    """Return the colours of an image of one row."""
    show(page, np.array([values], dtype), view)
    return colours(page, *((0, x) for x in range(len(values))))


def near(found: list[int], wanted: list[int], tolerance: int = 3) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(found, wanted, strict=True))


# For each type, a lower limit that is far from zero where the type allows.
OFFSETS = {
    "uint8": 10,
    "uint16": 60_000,
    "uint32": 4_000_000_000,
    "uint64": 2**40,
    "int8": -100,
    "int16": -30_000,
    "int32": -2_000_000_000,
    "int64": -(2**40),
    "float32": -0.5,
    "float64": 1e9,
}


def test_each_type_has_the_colours_of_its_values(page: Page) -> None:
    for dtype, offset in OFFSETS.items():
        values = [offset, offset + 50, offset + 100]
        found = row(page, values, dtype, {"limits": f"{offset},{offset + 100}"})
        assert all(map(near, found, (LOW, MIDDLE, HIGH))), (dtype, found)


def test_nan_infinities_and_values_outside_the_limits_have_colours_of_their_own(page: Page) -> None:
    view = {"limits": "0,1", "below": "#0000ff", "above": "#ff0000", "nan": "#00ff00"}
    values = [np.nan, -np.inf, -0.1, 0, 1, 1.1, np.inf]
    blue, red, green = [0, 0, 255, 255], [255, 0, 0, 255], [0, 255, 0, 255]
    assert row(page, values, "float32", view) == [green, blue, blue, LOW, HIGH, red, red]
    ends = {"limits": "0,1"}
    assert row(page, values, "float64", ends) == [GREY, LOW, LOW, LOW, HIGH, HIGH, HIGH]


def test_masked_pixels_and_masked_values_have_a_colour_and_no_part_in_the_limits(
    page: Page,
) -> None:
    view = {"mask": "max;7", "masked": "#ff00ff", "limits": "minmax"}
    pink = [255, 0, 255, 255]
    found = row(page, [1, 7, 2**32 - 1, 3], "uint32", view)
    assert found == [LOW, pink, pink, HIGH]
    show(page, np.array([[1, 9, 3]], "uint16"), view, mask=[0, 1, 0])
    assert colours(page, (0, 0), (0, 1), (0, 2)) == [LOW, pink, HIGH]


def test_booleans_and_inverted_maps(page: Page) -> None:
    assert row(page, [False, True], "bool", {}) == [LOW, HIGH]
    assert row(page, [False, True], "bool", {"invert": True}) == [HIGH, LOW]
    assert row(page, [False, True], "bool", {"map": "greys"}) == [[0, 0, 0, 255], [255] * 4]


def test_scales_put_their_middle_into_the_middle_of_the_map(page: Page) -> None:
    middles = {
        "log": [1, 1000, 1_000_000],
        "sqrt": [0, 25, 100],
        "gamma": [0, 81, 100],
        "symlog": [-100, 0, 100],
    }
    for scale, values in middles.items():
        view = {"scale": scale, "gamma": 3.2894, "limits": f"{values[0]},{values[2]}"}
        for dtype in ("float32", "int32"):
            found = row(page, values, dtype, view)
            assert all(map(near, found, (LOW, MIDDLE, HIGH))), (scale, dtype, found)


def test_parts_of_complex_values(page: Page) -> None:
    values = [3 + 4j, -1 + 0j, complex(np.nan, 0)]
    for dtype in ("complex64", "complex128"):
        found = row(page, values, dtype, {"limits": "1,5"})
        assert found == [HIGH, LOW, GREY]
        assert row(page, values, dtype, {"limits": "-1,3", "part": "real"}) == [HIGH, LOW, GREY]
        assert row(page, values, dtype, {"limits": "0,4", "part": "imaginary"})[:2] == [HIGH, LOW]
    row(page, values, "complex64", {"part": "phase"})
    limits = page.evaluate("page.display.limits")
    assert limits == {"lo": pytest.approx(-np.pi), "hi": pytest.approx(np.pi)}


def test_colour_images_are_shown_as_they_are(page: Page) -> None:
    rgb = np.array([[[255, 0, 0], [1, 2, 3]]], "uint8")
    show(page, rgb, {})
    assert colours(page, (0, 0), (0, 1)) == [[255, 0, 0, 255], [1, 2, 3, 255]]
    rgba = np.array([[[65535, 0, 0, 65535], [9, 9, 9, 0]]], "uint16")
    show(page, rgba, {})
    assert colours(page, (0, 0), (0, 1)) == [[255, 0, 0, 255], [0, 0, 0, 0]]
    show(page, np.array([[[0, 0.5, 1.5]]], "float32"), {})
    assert near(colours(page, (0, 0))[0], [0, 128, 255, 255], 1)


def test_colour_images_have_limits_and_scales_in_every_type(page: Page) -> None:
    dark = np.array([[[0, 500, 1000], [250, 500, 750]]])
    for dtype, unit in {"uint16": 1, "int32": 1, "float32": 1e-3, "float64": 1e-3}.items():
        show(page, (dark * unit).astype(dtype), {"limits": f"0,{1000 * unit}"})
        found = colours(page, (0, 0), (0, 1))
        assert near(found[0], [0, 128, 255, 255], 1), (dtype, found)
        assert near(found[1], [64, 128, 191, 255], 1), (dtype, found)
    image = dark.astype("uint16")
    show(page, image, {"limits": "minmax"})
    assert page.evaluate("page.display.limits") == {"lo": 0, "hi": 1000}
    show(page, image, {"limits": "0,1000", "scale": "gamma", "gamma": 0.5})
    assert near(colours(page, (0, 0))[0], [0, 180, 255, 255], 1)
    # Without limits of its own, an image has those of its type: this one is nearly black.
    show(page, image, {})
    assert page.evaluate("page.display.limits") == {"lo": 0, "hi": 65535}
    mode = page.get_by_label("Limits", exact=True)
    expect(mode).to_have_value("range")
    mode.select_option("minmax")
    until(page, "page.display.limits.hi === 1000")
    bytes_ = np.array([[[10, 20, 30, 255], [30, 20, 10, 0]]], "uint8")
    show(page, bytes_, {"limits": "10,30"})
    assert near(colours(page, (0, 0))[0], [0, 128, 255, 255], 1)
    assert colours(page, (0, 1))[0][3] == 0
    unknown = np.array([[[np.nan, 0, 0]]], "float32")
    show(page, unknown, {"nan": "#00ff00"})
    assert colours(page, (0, 0)) == [[0, 255, 0, 255]]


def test_automatic_limits_are_percentiles_of_a_fixed_sample(page: Page) -> None:
    values = np.random.default_rng(1).normal(1000, 50, (600, 700)).astype("float32")
    values[:2, :60] = 1e6
    show(page, values, {})
    limits = page.evaluate("page.display.limits")
    low, high = np.percentile(values, [0.1, 99.9])
    assert limits["lo"] == pytest.approx(low, abs=10)
    assert limits["hi"] == pytest.approx(high, abs=20)
    assert page.evaluate("page.display.sample.values.length") == 65_536
    page.evaluate("page.set({limits: 'minmax'})")
    assert page.evaluate("page.display.limits.hi") == 1e6


def test_frozen_limits_stay_for_the_next_frame(page: Page) -> None:
    show(page, np.array([[0, 10]], "uint8"), {})
    page.locator(".image-stage").press("f")
    show(page, np.array([[0, 200]], "uint8"), page.evaluate("page.state.view"))
    assert page.evaluate("page.display.limits") == {"lo": 0, "hi": 10}
    page.locator(".image-stage").press("a")
    until(page, "page.display.limits.hi === 200")


def test_zoom_keeps_its_place_over_frames_of_different_coverage(page: Page) -> None:
    full = np.arange(100 * 100, dtype="uint16").reshape(100, 100)
    show(page, full, {"limits": "0,10000", "zoom": "20,40,30,50"})
    before = colours(page, (30, 40))
    part = full[20:40, 30:50]
    place = {"y0": 20, "x0": 30, "fullHeight": 100, "fullWidth": 100}
    show(page, part, {"limits": "0,10000", "zoom": "20,40,30,50"}, **place)
    assert colours(page, (30, 40)) == before
    # Each second pixel of the full array shows the pixels between, too.
    place = {"dy": 2, "dx": 2, "fullHeight": 100, "fullWidth": 100}
    show(page, full[::2, ::2], {"limits": "0,10000", "zoom": "20,40,30,50"}, **place)
    assert colours(page, (30, 40), (31, 41)) == before * 2
    # Outside of the part that was read there is nothing.
    show(page, part, {}, y0=20, x0=30, fullHeight=100, fullWidth=100)
    assert colours(page, (10, 10), (60, 60)) == [[0, 0, 0, 0]] * 2


def test_the_region_shown_is_reported_with_its_pixels(page: Page) -> None:
    show(page, np.zeros((100, 200), "uint8"), {})
    until(page, "page.viewports.at(-1)?.x1 === 200")
    whole = page.evaluate("page.viewports.at(-1)")
    assert (whole["y0"], whole["y1"], whole["x0"], whole["x1"]) == (0, 100, 0, 200)
    assert whole["width"] == pytest.approx(2 * whole["height"], abs=2)
    stage = page.locator(".image-stage")
    stage.press("+")
    until(page, "page.viewports.at(-1).x0 === 20")
    assert page.evaluate("page.viewports.at(-1).x1") == 180
    assert page.evaluate("page.patches.at(-1).zoom").endswith(",20,180")
    stage.press("0")
    until(page, "page.viewports.at(-1).x0 === 0 && page.patches.at(-1).zoom === null")


def test_the_region_is_reported_before_the_first_frame_if_the_size_is_known(page: Page) -> None:
    page.evaluate("page.state.size = {height: 50, width: 80}; page.set({zoom: '0,20,0,20'})")
    until(page, "page.viewports.at(-1)?.y1 === 20")
    region = page.evaluate("page.viewports.at(-1)")
    assert (region["y0"], region["x0"]) == (0, 0)


def test_wheel_and_drag_zoom_and_pan_around_the_pointer(page: Page) -> None:
    show(page, np.zeros((100, 100), "uint8"), {})
    box = page.locator(".image-stage").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2 + 60, box["y"] + box["height"] / 2 + 60
    page.mouse.move(x, y)
    until(page, "page.display.cursor")
    before = page.evaluate("page.display.cursor")
    page.mouse.wheel(0, -800)
    until(page, "page.display.zoom.region !== null")
    settle(page)
    page.mouse.move(x + 1, y)
    page.mouse.move(x, y)
    after = page.evaluate("page.display.cursor")
    assert (after["y"], after["x"]) == (
        pytest.approx(before["y"], abs=1),
        pytest.approx(before["x"], abs=1),
    )
    page.mouse.down()
    page.mouse.move(x + 50, y + 30)
    page.mouse.up()
    moved = page.evaluate("page.display.cursor")
    assert moved["x"] == pytest.approx(after["x"], abs=0.1)


def test_two_fingers_zoom_and_one_moves_the_image(address: str, browser: Browser) -> None:
    with watched_page(browser, width=390, height=800, touch=True) as page:
        page.goto(f"{address}/tests/image/page.html?renderer=canvas")
        until(page, "window.page?.display")
        show(page, np.zeros((100, 100), "uint8"), {})
        settle(page)
        box = page.locator(".image-stage").bounding_box()
        assert box
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        fingers = Fingers(page)
        # The fingers move apart to twice their distance, mostly along the scroll direction.
        fingers.drag(((x, y - 40), (x, y - 80)), ((x, y + 40), (x, y + 80)))
        until(page, "page.display.zoom.region")
        region = page.evaluate("page.display.zoom.region")
        assert region["x1"] - region["x0"] == pytest.approx(50, abs=4)
        assert (region["x0"] + region["x1"]) / 2 == pytest.approx(50, abs=2)
        # One finger moves what is zoomed.
        fingers.drag(((x, y), (x + 60, y)))
        moved = page.evaluate("page.display.zoom.region")
        assert moved["x0"] < region["x0"] - 4
        assert moved["x1"] - moved["x0"] == pytest.approx(region["x1"] - region["x0"], abs=0.1)
        fingers.drag(((x, y - 80), (x, y - 20)), ((x, y + 80), (x, y + 20)))
        until(page, "!page.display.zoom.region")
        # A region that is drawn with a finger is not left behind by a pinch.
        page.evaluate("page.set({roi: '10:20,10:20'})")
        page.locator(".image-stage").press("r")
        fingers.drag(((x, y - 40), (x, y - 80)), ((x, y + 40), (x, y + 80)))
        assert page.evaluate("page.state.view.roi") == "10:20,10:20"


def test_the_readout_has_indices_of_the_full_array(page: Page) -> None:
    values = np.arange(12, dtype="int64").reshape(3, 4) + 2**60
    show(page, values, {}, y0=100, x0=200, dy=2, dx=3, fullHeight=200, fullWidth=300)
    page.evaluate("page.display.setCursor({y: 103.5, x: 207})")
    expect(page.locator(".image-value")).to_have_text(f"y 102 x 206 {2**60 + 6}")
    stage = page.locator(".image-stage")
    stage.press("Shift+ArrowRight")
    expect(page.locator(".image-value strong")).to_have_text(str(2**60 + 7))
    expect(page.locator(".image-value")).to_have_attribute("aria-live", "off")
    stage.press("v")
    expect(page.locator(".image-value")).to_have_attribute("aria-live", "polite")


def test_regions_are_drawn_and_have_numbers(page: Page) -> None:
    values = np.arange(10_000, dtype="float32").reshape(100, 100)
    values[15, 25] = np.nan
    show(page, values, {"roi": "10:20,20:40"})
    wanted = values[10:20, 20:40]
    cells = page.locator(".image-roi-row td")
    expect(cells.nth(0)).to_have_text(f"{np.nanmean(wanted):.6g}")
    expect(cells.nth(2)).to_have_text(f"{np.nanmin(wanted):g}")
    expect(cells.nth(3)).to_have_text(f"{np.nanmax(wanted):g}")
    expect(cells.nth(4)).to_have_text("199")
    stage = page.locator(".image-stage")
    stage.press("r")
    expect(stage).to_have_attribute("data-roi", "true")
    settle(page)
    at = page.evaluate(
        "[[50.5, 60.5], [70.5, 79.5]].map(([x, y]) => page.display.zoom.toStage(x, y))"
    )
    box = stage.bounding_box()
    assert box
    page.mouse.move(box["x"] + 1 + at[0]["px"], box["y"] + 1 + at[0]["py"])
    page.mouse.down()
    page.mouse.move(box["x"] + 1 + at[1]["px"], box["y"] + 1 + at[1]["py"], steps=3)
    page.mouse.up()
    assert page.evaluate("page.state.view.roi") == "10:20,20:40;60:80,50:71"
    stage.press("Delete")
    assert page.evaluate("page.state.view.roi") == "10:20,20:40"


def test_flips_mirror_the_image(page: Page) -> None:
    values = np.array([[0, 1], [2, 3]], "uint8")
    for view in ({"flipX": True}, {"flipY": "true"}, {"flipX": True, "flipY": True}):
        show(page, values, {"limits": "0,3", "map": "greys", **view})
        assert colours(page, (0, 0), (1, 1)) == [[0, 0, 0, 255], [255] * 4]
        places = page.evaluate("[0, 1].map((i) => page.display.zoom.toStage(i + 0.5, i + 0.5))")
        assert (places[1]["px"] < places[0]["px"]) == bool(view.get("flipX"))
        assert (places[1]["py"] < places[0]["py"]) == bool(view.get("flipY"))


def test_limits_are_dragged_and_moved_by_keys(page: Page) -> None:
    show(page, np.arange(100, dtype="uint8").reshape(10, 10), {})
    low = page.get_by_role("slider", name="Lower limit")
    low.press("PageUp")
    typed = page.evaluate("page.state.view.limits")
    assert 5 < float(typed.split(",")[0]) < 20
    settle(page)
    box = low.bounding_box()
    assert box
    page.mouse.move(box["x"] + 7, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + 107, box["y"] + 5, steps=3)
    # A frame that arrives meanwhile does not end the drag.
    show(page, np.arange(100, dtype="uint8").reshape(10, 10), page.evaluate("page.state.view"))
    page.mouse.up()
    assert float(page.evaluate("page.state.view.limits").split(",")[0]) > 20
    field = page.get_by_role("textbox", name="Upper limit")
    field.fill("1e3")
    field.press("Enter")
    assert page.evaluate("page.display.settings.typed.hi") == 1000


def test_values_are_saved_with_indices_of_the_full_array(page: Page) -> None:
    values = np.array([[1.5, 2.5, 3.5], [4.5, np.nan, 6.5]])
    show(page, values, {"roi": "10:12,22:26"}, y0=10, x0=20, dx=2, fullWidth=26)
    page.get_by_role("button", name="Save or print").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Values of the region (CSV)").click()
    assert download.value.suggested_filename == "Test-image.csv"
    text = download.value.path().read_text()
    assert text == "y\\x,22,24\n10,2.5,3.5\n11,NaN,6.5\n"
    page.get_by_role("button", name="Save or print").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Picture (PNG)").click()
    assert download.value.path().read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("renderer", ["webgl2"], indirect=True)
def test_both_renderers_draw_the_same(page: Page, address: str) -> None:
    values = np.random.default_rng(2).gamma(2, 100, (301, 407)).astype("float32")
    view = {"scale": "log", "map": "magma", "zoom": "13.3,250.1,22.7,390", "flipY": True}
    for array in (values, values.astype("uint16"), values.astype("int32")):
        show(page, array, view)
        drawn = page.evaluate(
            """async () => {
            const { CanvasRenderer } = await import("/static/web/image/canvas-renderer.js");
            const one = page.copy();
            const { display } = page;
            const other = new CanvasRenderer(new OffscreenCanvas(one.width, one.height));
            other.upload(display.frame);
            other.draw(display.drawing(display.frame));
            const two = other.context.getImageData(0, 0, one.width, one.height);
            let different = 0;
            for (let i = 0; i < one.data.length; i++) {
              if (Math.abs(one.data[i] - two.data[i]) > 8) different++;
            }
            return different / one.data.length;
        }"""
        )
        assert drawn < 0.002


@pytest.mark.parametrize("renderer", ["auto"], indirect=True)
def test_webgl_in_software_is_not_chosen(page: Page) -> None:
    array = np.full((600, 600), 3, "uint16")
    show(page, array, {"limits": "0,3"})
    software = page.evaluate(
        """async () => {
        const { GLRenderer } = await import("/static/web/image/gl-renderer.js");
        return new GLRenderer(document.createElement("canvas"), {}).isSoftware;
    }"""
    )
    name = page.evaluate("page.display.surface.renderer.name")
    assert name == "Canvas2D" or not software
    assert colours(page, (0, 0), (599, 599)) == [HIGH, HIGH]


@pytest.mark.parametrize("renderer", ["webgl2"], indirect=True)
def test_a_lost_context_is_restored(page: Page) -> None:
    show(page, np.array([[0, 1]], "uint8"), {})
    page.evaluate(
        """async () => {
        const { renderer } = page.display.surface;
        const extension = renderer.gl.getExtension("WEBGL_lose_context");
        const once = (name) => new Promise((done) =>
          renderer.canvas.addEventListener(name, done, { once: true }));
        const lost = once("webglcontextlost");
        extension.loseContext();
        await lost;
        await new Promise((done) => setTimeout(done));
        const restored = once("webglcontextrestored");
        extension.restoreContext();
        await restored;
    }"""
    )
    assert colours(page, (0, 0), (0, 1)) == [LOW, HIGH]


def test_wrong_frames_are_reported(page: Page) -> None:
    page.evaluate(
        "spec => { page.state.frame = { ...page.frame(spec), height: 9 }; page.set({}); }",
        frame(np.zeros((2, 2), "uint8")),
    )
    expect(page.get_by_role("alert")).to_have_text("The image has 4 values; its shape needs 18.")
