"""Fixtures of the web page's tests: a browser, and pages that must not report an error."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, expect

from tests.servers import RunningServer
from tests.web.browser import chromium
from tests.web.pictures import pictured, save_failure

# In milliseconds. Machines of tests have few processors, and a browser that draws in software.
TIMEOUT = 60_000
# The browser says so itself when a request fails, which some tests bring about.
EXPECTED = ("Failed to load resource", "WebSocket connection to")

expect.set_options(timeout=TIMEOUT)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Save pictures of the pages that are open when a test fails."""
    report = yield
    if report.when == "call" and report.failed:
        save_failure(report.nodeid)
    return report


# One for each module: while it runs, this thread has an event loop, which no other test may see.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the browser of this machine, or skip."""
    with chromium() as found:
        yield found


@contextmanager
def watched_page(
    browser: Browser,
    *,
    width: int = 1280,
    height: int = 860,
    dark: bool = False,
    touch: bool = False,
) -> Iterator[Page]:
    """Open an empty page; at the end fail for errors in its console and breaches of policy."""
    scheme = "dark" if dark else "light"
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, has_touch=touch
    )
    try:
        page = context.new_page()
        page.set_default_timeout(TIMEOUT)
        with pictured(page), without_errors(page):
            yield page
    finally:
        context.close()


@contextmanager
def without_errors(page: Page) -> Iterator[None]:
    """Fail at the end of the block for errors that the page has reported meanwhile."""
    errors: list[str] = []

    def on_message(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(EXPECTED):
            errors.append(message.text)

    def on_error(error: Error) -> None:
        errors.append(f"{error}\n{error.stack}")

    page.on("console", on_message)
    page.on("pageerror", on_error)
    try:
        yield
    finally:
        page.remove_listener("console", on_message)
        page.remove_listener("pageerror", on_error)
    assert errors == []


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return an empty page that must not report an error."""
    with watched_page(browser) as found:
        yield found


def settle(page: Page) -> None:
    """Wait until the page has laid out and drawn what was asked of it before."""
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


def until(page: Page, condition: str) -> None:
    """Wait for a condition, without the `eval` of Playwright, which the policy forbids."""
    done = page.evaluate(
        f"""() => new Promise((resolve) => {{
        const end = performance.now() + {TIMEOUT};
        const poll = () => {{
            if ({condition}) resolve(true);
            else if (performance.now() > end) resolve(false);
            else setTimeout(poll, 20);
        }};
        poll();
    }})"""
    )
    assert done, condition


def open_node(page: Page, site: RunningServer, path: str, query: str = "") -> None:
    """Open the page of a node, logged in with the API key of the site."""
    keys = "/".join(quote(key, safe="") for key in path.split("/"))
    page.goto(f"{site.uri}/ui/browse/{keys}?{query}&api_key={site.api_key}")
