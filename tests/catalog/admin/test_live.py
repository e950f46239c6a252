"""Parts of a node's page that are refreshed while it is open, and its links."""

from __future__ import annotations

import html
import re
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from catalog.models import Node

from ..conftest import OCTETS, Api
from .conftest import Browser
from .test_page import fact, picture


def live_address(page: str) -> str:
    found = re.search(r'data-live-address="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_live_parts_have_the_stream_the_structure_and_the_picture_of_now(
    api: Api, browser: Browser
) -> None:
    api.array("a", np.zeros((2, 8, 8), "u2"))
    page = browser.page("a", "?frame=1")
    address = live_address(page)
    parts = browser.open(address)
    assert fact(parts, "Last sequence") == "1"
    for key in re.findall(r'data-live="([^"]+)"', parts):
        part = rf'<div data-live="{key}">.*?</section>'
        assert re.findall(part, parts, re.DOTALL) == re.findall(part, page, re.DOTALL)
    frame = np.arange(64, dtype="u2").reshape(1, 8, 8)
    query = "offset=1,0,0&shape=1,8,8"
    assert api.send("PATCH", f"/array/full/a?{query}", frame.tobytes(), OCTETS).status_code == 200
    parts = browser.open(address)
    assert fact(parts, "Last sequence") == "2"
    assert picture(parts).max() == 255
    assert "frame [1]" in parts
    assert "<html" not in parts


def test_live_parts_are_for_staff_who_may_see_nodes(api: Api, browser: Browser) -> None:
    api.array("a", np.zeros(3))
    address = live_address(browser.page("a"))
    assert Client().get(address).headers["Location"].startswith("/admin/login/")
    user = User.objects.create_user("eve", password="wonderland", is_staff=True)
    client = Client()
    assert client.login(username="eve", password="wonderland")
    paths = (address, "/admin/catalog/node/embedded/?path=a", "/admin/catalog/node/jump/?path=a")
    for path in paths:
        assert client.get(path).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_node"))
    assert client.get(address).status_code == 200
    Node.objects.get(path="a").delete()
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("key", ["ü x", "50%", "a?b#c", "100:200", "line\nbreak", "&amp;"])
def test_a_page_links_to_the_live_page_and_to_downloads(
    api: Api, browser: Browser, key: str
) -> None:
    body = {"id": key, "structure_family": "container", "metadata": {}, "specs": []}
    assert api.send("POST", "/metadata/", body).status_code == 200
    page = browser.client.get(browser.address(key)).content.decode()
    live = re.search(r'<a href="([^"]+)">Live page', page)
    assert live is not None
    shown = browser.client.get(html.unescape(live[1]))
    assert shown.status_code == 200
    assert unquote(urlsplit(html.unescape(live[1])).path) == f"/ui/browse/{key}"
    downloads = re.findall(r'<a href="(/api/v1/[^"]+)" title="([^"]+)" download>', page)
    assert "application/json" in dict(map(reversed, downloads))
    for address, _ in downloads:
        assert api.get(html.unescape(address).removeprefix("/api/v1")).status_code == 200
