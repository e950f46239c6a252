"""Who is subscribed, on the page of a node in the admin. A real server with two workers."""

from __future__ import annotations

import html
import re
from contextlib import ExitStack
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from tests.servers import RunningServer

from .websocket_client import KEY, Site

MAX_CONNECTIONS = 60


@pytest.fixture
def site(server: RunningServer) -> Site:
    return Site(server)


def logged_in(server: RunningServer) -> requests.Session:
    session = requests.Session()
    address = f"{server.uri.rstrip('/')}/admin/login/?next=/admin/catalog/node/"
    session.get(address, timeout=10)
    form = {
        "username": "admin",
        "password": KEY,
        "csrfmiddlewaretoken": session.cookies["csrftoken"],
    }
    answered = session.post(address, form, headers={"Referer": address}, timeout=10)
    assert answered.url.endswith("/admin/catalog/node/"), answered.text
    return session


def page(session: requests.Session, server: RunningServer, path: str) -> str:
    root = server.uri.rstrip("/")
    found = session.get(f"{root}/admin/catalog/node/jump/", params={"path": path}, timeout=10)
    assert found.status_code == 200, found.text
    return html.unescape(found.text)


def subscribers(text: str) -> list[list[str]]:
    """Return the rows of the table of subscribers."""
    table = text.partition("<th>Subscriber</th>")[2].partition("</table>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", table.partition("<tbody>")[2], re.DOTALL)
    return [re.findall(r"<td>(.*?)</td>", row, re.DOTALL) for row in rows]


def serving_workers(server: RunningServer) -> int:
    """Return how many processes hold connections of this test to the server."""
    port = urlsplit(server.uri).port
    own = {
        found.laddr.port
        for found in psutil.Process().net_connections("tcp")
        if found.raddr and found.raddr.port == port
    }
    return sum(
        any(found.raddr and found.raddr.port in own for found in process.net_connections("tcp"))
        for process in server.processes()
    )


def test_the_subscribers_of_all_workers_are_listed_with_their_options(site: Site) -> None:
    server = site.server
    path = site.array()
    other = site.array()
    made = server.manage(
        "apikey", "create", "--scopes", "read:data,read:metadata", "--note", "a <display>"
    )
    secret = made.stdout.strip()
    with ExitStack() as stack:
        # The server trusts a proxy on its own machine.
        behind = {"X-Forwarded-For": "203.0.113.7"}
        query = "?slice=0:2&policy=latest"
        first = stack.enter_context(site.socket(f"/{path}{query}", key=secret, headers=behind))
        assert first.next()["type"] == "array-schema"
        multi = stack.enter_context(site.multi())
        multi.send_command(type="subscribe", id="a", path=path, reduce="max:2")
        multi.next_for("a", path)
        count = 2
        while serving_workers(server) < 2 and count < MAX_CONNECTIONS:
            stack.enter_context(site.socket(f"/{path}?start=0")).next()
            count += 1
        stack.enter_context(site.socket(f"/{other}")).next()
        site.write(path, [1, 2, 3])
        assert first.next()["sequence"] == 1
        session = logged_in(server)
        rows = subscribers(page(session, server, path))
        assert len(rows) == count
        (shown,) = [row for row in rows if row[0].startswith("API key")]
        assert shown[0] == f"API key {secret[:8]}… (a <display>)"
        assert shown[1] == "203.0.113.7"
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", shown[2])
        assert shown[3:] == ["1", "0", "single", "slice=0:2, policy=latest"]
        (many,) = [row for row in rows if row[5] == "multi"]
        assert (many[0], many[6]) == ("the server's API key", "reduce=max:2")
    assert subscribers(page(session, server, path)) == []
