"""A page in Chromium that is measured: what it draws, its memory, and its processor time."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, Page

from ..peers import KEY, Peer

RECORD = (Path(__file__).parent / "record.js").read_text()
WIDTH, HEIGHT = 1440, 900


@dataclass
class Seen:
    """What the page recorded over a time: see `record.js`."""

    seconds: float
    drawn: list[tuple[int, float, float]] = field(default_factory=list)
    """Sequence, and milliseconds since 1970 at which it was drawn, and shown."""
    input: list[float] = field(default_factory=list)
    """Milliseconds from each key or turn of the wheel until the next frame was finished."""
    long: list[float] = field(default_factory=list)
    """Milliseconds of each task of more than 50 ms."""
    cpu: float = 0.0
    """Seconds of processor time of all processes of Chromium."""

    def ages(self, times: Sequence[float]) -> list[float]:
        """Return milliseconds from each write until it was shown; the first write has number 1."""
        pairs = ((sequence, shown) for sequence, _, shown in self.drawn if shown)
        return [shown - times[n - 1] for n, shown in pairs if n <= len(times)]


class MeasuredPage:
    """A page of Chromium in a separate context."""

    def __init__(self, browser: Browser, page: Page) -> None:
        self._browser, self.page = browser, page
        self._cdp = page.context.new_cdp_session(page)
        self._cdp.send("HeapProfiler.enable")
        self._cdp.send("Performance.enable")

    def open(self, peer: Peer, path: str, query: str = "") -> None:
        """Open the page of a node, logged in."""
        self.page.goto(f"http://127.0.0.1:{peer.port}/ui/browse/{path}?{query}&api_key={KEY}")

    def wait_until_live(self, panes: int = 1) -> None:
        """Wait until all panes follow their streams."""
        for index in range(panes):
            self.page.locator(".status-bar .dot.live").nth(index).wait_for()

    def watch(self, seconds: float) -> Seen:
        """Record for a number of seconds; return what was drawn and what it took."""
        self.reset()
        cpu = browser_cpu()
        self.page.wait_for_timeout(1000 * seconds)
        return self.seen(seconds, browser_cpu() - cpu)

    def reset(self) -> None:
        """Forget what was recorded."""
        self.page.evaluate(RESET)

    def seen(self, seconds: float, cpu: float = 0.0) -> Seen:
        """Return what was recorded since the last reset."""
        records = self.page.evaluate(RECORDS)
        drawn = [(int(number), at, shown) for number, at, shown in records["drawn"]]
        return Seen(seconds, drawn, records["input"], records["long"], cpu)

    def memory(self) -> tuple[float, float]:
        """Return the MB of the heap after a collection of garbage, and those of array buffers."""
        self._cdp.send("HeapProfiler.collectGarbage")
        metrics: Any = self._cdp.send("Performance.getMetrics")["metrics"]
        heap = next(one["value"] for one in metrics if one["name"] == "JSHeapUsedSize")
        usage: Any = self._cdp.send("Runtime.getHeapUsage")
        return heap / 1e6, usage.get("backingStorageSize", 0) / 1e6

    def shown(self) -> float:
        """Return the seconds from the navigation until the condition of `opened` was painted."""
        # No `wait_for_function`: it evaluates text in the page, which its policy forbids.
        return float(self.page.evaluate("benchmark.shown")) / 1000

    def number(self, selector: str) -> int:
        """Return the first number in the text of an element, whose digits may be grouped."""
        text = self.page.locator(selector).first.inner_text().partition("/")[0]
        return int("".join(filter(str.isdigit, text)))

    def start_profile(self) -> None:
        """Sample the main thread until `profile` is called."""
        self._cdp.send("Profiler.enable")
        self._cdp.send("Profiler.start")

    def profile(self) -> dict[str, Any]:
        """Return the profile, as the developer tools of Chromium load it."""
        found: dict[str, Any] = self._cdp.send("Profiler.stop")["profile"]
        return found


RECORDS = "({ drawn: benchmark.drawn, input: benchmark.input, long: benchmark.long })"
RESET = "Object.assign(benchmark, { drawn: [], input: [], long: [] })"


@contextmanager
def opened(browser: Browser, *, until: str = "") -> Iterator[MeasuredPage]:
    """Open an empty page with a cache that is separate; `until` is a condition: see `shown`."""
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
    try:
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.add_init_script(RECORD + (f"\nbenchmark.until(() => {until});" if until else ""))
        yield MeasuredPage(browser, page)
    finally:
        context.close()


def browser_processes() -> list[psutil.Process]:
    """Return the processes of Chromium that this one started."""
    children = psutil.Process().children(recursive=True)
    return [one for one in children if "chrom" in _name(one)]


def browser_cpu() -> float:
    """Return the seconds of processor time of Chromium until now."""
    found = 0.0
    for one in browser_processes():
        try:
            times = one.cpu_times()
        except psutil.Error:
            continue
        found += times.user + times.system
    return found


def quantile(values: Sequence[float], part: float) -> float:
    """Return a quantile; NaN of no values."""
    if not values:
        return float("nan")
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[round(100 * part) - 1]


def _name(process: psutil.Process) -> str:
    try:
        return process.name().lower()
    except psutil.Error:
        return ""
