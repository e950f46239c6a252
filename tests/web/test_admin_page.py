"""The admin's page of a node in a real browser: refreshed in place while it is visible."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect

from tests.servers import RunningServer
from tests.streaming.websocket_client import KEY, OCTETS, Site


@pytest.fixture
def site(server: RunningServer) -> Site:
    return Site(server)


def open_admin(page: Page, site: Site, path: str) -> None:
    root = site.server.uri.rstrip("/")
    page.goto(f"{root}/admin/login/?next=/admin/catalog/node/jump/%3Fpath%3D{path}")
    page.fill("#id_username", "admin")
    page.fill("#id_password", KEY)
    page.click("[type=submit]")
    page.wait_for_url("**/change/")  # and for what it loads: a route may refuse some of it later


def write_frame(site: Site, path: str, number: int, value: int) -> None:
    frame = np.full((1, 8, 8), value, "u2")
    frame[0, 0, 0] = 0
    query = f"?offset={number},0,0&shape=1,8,8"
    headers = {"Content-Type": OCTETS}
    site.done("PATCH", f"/array/full/{path}{query}", data=frame.tobytes(), headers=headers)


def test_data_and_subscribers_are_refreshed_without_losing_the_focus(
    page: Page, site: Site
) -> None:
    path = site.array(np.zeros((3, 8, 8), "u2"))
    open_admin(page, site, path)
    sequence = page.locator("dt:text-is('Last sequence') + dd")
    expect(sequence).to_have_text("0")
    page.evaluate("window.kept = true")
    page.focus("#frame-number")
    write_frame(site, path, 2, 700)
    expect(sequence).to_have_text("1")
    expect(page.get_by_text("white 700")).to_be_visible()
    expect(page.locator("#frame-number")).to_be_focused()
    # What is being entered is not replaced.
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("1")
    write_frame(site, path, 2, 900)
    expect(sequence).to_have_text("2")
    expect(page.locator("#frame-number")).to_have_value("1")
    expect(page.get_by_text("white 700")).to_be_visible()
    subscribers = page.locator("section", has=page.get_by_role("heading", name="Subscribers"))
    expect(subscribers).to_contain_text("No subscribers.")
    with site.socket(f"/{path}?slice=0"):
        expect(subscribers).to_contain_text("slice=0")
    expect(subscribers).to_contain_text("No subscribers.")
    assert page.evaluate("window.kept")


def test_a_failed_refresh_is_shown_and_ends_once_it_is_useless(page: Page, site: Site) -> None:
    path = site.array(np.zeros((3, 8, 8), "u2"))
    open_admin(page, site, path)
    message = page.locator(".live-status")
    live = re.compile(r"/live/")

    def refuse(route: Route) -> None:
        route.abort()

    page.route(live, refuse)
    expect(message).to_contain_text("The server cannot be reached. Trying again.")
    page.unroute(live, refuse)
    expect(message).to_be_hidden()
    page.context.clear_cookies()
    expect(message).to_contain_text("You are not logged in any more")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.wait_for_timeout(3000)  # longer than the pause between two refreshes
    assert requests == []
