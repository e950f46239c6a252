"""WebSockets of logged-in browsers: which may be opened, and what ends them. Real servers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import pytest
import requests

from tests.servers import RunningServer
from tiled_client.wire.structures import ArrayStructure

from ..websocket_client import Site, Socket
from .test_revocation import SOON, closings, new_key, revoke, workers_at

LOGGED_OUT, REVOKED = (4003, "Logged out"), (4003, "Key revoked")


class Browser:
    """A browser that is logged in, at one site."""

    def __init__(self, server: RunningServer, **form: str) -> None:
        self.uri = server.uri.rstrip("/")
        self.http = requests.Session()
        page = self.http.get(f"{self.uri}/ui/login", timeout=10).text
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert found is not None
        data = {"csrfmiddlewaretoken": found[1], **form}
        done = self.http.post(f"{self.uri}/ui/login", data, timeout=10, allow_redirects=False)
        assert done.status_code == 303, done.text

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.http.get(self.uri + path, timeout=10, **options)

    def log_out(self) -> None:
        self.get("/ui/")
        token = self.http.cookies["tiled_csrf"]
        done = self.http.post(
            f"{self.uri}/ui/logout", headers={"X-CSRF": token}, timeout=10, allow_redirects=False
        )
        assert done.status_code == 303

    def headers(self, origin: str | None = None) -> dict[str, str]:
        """What it sends with the handshake of a WebSocket."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
        return {"Cookie": cookies, "Origin": origin or self.uri}

    def subscribed(self, site: Site, path: str) -> Any:
        return site.socket(path, key=None, headers=self.headers())


@contextmanager
def sockets_everywhere(
    site: Site, browser: Browser, path: str, workers: int
) -> Iterator[list[Socket]]:
    """Open subscriptions of one browser until this many processes of the server have one."""
    sockets: list[Socket] = []
    # A connection that is kept alive is none of a WebSocket.
    browser.http.close()
    with ExitStack() as opened:
        while not sockets or workers_at(site) < workers:
            assert len(sockets) < 60
            sockets += [opened.enter_context(browser.subscribed(site, path)) for _ in range(6)]
        for each in sockets:
            assert each.next()["type"] == "array-schema"
        yield sockets


@pytest.mark.parametrize(("name", "workers"), [("server", 2), ("runserver", 1)])
def test_logging_out_ends_the_sockets_of_the_browser_in_every_process(
    name: str, workers: int, request: pytest.FixtureRequest
) -> None:
    server = request.getfixturevalue(name)
    site = Site(server)
    path = f"/{site.array()}"
    browser, other = (Browser(server, api_key="secret") for _ in range(2))
    with (
        sockets_everywhere(site, browser, path, workers) as sockets,
        site.multi(key=None, headers=browser.headers()) as many,
        other.subscribed(site, path) as staying,
    ):
        many.send_command(type="subscribe", id="a", path=path)
        assert many.next_for("a")["type"] == "array-schema"
        assert staying.next()["type"] == "array-schema"
        headers = browser.headers()
        browser.log_out()
        how, took = closings([*sockets, many])
        assert how == {LOGGED_OUT}
        assert took < SOON
        site.write(path[1:], [1, 2, 3])
        assert staying.next()["sequence"] == 1
    with site.socket(path, key=None, headers=headers) as unknown:
        unknown.connection.send(json.dumps({"type": "auth", "api_key": "wrong"}))
        assert unknown.closing() == (4003, "Authentication failed")
    cookie = {"Cookie": headers["Cookie"]}
    assert requests.get(f"{site.api}/metadata{path}", headers=cookie, timeout=10).status_code == 401


def test_a_revoked_key_ends_the_sockets_and_the_session(server: RunningServer) -> None:
    site = Site(server)
    path, key = f"/{site.array()}", new_key(site)
    browser = Browser(server, api_key=key)
    with browser.subscribed(site, path) as socket:
        assert socket.next()["type"] == "array-schema"
        assert browser.get(f"/api/v1/metadata{path}").status_code == 200
        revoke(site, key)
        assert socket.closing() == REVOKED
    assert browser.get(f"/api/v1/metadata{path}").status_code == 401


