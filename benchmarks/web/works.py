"""What is measured of the live page: images, memory, a long line, and a table that grows."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pyarrow as pa
from playwright.sync_api import Browser, Locator

from ..load import Writer
from ..peers import Peer
from ..works import ARROW, OCTETS, ipc_file, new_array, new_table
from .page import MeasuredPage, Seen, opened, quantile
from .producer import Request, Written, producing

SIDE = 1448
RATE = 20.0
FRAMES = 8
POINTS = 1_000_000
LINE_RATE, LINE_PART = 10.0, 100
ROWS, ROWS_RATE = 100, 10.0
KEYS_PER_SECOND = 10
WARM_UP = 5.0
SETTLED = 3000
UINT16 = {"endianness": "little", "kind": "u", "itemsize": 2, "dt_units": None}


@dataclass(frozen=True)
class Images:
    """How images of a detector were drawn."""

    panes: int
    written: float
    """Frames per second of the producer."""
    drawn: float
    """Frames per second drawn in each pane."""
    age: tuple[float, float]
    """Median and 95th percentile, from the beginning of the write until shown, in ms."""
    long: float
    """Fraction of the time in tasks of more than 50 ms."""
    browser: float
    """Processor time of Chromium for each update drawn in a pane, in ms."""
    server: float
    """Processor time of the server for each frame written, in ms."""

    def line(self) -> str:
        """One line of the table."""
        cells = [
            f"{self.panes}",
            f"{self.written:.1f}",
            f"{self.drawn:.1f}",
            f"{self.age[0]:,.0f} / {self.age[1]:,.0f}",
            f"{self.long:.0%}",
            f"{self.browser:.0f}",
            f"{self.server:.0f}",
        ]
        return f"| {' | '.join(cells)} |"


IMAGES_HEADING = (
    "| panes | frames/s written | frames/s drawn | age when shown, p50 / p95 ms | in tasks > 50 ms "
    "| browser, ms CPU each | server, ms CPU per frame |\n"
    "| --- | --- | --- | --- | --- | --- | --- |"
)


def images(
    peer: Peer, browser: Browser, panes: int, seconds: float, profile: Path | None = None
) -> Images:
    """Measure `panes` panes that all show the same detector."""
    with _detector(peer, browser, panes) as (page, written):
        page.page.wait_for_timeout(1000 * WARM_UP)
        if profile:
            page.start_profile()
        cpu, begun = peer.cpu(), 1000 * time.time()
        seen = page.watch(seconds)
        cpu, ended = peer.cpu() - cpu, 1000 * time.time()
        if profile:
            profile.with_stem(f"{profile.stem}-{panes}").write_text(json.dumps(page.profile()))
    count = sum(begun <= at < ended for at in written.times)
    ages = seen.ages(written.times)
    return Images(
        panes,
        count / seconds,
        len(seen.drawn) / panes / seconds,
        (quantile(ages, 0.5), quantile(ages, 0.95)),
        sum(seen.long) / 1000 / seconds,
        1000 * seen.cpu / max(len(seen.drawn), 1),
        1000 * cpu / max(count, 1),
    )


@dataclass(frozen=True)
class Sample:
    """Memory at one time, in MB."""

    minute: float
    heap: float
    """Of the page, after a collection of garbage."""
    buffers: float
    """Of arrays, outside of the heap."""
    server: float
    """Resident, of all processes of the server."""
    drawn: float
    """Frames per second since the sample before."""

    def line(self) -> str:
        """One line of the table."""
        cells = [f"{self.minute:.1f}", f"{self.heap:.1f}", f"{self.buffers:.1f}"]
        return f"| {' | '.join([*cells, f'{self.server:.0f}', f'{self.drawn:.1f}'])} |"


MEMORY_HEADING = (
    "| minute | heap, MB | buffers, MB | server, MB | frames/s drawn |\n"
    "| --- | --- | --- | --- | --- |"
)


def memory(peer: Peer, browser: Browser, minutes: float, samples: int) -> Iterator[Sample]:
    """Show the detector for a number of minutes, and sample the memory."""
    with _detector(peer, browser, 1) as (page, _):
        page.page.wait_for_timeout(1000 * WARM_UP)
        begun, each = time.monotonic(), 60 * minutes / samples
        for number in range(samples + 1):
            seen = page.watch(each) if number else Seen(1)
            minute = (time.monotonic() - begun) / 60
            memories = *page.memory(), peer.memory() / 1e6
            yield Sample(minute, *memories, len(seen.drawn) / seen.seconds)


@dataclass(frozen=True)
class Used:
    """How a view stayed usable while data came."""

    name: str
    opened: float
    """Seconds from the navigation until it showed data."""
    arrived: str
    """What of the stream reached the page."""
    drawn: float
    """Times per second that new data were drawn."""
    keys: tuple[int, int]
    """Keys pressed, and those that the page handled."""
    delay: tuple[float, float]
    """Median and 95th percentile from a key until the next frame was finished, in ms."""

    def line(self) -> str:
        """One line of the table."""
        cells = [
            self.name,
            f"{self.opened:.1f}",
            self.arrived,
            f"{self.drawn:.1f}",
            f"{self.keys[1]} of {self.keys[0]}",
            f"{self.delay[0]:.0f} / {self.delay[1]:.0f}",
        ]
        return f"| {' | '.join(cells)} |"


USED_HEADING = (
    "| view | opened in, s | of the stream | drawn/s | keys handled "
    "| key until next frame, p50 / p95 ms |\n| --- | --- | --- | --- | --- | --- |"
)


def line(peer: Peer, browser: Browser, seconds: float) -> Used:
    """Zoom and pan in a line of 1,000,000 points to which points are appended."""
    path = new_array(peer, [POINTS])
    wave = np.cumsum(np.random.default_rng(0).normal(size=POINTS))
    writer = Writer(peer)
    writer.send("PUT", f"/api/v1/array/full/{path}", wave.tobytes(), OCTETS)
    writer.close()
    part = np.full(LINE_PART, wave[-1]).tobytes()
    target = f"/api/v1/array/full/{path}?offset={{place}}&shape={LINE_PART}&extend=True"
    request = Request("PATCH", target, part, OCTETS, first=POINTS, step=LINE_PART)
    shown = "document.querySelector('.plot-canvas canvas')"
    with opened(browser, until=shown) as page:
        with producing(peer, [request], LINE_RATE) as written:
            page.open(peer, path)
            page.wait_until_live()
            took = page.shown()
            place = page.page.locator(".plot-canvas")
            seen, pressed = _press(page, place, ["+", "ArrowLeft", "ArrowRight", "-"], seconds)
        page.page.wait_for_timeout(SETTLED)
        last = page.number("[data-count=update] dd")
    # The first update had the points that were there before.
    arrived = f"{last - 1:,} of {len(written.times):,} updates"
    return _used("line of 1,000,000 points", took, arrived, seen, pressed)


def table(peer: Peer, browser: Browser, seconds: float) -> Used:
    """Scroll in a table to which 1,000 rows per second are appended."""
    chance = np.random.default_rng(0)
    rows = pa.table({name: chance.random(ROWS) for name in "abcde"})
    path = new_table(peer, rows.schema)
    target = f"/api/v1/table/partition/{path}?partition=0"
    request = Request("PATCH", target, ipc_file(rows), ARROW)
    shown = "/[1-9]\\d* rows/.test(document.querySelector('.table-head')?.textContent)"
    with opened(browser, until=shown) as page:
        with producing(peer, [request], ROWS_RATE) as written:
            page.open(peer, path)
            page.wait_until_live()
            took = page.shown()
            place = page.page.get_by_role("grid")
            seen, pressed = _press(page, place, ["PageUp", "PageDown"], seconds)
        total = ROWS * len(written.times)
        page.page.wait_for_timeout(SETTLED)
        found = page.number(".table-head b")
    return _used("table, 1,000 rows/s", took, f"{found:,} of {total:,} rows", seen, pressed)


def _press(
    page: MeasuredPage, place: Locator, keys: Sequence[str], seconds: float
) -> tuple[Seen, int]:
    """Press the keys in turn, at a rate; return what was recorded meanwhile, and their number."""
    place.focus()
    page.reset()
    begun, count = time.monotonic(), 0
    while (now := time.monotonic() - begun) < seconds:
        page.page.wait_for_timeout(max(0.0, 1000 * (count / KEYS_PER_SECOND - now)))
        page.page.keyboard.press(keys[count % len(keys)])
        count += 1
    page.page.wait_for_timeout(500)
    return page.seen(time.monotonic() - begun), count


def _used(name: str, took: float, arrived: str, seen: Seen, pressed: int) -> Used:
    delays = quantile(seen.input, 0.5), quantile(seen.input, 0.95)
    drawn = len(seen.drawn) / seen.seconds
    return Used(name, took, arrived, drawn, (pressed, len(seen.input)), delays)


@contextmanager
def _detector(peer: Peer, browser: Browser, panes: int) -> Iterator[tuple[MeasuredPage, Written]]:
    structure = {
        "data_type": UINT16,
        "shape": [SIDE, SIDE],
        "chunks": [[SIDE], [SIDE]],
        "dims": None,
        "resizable": False,
    }
    path = new_array(peer, [], structure)
    target = f"/api/v1/array/full/{path}?persist=False"
    requests = [Request("PUT", target, frame, OCTETS) for frame in frames()]
    query = {"panes": str(panes)} | {f"{n}.path": path for n in range(2, panes + 1)}
    with opened(browser) as page, producing(peer, requests, RATE) as written:
        page.open(peer, path, urlencode(query))
        page.wait_until_live(panes)
        yield page, written


def frames() -> list[bytes]:
    """Return frames of a detector: rings that move, and noise."""
    chance = np.random.default_rng(0)
    y, x = np.ogrid[:SIDE, :SIDE]
    found = []
    for number in range(FRAMES):
        distance = np.hypot(y - SIDE / 2, x - SIDE / 2 - 10 * number)
        mean = 200 + 800 * np.cos(distance / 40) ** 8
        found.append(chance.poisson(mean).astype("<u2").tobytes())
    return found
