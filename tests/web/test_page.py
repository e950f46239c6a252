"""The web page in a real browser, on a real server: browse, watch live, pause, resume."""

from __future__ import annotations

import re
import signal
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import awkward as ak
import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sparse
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.client.cuttable_proxy import Line
from tests.servers import RunningServer, own_database, running
from tests.web.conftest import open_node, settle
from tests.web.pictures import save_picture
from tiled_client import Asset, DataSource, Management, StructureFamily, from_uri
from tools.backends.valkey_server import Cache, own_cache

LIVE = re.compile("Live")
SCHEMES: list[Literal["light", "dark"]] = ["light", "dark"]
NUMBERS = "u1 u2 u4 u8 i1 i2 i4 i8 f2 f4 f8 c8 c16 ?".split()


@pytest.fixture(scope="module")
def readable_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("readable")


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, readable_folder: Path
) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("web")
    options = ("--port", "0", "--workers", "2", "--read", str(readable_folder))
    with own_database() as database, running(folder, "serve", *options, **database) as server:
        yield server


@pytest.fixture(scope="module")
def client(site: RunningServer) -> Any:
    return from_uri(site.uri, api_key=site.api_key)


class SmallSite:
    """A server that retains few updates, and may be restarted, or lose the updates.

    One for all tests of what it may lose: each has an array of its own.
    """

    def __init__(self, folder: Path, cache: Cache, stack: ExitStack, **settings: str) -> None:
        self.cache = cache
        self._folder, self._stack, self._settings = folder, stack, settings
        self.server = self.start()

    def start(self) -> RunningServer:
        """Start the server, again at the port that it had before."""
        port = self.server.uri.rpartition(":")[2] if hasattr(self, "server") else "0"
        options = ("--workers", "1", "--port", port, "--cache", self.cache.uri)
        started = running(self._folder, "serve", *options, **self._settings)
        return self._stack.enter_context(started)

    def stop(self) -> None:
        """Stop the server; its cache keeps running."""
        self.server.stop(signal.SIGTERM)

    def client(self) -> Any:
        """Connect to the server as it runs now."""
        return from_uri(self.server.uri, api_key=self.server.api_key)


@pytest.fixture(scope="module")
def small_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallSite]:
    settings = {"TILED_STREAMING_CACHE_STREAM_BYTES": str(2**20)}
    with own_database() as database, own_cache() as cache, ExitStack() as stack:
        folder = tmp_path_factory.mktemp("small")
        yield SmallSite(folder, cache, stack, **settings, **database)


@pytest.fixture
def scan(client: Any) -> Any:
    """Return a new container."""
    return client.create_container(f"scan-{uuid.uuid4().hex[:8]}")


def frame(number: int) -> np.ndarray:
    """Return an image whose pixels are all `number`, but the first: (1, 40, 60), uint16."""
    image = np.full((1, 40, 60), number, "u2")
    image[0, 0, 0] = 0
    return image


def count(page: Page, name: str) -> Any:
    """Return the place of a number in the status bar."""
    return page.locator(f"[data-count={name}] dd")


def test_a_key_in_the_form_logs_in_and_a_wrong_one_is_refused(
    page: Page, site: RunningServer
) -> None:
    page.goto(f"{site.uri}/")
    page.get_by_label("API key").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("not valid here")
    page.get_by_label("API key").fill(site.api_key)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="All nodes")).to_be_visible()
    assert site.api_key not in page.url


def test_ten_thousand_children_are_browsed_and_new_ones_appear(
    page: Page, site: RunningServer, client: Any
) -> None:
    made = site.manage(
        "shell",
        "-c",
        "from catalog.models import Node\n"
        "root = Node.objects.get(path='')\n"
        "many = Node.objects.create(parent=root, key='many', path='many', "
        "structure_family='container')\n"
        "Node.objects.bulk_create([Node(parent=many, key=f'k{n:05}', path=f'many/k{n:05}', "
        "structure_family='container', metadata={'n': n}) for n in range(10_000)])\n",
    )
    assert made.returncode == 0, made.stderr
    open_node(page, site, "")
    tree = page.get_by_role("tree", name="Nodes")
    tree.get_by_role("button", name="Open many").click()
    expect(tree.get_by_text("k09999")).to_be_visible()
    tree.focus()
    page.keyboard.press("End")
    expect(tree.get_by_text("k00000", exact=True)).to_be_visible()
    client["many"].create_container("brand-new")
    page.keyboard.press("Home")
    expect(tree.get_by_text("brand-new")).to_be_visible()
    # Only what is on the screen exists.
    assert tree.get_by_role("treeitem").count() < 100
    save_picture(page, "many-nodes")