@pytest.mark.parametrize("scopes", ["read:metadata", "write:data"])
def test_a_session_opens_no_more_streams_than_its_key(server: RunningServer, scopes: str) -> None:
    site = Site(server)
    path = f"/{site.array()}"
    browser = Browser(server, api_key=new_key(site, scopes=scopes))
    refused = site.rejection(path, key=None, headers=browser.headers())
    assert refused.status_code == 401
    assert b"Not enough permissions" in (refused.body or b"")


def test_sockets_are_opened_with_the_cookie_by_pages_of_this_site_alone(
    server: RunningServer,
) -> None:
    site = Site(server)
    path = f"/{site.array()}"
    browser = Browser(server, api_key="secret")
    for origin in ("https://evil.example.org", "http://localhost:1", "null"):
        refused = site.rejection(path, key=None, headers=browser.headers(origin))
        assert refused.status_code == 403
    cookie = {"Cookie": browser.headers()["Cookie"]}
    with site.socket(path, key=None, headers=cookie) as unknown:
        # The cookie does not count: without credentials in its first message it is closed.
        unknown.connection.send(json.dumps({"type": "subscribe"}))
        assert unknown.closing()[0] == 4001


def test_a_page_opens_data_by_plain_links(server: RunningServer) -> None:
    site = Site(server)
    path = site.array([[0, 1], [2, 3]])
    browser = Browser(server, api_key="secret")
    page = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "no-cors"}
    picture = browser.get(f"/api/v1/array/full/{path}?format=png", headers=page)
    assert (picture.status_code, picture.headers["Content-Type"]) == (200, "image/png")
    assert picture.content.startswith(b"\x89PNG")
    elsewhere = {**page, "Sec-Fetch-Site": "same-site"}
    assert browser.get(f"/api/v1/array/full/{path}", headers=elsewhere).status_code == 401


MAKE = "from django.contrib.auth.models import User; User.objects.create_user('uma', password='{}')"
CHANGE = "from django.contrib.auth.models import User; u = User.objects.get(username='uma'); {}"


def test_a_user_who_gets_another_password_or_is_disabled_loses_the_sockets(
    multiuser_server: RunningServer,
) -> None:
    site, password = Site(multiuser_server), "one-2026"

    def shell(code: str) -> None:
        done = site.server.manage("shell", "-c", code)
        assert done.returncode == 0, done.stderr

    shell(MAKE.format(password))
    browser = Browser(multiuser_server, username="uma", password=password)
    path = f"/{_own_array(browser)}"
    changes = {
        "u.set_password('other-2026'); u.save()": "Session revoked",
        "u.is_active = False; u.save()": "Account disabled",
    }
    for change, reason in changes.items():
        with browser.subscribed(site, path) as socket:
            assert socket.next()["type"] == "array-schema"
            shell(CHANGE.format(change))
            assert socket.closing() == (4003, reason)
        assert browser.get(f"/api/v1/metadata{path}").status_code == 401
        if reason == "Session revoked":
            browser = Browser(multiuser_server, username="uma", password="other-2026")


def _own_array(browser: Browser) -> str:
    """Create an array as the user of the browser, as a script of the page does."""
    structure = ArrayStructure.from_array(np.zeros(3, "i8")).to_json()
    body = {
        "structure_family": "array",
        "metadata": {},
        "specs": [],
        "data_sources": [{"structure_family": "array", "structure": structure}],
    }
    browser.get("/ui/")
    headers = {"X-CSRF": browser.http.cookies["tiled_csrf"], "Origin": browser.uri}
    created = browser.http.post(
        f"{browser.uri}/api/v1/metadata/", json=body, headers=headers, timeout=10
    )
    assert created.status_code == 200, created.text
    return str(created.json()["id"])
