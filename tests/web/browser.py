"""A real browser, and a site on loopback that has the page's scripts under its policy."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.servers import PROJECT
from tools.backends.loopback_site import loopback_site
from web.pages import POLICY

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# One process draws all pages of a site, instead of a new one for each.
ARGUMENTS = [
    "--no-sandbox",
    "--renderer-process-limit=1",
    "--process-per-site",
    "--disable-site-isolation-trials",
]
# WebGL in software, as machines of tests have no graphics card. The page itself is drawn without
# it, which takes half the time.
WEBGL = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-gpu-compositing"]
FOLDERS = {
    "/static/site/": PROJECT / "core/static/site",
    "/static/web/": PROJECT / "web/static/web",
    "/tests/": PROJECT / "tests/web",
}


class Handler(SimpleHTTPRequestHandler):
    """Serves static files of the page and of the tests."""

    protocol_version = "HTTP/1.1"

    def translate_path(self, path: str) -> str:
        """Return the file of a path."""
        plain = path.split("?")[0]
        for prefix, folder in FOLDERS.items():
            if plain.startswith(prefix) and ".." not in plain:
                return str(folder / plain.removeprefix(prefix))
        return str(Path("/nonexistent"))

    def end_headers(self) -> None:
        """Add the policy that the page is served with."""
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@contextmanager
def site() -> Iterator[str]:
    """Serve the static files, and yield the address."""
    with loopback_site(Handler) as address:
        yield address


class Fingers:
    """Fingers on the touch screen of a page, one at each of some points (x, y)."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)

    def drag(self, *paths: tuple[tuple[float, float], tuple[float, float]], steps: int = 6) -> None:
        """Press at the start of each path, move all fingers to the ends, and lift them."""
        self._send("touchStart", [start for start, _ in paths])
        for step in range(1, steps + 1):
            share = step / steps
            self._send("touchMove", [between(start, end, share) for start, end in paths])
        self._send("touchEnd", [])

    def _send(self, kind: str, points: list[tuple[float, float]]) -> None:
        places = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})


def between(
    start: tuple[float, float], end: tuple[float, float], share: float
) -> tuple[float, float]:
    """Return the point on a line between two points."""
    return (start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share)


@contextmanager
def chromium(*arguments: str, usual: Sequence[str] = ARGUMENTS) -> Iterator[Browser]:
    """Start the browser of this machine; skip where there is none."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"no browser on this machine: none of {', '.join(NAMES)} is in PATH")
    with sync_playwright() as playwright:
        options = [*usual, *arguments]
        browser = playwright.chromium.launch(executable_path=path, args=options)
        try:
            yield browser
        finally:
            browser.close()