def test_a_search_narrows_the_tree_and_is_kept_in_the_address(
    page: Page, site: RunningServer, client: Any
) -> None:
    word = f"word{uuid.uuid4().hex[:8]}"
    client.create_container(f"found-{word}", metadata={"note": word})
    open_node(page, site, "")
    page.get_by_label("Search metadata").fill(word)
    tree = page.get_by_role("tree", name="Nodes")
    expect(tree.get_by_role("treeitem")).to_have_count(1)
    expect(page).to_have_url(re.compile(f"q={word}"))
    page.reload()
    expect(tree.get_by_role("treeitem")).to_have_count(1)


def test_images_are_drawn_as_they_are_written_until_the_stream_ends(
    page: Page, site: RunningServer, scan: Any
) -> None:
    images = scan.write_array(frame(1), key="images", dims=["time", "y", "x"])
    open_node(page, site, "/".join(images.path))
    expect(page.get_by_label("time, index")).to_have_value("0")
    expect(page.get_by_role("status").filter(has_text=LIVE)).to_be_visible()
    for number in (2, 3):
        images.patch(frame(number), offset=(number - 1, 0, 0), extend=True)
        expect(count(page, "update")).to_have_text(f"{number} / {number}")
        expect(page.get_by_label("time, index")).to_have_value(str(number - 1))
    images.close_stream()
    expect(page.get_by_role("status").filter(has_text="Stream ended")).to_be_visible()


def test_a_pause_keeps_the_picture_and_scrubbing_shows_what_is_retained(
    page: Page, site: RunningServer, scan: Any
) -> None:
    images = scan.write_array(frame(1), key="images")
    open_node(page, site, "/".join(images.path))
    for number in range(2, 7):
        images.patch(frame(number), offset=(number - 1, 0, 0), extend=True)
    expect(count(page, "update")).to_have_text("6 / 6")
    page.get_by_role("button", name="Pause").click()
    images.patch(frame(7), offset=(6, 0, 0), extend=True)
    expect(count(page, "update")).to_have_text("6 / 7")
    page.get_by_role("button", name="Previous update").click()
    expect(count(page, "update")).to_have_text("5 / 7")
    # What was written before the page was opened comes from the server.
    page.get_by_label("Update shown").fill("1")
    expect(count(page, "update")).to_have_text("1 / 7")
    page.get_by_role("button", name="Resume").click()
    expect(count(page, "update")).to_have_text("7 / 7")


def test_a_line_a_value_and_rows_grow_while_they_are_watched(
    page: Page, site: RunningServer, scan: Any
) -> None:
    line = scan.write_array(np.arange(5.0), key="line")
    open_node(page, site, "/".join(line.path))
    expect(page.get_by_role("status").filter(has_text=LIVE)).to_be_visible()
    line.patch(np.arange(5.0), offset=(5,), extend=True)
    expect(count(page, "update")).to_have_text("2 / 2")
    rows = scan.create_appendable_table(
        pa.schema({"n": pa.int64(), "name": pa.string()}), key="rows"
    )
    open_node(page, site, "/".join(rows.path))
    expect(page.get_by_role("status").filter(has_text=LIVE)).to_be_visible()
    rows.append({"n": [1, 2], "name": ["first", "second"]})
    expect(page.get_by_role("grid").get_by_text("second")).to_be_visible()
    value = scan.write_array(np.array(3.5), key="value")
    open_node(page, site, "/".join(value.path))
    expect(page.get_by_text("3.5").first).to_be_visible()
    value.write(np.array(4.25))
    expect(page.get_by_text("4.25").first).to_be_visible()


def test_the_documentation_of_the_api_writes_with_the_session_of_the_browser(
    page: Page, site: RunningServer, client: Any, scan: Any
) -> None:
    page.goto(f"{site.uri}/ui/?api_key={site.api_key}")
    page.goto(f"{site.uri}/docs")
    page.locator("#operations-tag-metadata").click()
    tried = page.locator("#operations-metadata-post_metadata")
    tried.locator(".opblock-summary").click()
    tried.get_by_role("button", name="Try it out").click()
    tried.get_by_placeholder("path").fill("/".join(scan.path))
    tried.locator("textarea").last.fill('{"id": "tried", "structure_family": "container"}')
    tried.get_by_role("button", name="Execute").click()
    expect(tried.locator(".live-responses-table")).to_contain_text("/tried")
    assert list(client["/".join(scan.path)]) == ["tried"]


