"""Nodes of each family on the web page of a real server, stored and while they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any

import awkward as ak
import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.servers import RunningServer, running
from tests.web.conftest import settle
from tests.web.pictures import save_picture
from tiled_client import from_uri

_numbers = count()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("panels")
    with running(folder, "serve", "--port", "0", "--public") as found:
        yield found


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Any:
    return from_uri(server.uri, api_key=server.api_key)


@pytest.fixture
def key() -> str:
    return f"node{next(_numbers)}"


def visit(page: Page, server: RunningServer, key: str, query: str = "") -> None:
    """Show a node, and wait until its stream is followed."""
    page.goto(f"{server.uri}/ui/browse/{key}?{query}")
    expect(page.locator(".status-bar")).to_contain_text("Live")
    expect(page.locator(".panel").first).to_be_visible()


def plotted(page: Page, text: str | re.Pattern[str]) -> None:
    """Expect a description of the plot that has `text`."""
    pattern = text if isinstance(text, re.Pattern) else re.compile(re.escape(text))
    expect(page.locator(".plot-canvas")).to_have_attribute("aria-label", pattern)


def grid_cell(page: Page, text: str) -> Locator:
    return page.get_by_role("gridcell", name=text, exact=True)


def test_a_line_grows_is_patched_and_misses_nothing(
    page: Page, server: RunningServer, client: Any, key: str
) -> None:
    node = client.write_array(np.zeros(10), key=key)
    visit(page, server, key)
    plotted(page, "10 points from 0 to 9, minimum 0, maximum 0")
    node.patch(np.full(5, 2.0), offset=(10,), extend=True)
    plotted(page, "15 points from 0 to 14, minimum 0, maximum 2, last 2")
    node.patch(np.full(2, -3.0), offset=(4,))
    plotted(page, "15 points from 0 to 14, minimum \N{MINUS SIGN}3, maximum 2, last 2")
    # More updates than frames of the screen.
    for start in range(15, 1015, 10):
        node.patch(np.full(10, float(start)), offset=(start,), extend=True)
    plotted(page, "1015 points from 0 to 1014, minimum \N{MINUS SIGN}3, maximum 1005, last 1005")


def test_a_spectrum_that_is_replaced_has_former_contents_and_an_aggregate(
    page: Page, server: RunningServer, client: Any, key: str
) -> None:
    node = client.write_array(np.zeros(64, "f4"), key=key)
    visit(page, server, key)
    plotted(page, "64 points from 0 to 63, minimum 0, maximum 0")
    # One after the other is seen: of contents that wait, the page is sent the newest only.
    for value in (1, 2, 6):
        node.write(np.full(64, value, "f4"))
        plotted(page, f"64 points from 0 to 63, minimum {value}, maximum {value}")
    page.get_by_label("Aggregate", exact=True).select_option("max")
    plotted(page, re.compile("max of [34]: 64 points from 0 to 63, minimum 6, maximum 6"))
    page.get_by_label("Aggregate", exact=True).select_option("mean")
    node.write(np.full(64, 100, "f4"))
    plotted(page, re.compile(r"mean of [45]: .* minimum (27\.25|21\.8), "))
    page.get_by_role("button", name="waterfall").click()
    expect(page.locator(".waterfall canvas").first).to_be_visible()


def test_a_waterfall_begins_with_what_is_retained(
    page: Page, server: RunningServer, client: Any, key: str
) -> None:
    node = client.write_array(np.zeros(64, "f4"), key=key)
    for value in range(1, 6):
        node.write(np.full(64, value, "f4"))
    visit(page, server, key, "aggregate=mean&frames=10")
    plotted(page, "mean of 6: 64 points from 0 to 63, minimum 2.5, maximum 2.5")
    page.get_by_role("button", name="waterfall").click()
    rows = page.get_by_role("application", name=re.compile("6 rows, 64 columns"))
    expect(rows).to_be_visible()
    node.write(np.full(64, 6, "f4"))
    expect(page.get_by_role("application", name=re.compile("7 rows, 64 columns"))).to_be_visible()
    save_picture(page, "waterfall")


def test_a_waterfall_of_a_stack_begins_with_its_last_rows(
    page: Page, server: RunningServer, client: Any, key: str
) -> None:
    spectra = np.add.outer(np.arange(500.0), np.arange(32.0))
    node = client.write_array(spectra, key=key)
    visit(page, server, key, "mode=waterfall")
    expect(page.get_by_text("rows 100 to 499")).to_be_visible()
    expect(page.get_by_label("Upper limit").first).to_be_visible()
    for row in range(500, 503):
        node.patch(np.full((1, 32), 9000.0 + row), offset=(row, 0), extend=True)
    expect(page.get_by_text("rows 103 to 502")).to_be_visible()
    # The newest are the largest, and those before are not lost.
    histogram = page.get_by_role("img", name=re.compile("values from 103 to 9502"))
    expect(histogram).to_be_visible()
    page.get_by_role("button", name="Previous update").click()
    expect(page.get_by_text("rows 102 to 501")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("rows 103 to 502")).to_be_visible()


def test_an_appended_line_is_stepped_back(
    page: Page, server: RunningServer, client: Any, key: str
) -> None:
    node = client.write_array(np.arange(5.0), key=key)
    for start in (5, 10):
        node.patch(np.arange(start, start + 5.0), offset=(start,), extend=True)
    node.patch(np.array([-4.0]), offset=(2,))
    visit(page, server, key)
    plotted(page, "15 points from 0 to 14, minimum \N{MINUS SIGN}4, maximum 14")
    back = page.get_by_role("button", name="Previous update")
    for sequence, description in {
        3: "update 3: 15 points from 0 to 14, minimum 0, maximum 14",
        2: "update 2: 10 points from 0 to 9, minimum 0, maximum 9",
        1: "update 1: 5 points from 0 to 4, minimum 0, maximum 4",
    }.items():
        back.click()
        expect(page.locator("[data-count=update] dd")).to_have_text(f"{sequence} / 4")
        plotted(page, description)
    # The stream goes on meanwhile.
    node.patch(np.arange(5.0), offset=(15,), extend=True)
    expect(page.locator("[data-count=update] dd")).to_have_text("1 / 5")
    plotted(page, "update 1: 5 points")
    page.get_by_role("button", name="Resume").click()
    plotted(page, "20 points from 0 to 19, minimum \N{MINUS SIGN}4, maximum 14, last 4")


def test_rows_are_stepped_back(page: Page, server: RunningServer, client: Any, key: str) -> None:
    table = client.create_appendable_table({"n": "int64"}, key=key)
    for start in (0, 3, 6):
        table.append({"n": [start, start + 1, start + 2]})
    visit(page, server, key)
    rows = page.get_by_role("status").filter(has_text="rows")
    expect(rows).to_contain_text("9 rows")
    table.append({"n": [9]})
    expect(rows).to_contain_text("10 rows")
    back = page.get_by_role("button", name="Previous update")
    for total in (9, 6):
        back.click()
        expect(rows).to_contain_text(f"{total} rows")
        expect(page.locator(".grid-rows [role=row]").last).to_contain_text(str(total - 1))
    page.get_by_role("tab", name="Plot").click()
    plotted(page, "n: 6 points from 0 to 5, minimum 0, maximum 5, last 5")
    page.get_by_role("button", name="Resume").click()
    plotted(page, "n: 10 points from 0 to 9")
    # Rows that were replaced since come from the stream.
    table.write({"n": [100, 101]})
    plotted(page, "n: 2 points from 0 to 1, minimum 100")
    back.click()
    plotted(page, "n: 10 points from 0 to 9, minimum 0, maximum 9")


def test_an_array_larger_than_is_read_whole_keeps_its_extremes(
    page: Page, server: RunningServer, client: Any, key: str
) -> None:
    values = np.zeros(3_000_000, "f4")
    values[1_234_567] = 7
    client.write_array(values, key=key, chunks=1_000_000)
    visit(page, server, key)
    plotted(page, re.compile("from 0 to 2999[0-9.]+, minimum 0, maximum 7, last 0"))
    visit(page, server, key, "range=1234560,1234580")
    plotted(page, "23 points from 1234559 to 1234581, minimum 0, maximum 7, last 0")


def test_a_stored_image_is_read_once(
    page: Page, server: RunningServer, client: Any, key: str
) -> None:
    client.write_array(np.arange(300 * 400, dtype="u2").reshape(300, 400), key=key)
    reads: list[str] = []
    page.on("request", lambda request: reads.append(request.url))
    page.goto(f"{server.uri}/ui/browse/{key}")
    # Of the stream, which is shown after the stored image, and after the canvas has its size.
    expect(page.locator("[data-count=age] dd")).to_have_text(re.compile(r"\d"))
    settle(page)
    assert len([url for url in reads if "/array/full/" in url]) == 1, reads


def test_an_array_that_needs_converting_is_decoded_in_a_worker(
    page: Page, server: RunningServer, client: Any, key: str
) -> None:
    halves = np.full((400, 400), 0.5, "f2")
    images = client.write_array(halves, key=key)
    with page.expect_worker() as started:
        page.goto(f"{server.uri}/ui/browse/{key}")
    assert "array-worker.js" in started.value.url
    value = page.locator(".image-value")
    page.locator(".image-stage").hover()
    expect(value).to_contain_text("0.5")
    expect(page.locator(".status-bar")).to_contain_text("Live")
    images.write(halves / 2)
    expect(value).to_contain_text("0.25")


def test_four_panes_show_their_images(page: Page, server: RunningServer, client: Any) -> None:
    name = next(_numbers)
    keys = [f"pane{name}-{n}" for n in range(4)]
    images = [client.write_array(np.full((40, 60), n, "u1"), key=key) for n, key in enumerate(keys)]
    query = "&".join(f"{n}.path={key}" for n, key in enumerate(keys[1:], start=2))
    page.goto(f"{server.uri}/ui/browse/{keys[0]}?panes=4&{query}")
    panes = page.locator(".pane")
    expect(panes).to_have_count(4)
    for n, pane in enumerate(panes.all()):
        expect(pane.locator("canvas.image-canvas")).to_be_visible()
        expect(pane).to_contain_text("Live")
        images[n].write(np.full((40, 60), 100 + n, "u1"))
        pane.locator(".image-stage").hover()
        expect(pane.locator(".image-value")).to_contain_text(str(100 + n))


def test_a_value_has_its_history(page: Page, server: RunningServer, client: Any, key: str) -> None:
    node = client.write_array(np.float64(1.5), key=key)
    node.write(np.float64(2.5))
    visit(page, server, key)
    plotted(page, "2 points")
    node.write(np.float64(-4.0))
    expect(page.locator(".value-big")).to_have_text("\N{MINUS SIGN}4")
    plotted(
        page, re.compile("3 points .* minimum \N{MINUS SIGN}4, maximum 2.5, last \N{MINUS SIGN}4")
    )


def test_a_thousand_rows_per_second_are_counted_and_plotted_without_loss(
    page: Page, server: RunningServer, client: Any, key: str
) -> None:
    table = client.create_appendable_table({"n": "int64", "x": "float64"}, key=key)
    rows, batch = 6000, 20

    def produce() -> None:
        began = monotonic()
        for start in range(0, rows, batch):
            numbers = np.arange(start, start + batch)
            table.append({"n": numbers.tolist(), "x": (numbers / 2).tolist()})
            sleep(max(0.0, began + (start + batch) / 1000 - monotonic()))

    producer = Thread(target=produce)
    producer.start()
    try:
        # In the middle of the stream: some rows are read, the others received.
        sleep(1)
        visit(page, server, key)
    finally:
        producer.join()
    expect(page.get_by_role("status").filter(has_text="rows")).to_contain_text("6 000 rows")
    expect(page.locator(".grid-rows [role=row]").last).to_contain_text("5999")
    page.get_by_role("tab", name="Plot").click()
    page.get_by_role("combobox", name="x", exact=True).select_option("")
    plotted(page, "n: 6000 points from 0 to 5999, minimum 0, maximum 5999, last 5999")
    save_picture(page, "table-plot")
    table.append({"n": [7000], "x": [1.0]})
    plotted(page, "n: 6001 points from 0 to 6000, minimum 0, maximum 7000, last 7000")
    page.get_by_label("Window").select_option("100")
    expect(page).to_have_url(re.compile("window=100"))
    settle(page)
    with page.expect_download() as export:
        page.get_by_role("button", name="CSV").click()
    lines = Path(export.value.path()).read_text().splitlines()
    assert (len(lines), lines[1], lines[-1]) == (101, "5901,5901", "6000,7000")


def test_rows_that_are_stored_are_paged_and_replaced_rows_read_anew(
    page: Page, server: RunningServer, client: Any, key: str
) -> None:
    table = client.write_table({"name": [f"a{i}" for i in range(5000)]}, key=key)
    visit(page, server, key)
    expect(grid_cell(page, "a4999")).to_be_visible()
    page.get_by_role("grid").press("Home")
    expect(grid_cell(page, "a0")).to_be_visible()
    table.write({"name": [f"b{i}" for i in range(3000)]})
    expect(grid_cell(page, "b0")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="rows")).to_contain_text("3 000 rows")


def test_rows_that_are_only_streamed_are_shown(
    page: Page, server: RunningServer, client: Any, key: str
) -> None:
    table = client.write_table({"n": [1, 2, 3]}, key=key)
    visit(page, server, key)
    expect(page.get_by_role("status").filter(has_text="rows")).to_contain_text("3 rows")
    table.append({"n": [44]}, persist=False)
    expect(grid_cell(page, "44")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="rows")).to_contain_text("4 rows")


def test_lists_of_any_length_and_depth(
    page: Page, server: RunningServer, client: Any, key: str
) -> None:
    ragged = client.write_ragged([[1.0, 2.0], [3.0, 4.0, 5.0]], key=f"{key}r")
    visit(page, server, f"{key}r")
    plotted(page, "row 1 (3): 3 points from 0 to 2, minimum 3, maximum 5, last 5")
    ragged.append([[9.0]])
    plotted(page, "row 2 (1): 1 points from 0 to 0, minimum 9, maximum 9, last 9")
    client.write_awkward(ak.Array([{"id": 7, "hits": [{"x": 0.5}]}]), key=f"{key}a")
    visit(page, server, f"{key}a")
    expect(page.get_by_role("tree", name=f"{key}a")).to_contain_text("id7")
    client.write_awkward(ak.Array([{"n": n} for n in range(1000)]), key=f"{key}l")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    visit(page, server, f"{key}l")
    tree = page.get_by_role("tree", name=f"{key}l")
    expect(tree).to_contain_text("[999]")
    page.get_by_role("button", name="Earlier items").click()
    expect(tree).to_contain_text("[950]")
    read = [url.partition("?")[2] for url in requests if "/awkward/full/" in url]
    assert set(read) == {"slice=975%3A1000", "slice=950%3A975"}


def test_sparse_arrays_texts_times_and_records(
    page: Page, server: RunningServer, client: Any, key: str
) -> None:
    client.write_sparse(np.array([[0, 4], [1, 2]]), np.array([1.5, 2.5]), (5, 4), key=f"{key}s")
    visit(page, server, f"{key}s")
    expect(page.get_by_text("2 elements")).to_be_visible()
    page.get_by_role("tab", name="Elements").click()
    expect(grid_cell(page, "2.5")).to_be_visible()
    client.write_array(np.array(["\N{GREEK SMALL LETTER ALPHA}", "b"]), key=f"{key}t")
    visit(page, server, f"{key}t")
    expect(grid_cell(page, "\N{GREEK SMALL LETTER ALPHA}")).to_be_visible()
    time = np.array(["2026-01-02T03:04:05.123456789"], "M8[ns]")
    client.write_array(time, key=f"{key}m")
    visit(page, server, f"{key}m")
    expect(grid_cell(page, "2026-01-02 03:04:05.123456789")).to_be_visible()
    records = np.array([(1, "x")], [("number", "i4"), ("text", "U4")])
    client.write_array(records, key=f"{key}v")
    visit(page, server, f"{key}v")
    expect(page.get_by_role("columnheader", name="text")).to_be_visible()
    expect(grid_cell(page, "x")).to_be_visible()
