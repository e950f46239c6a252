"""A site below a path of its host: links, pages, cookies, and the clients of each language."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from urllib.parse import urlsplit

import numpy as np
import pytest
import requests
from playwright.sync_api import Page, expect

from tests.conftest import API_KEY
from tests.servers import RunningServer, own_database, running
from tests.web.browser import chromium
from tests.web.conftest import open_node, watched_page
from tiled_client import from_uri

from .client_processes import OURS, TILED, ClientProcesses

KEY = {"Authorization": f"Apikey {API_KEY}"}
ROOT_PATH = "/tiled"
JAVASCRIPT_CLIENT = "web/tiled-stream-client/src/index.js"


@pytest.fixture(scope="module")
def below(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("below")
    options = ("--port", "0", "--workers", "1", "--api-key", API_KEY)
    with (
        own_database() as database,
        running(folder, "serve", *options, TILED_SERVER_ROOT_PATH=ROOT_PATH, **database) as site,
    ):
        yield site


def get(url: str, **headers: str) -> requests.Response:
    return requests.get(url, headers={**KEY, **headers}, timeout=60, allow_redirects=False)


def path_of(url: str) -> str:
    return urlsplit(url).path


def test_links_have_the_prefix_whether_or_not_the_proxy_removes_it(below: RunningServer) -> None:
    assert path_of(below.uri) == ROOT_PATH
    host = below.uri.removesuffix(ROOT_PATH)
    key = f"x{secrets.token_hex(4)}"
    from_uri(below.uri, api_key=API_KEY).write_array(np.arange(3), key=key)
    for base in (below.uri, host):
        about = get(f"{base}/api/v1/").json()
        assert about["links"]["self"] == f"{below.uri}/api/v1"
        assert about["links"]["documentation"] == f"{below.uri}/docs"
        assert about["meta"]["root_path"] == f"{ROOT_PATH}/api"
        links = get(f"{base}/api/v1/metadata/{key}").json()["data"]["links"]
        assert links["self"] == f"{below.uri}/api/v1/metadata/{key}"
        assert get(links["full"], Accept="application/json").json() == [0, 1, 2]


def test_a_trusted_proxy_names_another_prefix_in_a_header(below: RunningServer) -> None:
    host = below.uri.removesuffix(ROOT_PATH)
    for given in ("/other", "/other/"):
        about = get(f"{host}/api/v1/", **{"X-Forwarded-Prefix": given}).json()
        assert about["links"]["self"] == f"{host}/other/api/v1"
    # Each proxy on the way adds its own.
    about = get(f"{host}/api/v1/", **{"X-Forwarded-Prefix": "/a, /b"}).json()
    assert about["links"]["self"] == f"{host}/a/b/api/v1"
    refused = get(f"{host}/api/v1/", **{"X-Forwarded-Prefix": "//evil.example.org"})
    assert refused.status_code == 400
    assert "X-Forwarded-Prefix" in refused.json()["detail"]


def test_redirects_stay_below_the_path(below: RunningServer) -> None:
    host = below.uri.removesuffix(ROOT_PATH)
    for before, after in {
        ROOT_PATH: f"{ROOT_PATH}/ui/",
        f"{ROOT_PATH}/": f"{ROOT_PATH}/ui/",
        f"{ROOT_PATH}/api/v1": f"{ROOT_PATH}/api/v1/",
        f"{ROOT_PATH}/admin": f"{ROOT_PATH}/admin/",
        f"{ROOT_PATH}/admin/": f"{ROOT_PATH}/admin/login/",
        f"{ROOT_PATH}/favicon.ico": f"{ROOT_PATH}/static/site/favicon.svg",
    }.items():
        answer = get(host + before)
        assert answer.status_code in {302, 307}
        assert path_of(answer.headers["Location"]) == after, before


def test_the_description_of_the_api_names_the_path(below: RunningServer) -> None:
    assert get(f"{below.uri}/openapi.json").json()["servers"] == [{"url": ROOT_PATH}]
    page = get(f"{below.uri}/docs").text
    assert f'data-document="{ROOT_PATH}/openapi.json"' in page
    [script] = re.findall(r'src="([^"]*docs\.js[^"]*)"', page)
    host = below.uri.removesuffix(ROOT_PATH)
    assert "SwaggerUIBundle" in get(host + script).text


def test_cookies_are_for_the_path_alone(below: RunningServer) -> None:
    with requests.Session() as session:
        login = f"{below.uri}/ui/login"
        form = session.get(login, timeout=60).text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
        assert token is not None
        data = {"csrfmiddlewaretoken": token[1], "api_key": API_KEY}
        done = session.post(login, data, allow_redirects=False, timeout=60)
        assert path_of(done.headers["Location"]) == f"{ROOT_PATH}/ui/"
        assert session.get(f"{below.uri}/api/v1/metadata/", timeout=60).status_code == 200
        assert {cookie.name for cookie in session.cookies} >= {"sessionid", "csrftoken"}
        assert {cookie.path for cookie in session.cookies} == {ROOT_PATH}


@pytest.mark.parametrize("writing", [OURS, TILED])
def test_both_clients_write_and_subscribe(
    below: RunningServer, client_processes: ClientProcesses, writing: str
) -> None:
    key = f"x{secrets.token_hex(4)}"
    writer = client_processes.process("writer", writing)
    subscriber = client_processes.process("subscriber", OURS if writing == TILED else TILED)
    writer.run("write_and_extend", below.uri, key)
    writer.say()
    writer.prints("[1 2 3 4 5 6]")
    subscriber.run("watch_data", below.uri, key, 0)
    heard = subscriber.prints_until("[4 5 6]")
    assert "[1 2 3]" in heard
    writer.say()
    writer.finishes()
    subscriber.prints("offset: (6,)", "[7 8 9]")
    subscriber.prints_until("done")
    subscriber.busy = False


def test_the_page_shows_and_follows_data_in_a_browser(below: RunningServer) -> None:
    client = from_uri(below.uri, api_key=API_KEY)
    key = f"scan{secrets.token_hex(4)}"
    written = client.write_array(np.arange(5.0), key=key)
    with chromium() as browser, watched_page(browser) as page:
        requested: list[str] = []
        page.on("request", lambda request: requested.append(path_of(request.url)))
        page.on("websocket", lambda socket: requested.append(path_of(socket.url)))
        open_node(page, below, key)
        expect(page.get_by_role("status").get_by_text("Live").first).to_be_visible()
        assert path_of(page.url) == f"{ROOT_PATH}/ui/browse/{key}"
        written.patch(np.array([7.0]), offset=5, extend=True)
        expect(page.get_by_role("img", name=re.compile("6 points"))).to_be_visible()
        assert f"{ROOT_PATH}/api/v1/stream/multi" in requested
        _uses_the_javascript_client(page, key)
        page.get_by_role("button", name="admin").click()
        page.get_by_role("menuitem", name="Admin").click()
        page.get_by_role("link", name="Nodes", exact=True).first.click()
        page.get_by_role("link", name=key).first.click()
        expect(page.get_by_text(key).first).to_be_visible()
        page.goto(f"{below.uri}/docs")
        expect(page.get_by_role("link", name="register-files")).to_be_visible()
        assert [path for path in requested if not path.startswith(f"{ROOT_PATH}/")] == []
        assert {cookie["path"] for cookie in page.context.cookies()} == {ROOT_PATH}  # type: ignore[typeddict-item]


def _uses_the_javascript_client(page: Page, key: str) -> None:
    """Import the client as a page of the site would, and read by the address of the site."""
    values = page.evaluate(
        f"""async () => {{
        const {{ connect }} = await import("{ROOT_PATH}/static/{JAVASCRIPT_CLIENT}");
        const array = await connect(location.origin + "{ROOT_PATH}").node("{key}").read();
        return Array.from(array.data);
    }}"""
    )
    assert values == [0, 1, 2, 3, 4, 7]