def test_the_age_of_a_picture_does_not_depend_on_the_clock_of_the_viewer(
    page: Page, site: RunningServer, scan: Any
) -> None:
    images = scan.write_array(frame(1), key="aged")
    page.add_init_script("const now = Date.now; Date.now = () => now() + 3_600_000;")
    open_node(page, site, "/".join(images.path))
    expect(page.get_by_role("status").filter(has_text=LIVE)).to_be_visible()
    images.write(frame(2))
    expect(count(page, "update")).to_have_text("2 / 2")
    expect(count(page, "age")).to_have_text(re.compile(r"^[\d.]+ m?s$"))


def test_the_newest_data_of_a_container_are_followed(
    page: Page, site: RunningServer, scan: Any
) -> None:
    scan.write_array(frame(1), key="first")
    open_node(page, site, "/".join(scan.path))
    page.get_by_role("button", name="Show what is being written now").click()
    page.get_by_role("button", name="4 panes").click()
    expect(page.get_by_role("button", name=re.compile("first$"))).to_be_visible()
    inner = scan.create_container("inner")
    inner.write_array(frame(2), key="second")
    expect(page.get_by_role("button", name=re.compile("second$"))).to_be_visible()
    save_picture(page, "panes")
    # A link reproduces the view.
    page.reload()
    expect(page.get_by_role("button", name=re.compile("second$"))).to_be_visible()


def test_a_region_of_interest_has_a_trace_over_time(
    page: Page, site: RunningServer, scan: Any
) -> None:
    images = scan.write_array(frame(1), key="images")
    open_node(page, site, "/".join(images.path), "roi=10:20,10:30")
    trace = page.get_by_role("region", name="Region of interest over time")
    expect(trace).to_be_visible()
    images.patch(frame(9), offset=(1, 0, 0), extend=True)
    expect(trace.locator("[data-points]")).to_have_attribute("data-points", "2")
    expect(trace.locator("[data-last]")).to_have_attribute("data-last", "9")
    save_picture(page, "image-with-region")


def test_a_server_that_restarts_is_resumed(page: Page, small_site: SmallSite) -> None:
    images = small_site.client().write_array(frame(1), key="images")
    open_node(page, small_site.server, "images")
    images.patch(frame(2), offset=(1, 0, 0), extend=True)
    expect(count(page, "update")).to_have_text("2 / 2")
    small_site.stop()
    expect(page.get_by_role("status").filter(has_text="Reconnecting")).to_be_visible()
    small_site.start()
    expect(page.get_by_role("status").filter(has_text=LIVE)).to_be_visible()
    small_site.client()["images"].patch(frame(3), offset=(2, 0, 0), extend=True)
    expect(count(page, "update")).to_have_text("3 / 3")


def test_evicted_updates_are_shown_as_a_gap(page: Page, small_site: SmallSite) -> None:
    site = small_site.server
    with Line(site.uri) as proxy:
        large = np.zeros(40_000)
        line = small_site.client().write_array(large, key="line")
        for number in range(1, 8):
            line.patch(large, offset=(number * len(large),), extend=True)
        page.goto(f"{proxy.uri}/ui/browse/line?api_key={site.api_key}")
        expect(count(page, "update")).to_have_text("8 / 8")
        # The oldest were evicted: the scrubber leads to the first one retained.
        page.get_by_label("Update shown").fill("1")
        expect(count(page, "update")).to_have_text(re.compile(r"^[4-7] / 8$"))
        page.get_by_role("button", name="Resume").click()
        expect(count(page, "gaps")).to_have_count(0)
        # More is written while the page is cut off than the stream retains.
        proxy.is_down = True
        proxy.cut()
        expect(page.get_by_role("status").filter(has_text="Reconnecting")).to_be_visible()
        for number in range(8, 16):
            line.patch(large, offset=(number * len(large),), extend=True)
        proxy.is_down = False
        expect(count(page, "update")).to_have_text("16 / 16")
        expect(count(page, "gaps")).to_have_text("1")
        page.close()  # or it would report that the proxy is gone


def test_a_new_numbering_is_shown_and_the_stream_goes_on(page: Page, small_site: SmallSite) -> None:
    images = small_site.client().write_array(frame(1), key="renumbered")
    open_node(page, small_site.server, "renumbered")
    expect(count(page, "update")).to_have_text("1 / 1")
    small_site.cache.client.flushdb()
    images.patch(frame(2), offset=(1, 0, 0), extend=True)
    expect(count(page, "resets")).to_have_text("1")
    expect(count(page, "update")).to_have_text("1 / 1")
    expect(page.get_by_label("axis 0, index")).to_have_value("1")


def test_a_key_that_is_revoked_ends_the_view(page: Page, site: RunningServer, scan: Any) -> None:
    images = scan.write_array(frame(1), key="images")
    made = site.manage("apikey", "create", "--scopes", "read:metadata,read:data")
    assert made.returncode == 0, made.stderr
    secret = made.stdout.split()[-1]
    page.goto(f"{site.uri}/ui/browse/{'/'.join(images.path)}?api_key={secret}")
    expect(page.get_by_role("status").filter(has_text=LIVE)).to_be_visible()
    revoked = site.manage("apikey", "revoke", secret[:8])
    assert revoked.returncode == 0, revoked.stderr
    expect(page.get_by_role("status").filter(has_text="No stream")).to_be_visible()


def test_what_a_registered_file_contains_is_browsed(
    page: Page, site: RunningServer, client: Any, readable_folder: Path
) -> None:
    path = readable_folder / "scan.h5"
    with h5py.File(path, "w") as file:
        file["entry/counts"] = np.arange(12).reshape(3, 4)
    assets = [Asset(f"file://localhost{path}", False, parameter="data_uris", num=0)]
    source = DataSource(
        StructureFamily.container,
        None,
        "application/x-hdf5",
        assets=assets,
        management=Management.external,
    )
    client.new(StructureFamily.container, [source], key="file")
    open_node(page, site, "file/entry/counts")
    expect(page.get_by_role("heading", level=1)).to_have_text("counts")
    expect(page.get_by_role("treeitem", name=re.compile("counts"))).to_be_visible()
    expect(page.get_by_role("application", name=re.compile("3 rows, 4 columns"))).to_be_visible()
    page.get_by_role("tab", name="Structure").click()
    expect(page.get_by_text("3 \N{MULTIPLICATION SIGN} 4").first).to_be_visible()


def every_kind(scan: Any, readable: None = None) -> list[Any]:
    """Write a node of every family and of every data type."""
    nodes = []
    shapes: list[tuple[int, ...]] = [(), (50,), (6, 8), (3, 6, 8)]
    for number, name in enumerate(NUMBERS):
        kind = "bool" if name == "?" else name
        # Each type in two of the shapes, and each shape with half of the types.
        for shape in (shapes[number % 4], shapes[(number + 1) % 4]):
            array = (np.arange(np.prod(shape, dtype=int)).reshape(shape) % 100).astype(name)
            nodes.append(scan.write_array(array, key=f"{kind}-{len(shape)}d"))
    others: dict[str, np.ndarray] = {
        "big-endian": np.arange(12, dtype=">i4").reshape(3, 4),
        "not-finite": np.array([[1.0, np.nan], [np.inf, -np.inf]]),
        "colour": np.zeros((5, 6, 3), "u1"),
        "empty": np.zeros((0, 4)),
        "text": np.array(["a", "bc"]),
        "bytes": np.array([b"a", b"bc"]),
        "times": np.array(["2026-01-02T03:04", "NaT"], "M8[s]"),
        "spans": np.array([1, 2], "m8[ms]"),
        "records": np.array([(1, 2.5), (2, 3.5)], [("n", "i4"), ("x", "f8")]),
    }
    nodes += [scan.write_array(array, key=key) for key, array in others.items()]
    rows = pd.DataFrame({"n": [1, 2], "s": ["a", None], "t": pd.to_datetime(["2026-01-01"] * 2)})
    nodes.append(scan.write_table(rows, key="table"))
    nodes.append(scan.write_sparse(sparse.COO([[0, 2], [1, 3]], [1.5, 2.5], (4, 5)), key="sparse"))
    nested = ak.Array([[1.0, 2.0], [], [3.0]])
    nodes.append(scan.write_ragged(nested, key="ragged"))
    nodes.append(scan.write_awkward(ak.Array([{"x": 1, "y": [0.5]}]), key="awkward"))
    return [*nodes, scan]


def test_every_family_and_data_type_opens_without_an_error(
    page: Page, site: RunningServer, scan: Any
) -> None:
    families = set()
    open_node(page, site, "/".join(scan.path))
    for node in every_kind(scan):
        # As a link of the page does it, without loading the page again.
        page.evaluate(
            "path => { history.pushState(null, '', path); dispatchEvent(new Event('popstate')); }",
            f"/ui/browse/{'/'.join(node.path)}",
        )
        expect(page.get_by_role("heading", level=1)).to_have_text(node.path[-1])
        expect(page.locator(".pane-body, .overview").first).to_be_visible()
        expect(page.locator("main .spinner")).to_have_count(0)
        assert page.locator(".error").all_inner_texts() == [], node.path
        if type(node) in families:
            continue
        families.add(type(node))
        for tab in ("Metadata", "Structure", "Download", "Code"):
            page.get_by_role("tab", name=tab, exact=True).click()
            expect(page.get_by_role("tabpanel", name=tab)).to_be_visible()


def test_the_page_is_used_with_the_keyboard_alone(
    page: Page, site: RunningServer, scan: Any
) -> None:
    images = scan.write_array(np.concatenate([frame(1), frame(2)]), key="images")
    open_node(page, site, "")
    expect(page.get_by_label("Search metadata")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_label("Search metadata")).to_be_focused()
    page.keyboard.press("Tab")
    tree = page.get_by_role("tree", name="Nodes")
    # The list arrives after the page: until then there is nothing to move in.
    expect(tree.get_by_role("treeitem", name=re.compile(scan.path[-1]))).to_be_visible()
    tree.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(tree.get_by_role("treeitem", name=re.compile("images"))).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("images")
    images.patch(frame(3), offset=(2, 0, 0), extend=True)
    expect(count(page, "update")).to_have_text("2 / 2")
    page.locator("h1").click()
    page.keyboard.press("Space")
    expect(page.get_by_role("status").filter(has_text="Paused")).to_be_visible()
    page.keyboard.press(",")
    expect(count(page, "update")).to_have_text("1 / 2")
    page.keyboard.press("End")
    expect(page.get_by_role("status").filter(has_text=LIVE)).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("2")
    expect(page.locator(".pane")).to_have_count(2)


def test_there_are_no_serious_findings_of_accessibility(
    page: Page, site: RunningServer, client: Any
) -> None:
    scan = client.create_container(f"axe-{uuid.uuid4().hex[:8]}", metadata={"a": {"b": [1, 2]}})
    nodes = {
        "container": scan,
        "images": scan.write_array(frame(1), key="images"),
        "rows": scan.write_table(pd.DataFrame({"n": [1, 2]}), key="rows"),
        "line": scan.write_array(np.arange(9.0), key="line"),
    }
    page.goto(f"{site.uri}/ui/login")
    findings = findings_in_each_form(page, "login")
    for name, node in nodes.items():
        open_node(page, site, "/".join(node.path))
        expect(page.locator(".panel, .image-view, .overview").first).to_be_visible()
        expect(page.locator(".spinner")).to_have_count(0)
        findings |= findings_in_each_form(page, name)
    page.get_by_role("tab", name="Metadata").click()
    expect(page.get_by_role("tabpanel", name="Metadata")).to_be_visible()
    findings |= findings_in_each_form(page, "metadata")
    assert {form: found for form, found in findings.items() if found} == {}


def findings_in_each_form(page: Page, name: str) -> dict[str, list[str]]:
    """Return what axe finds on the page as it is shown wide and narrow, light and dark."""
    findings = {}
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 860})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            settle(page)
            form = f"{name}-{width}-{scheme}"
            # Of all that is looked for, only the contrast depends on the colours.
            findings[form] = serious(page, ["color-contrast"] if scheme == "dark" else None)
            save_picture(page, form)
    return findings


def serious(page: Page, rules: list[str] | None) -> list[str]:
    """Return what axe finds of serious and critical impact, by some rules or by all."""
    found = Axe().run(page, options={"runOnly": rules} if rules else None).response["violations"]
    return [
        f"{one['id']}: {node['html']:.160}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
