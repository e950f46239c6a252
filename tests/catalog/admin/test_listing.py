"""Walking through the tree, and finding nodes in it."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyarrow as pa
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from catalog.models import Node

from ..conftest import Api
from .conftest import LISTING, Browser


def described(api: Api, path: str, metadata: object, specs: tuple[str, ...] = ()) -> None:
    parent, _, key = path.rpartition("/")
    body = {"id": key, "structure_family": "container", "metadata": metadata, "specs": specs}
    assert api.send("POST", f"/metadata/{parent}", body).status_code == 200


def test_only_the_right_key_logs_in(api: Api) -> None:
    client = Client()
    assert client.get(LISTING).headers["Location"].startswith("/admin/login/")
    assert not client.login(username="admin", password="wrong")
    assert "the key as the password" in client.get("/admin/login/").content.decode()


def test_the_list_shows_the_children_of_a_container_newest_first(
    api: Api, browser: Browser
) -> None:
    for path in ("a", "b", "a/x", "a/y", "a/x/deep"):
        api.container(path)
    assert browser.names() == ["b", "a"]
    assert browser.names("?path=a") == ["y", "x"]
    assert browser.names("?path=a&depth=all") == ["x/deep", "y", "x"]


def test_every_container_on_the_way_is_a_link(api: Api, browser: Browser) -> None:
    for path in ("a", "a/ü x"):
        api.container(path)
    api.array("a/ü x/data", np.ones(3))
    for page in (browser.open(f"{LISTING}?path=a/ü x"), browser.page("a/ü x/data")):
        assert f'<a href="{LISTING}">Nodes</a>' in page
        assert f'<a href="{LISTING}?path=a">a</a>' in page
        assert f'<a href="{LISTING}?path=a%2F%C3%BC+x">ü x</a>' in page


def test_a_path_leads_to_the_list_of_a_container_and_the_page_of_anything_else(
    api: Api, browser: Browser
) -> None:
    api.container("a")
    api.array("a/data", np.ones(3))
    for path, found in (("a", f"{LISTING}?path=a"), ("/a//data/", browser.address("a/data"))):
        response = browser.client.get(f"{LISTING}jump/", {"path": path})
        assert response.headers["Location"] == found


def test_a_path_without_a_node_leads_to_the_nearest_above_it(api: Api, browser: Browser) -> None:
    api.container("a")
    for way in (f"{LISTING}jump/?path=a/gone/far", f"{LISTING}?path=a/gone/far"):
        page = browser.open(way)
        assert "There is no node at a/gone/far; the nearest one above it is /a." in page
        assert "This container is empty." in page


def test_a_search_finds_words_of_path_metadata_and_specs_anywhere_below(
    api: Api, browser: Browser
) -> None:
    described(api, "a", {"sample": {"name": "Größe 'x'"}})
    described(api, "A", {"sample": 'say "hi"'})
    described(api, "a/b", {"temperature": 293.5}, ("BlueskyRun",))
    assert browser.names("?q=größe") == ["a"]
    assert browser.names('?q="say \\"hi\\""') == ["A"]
    assert browser.names("?q=sample 'x'") == ["a"]
    assert browser.names("?q=293.5") == ["a/b"]
    assert browser.names("?q=blueskyrun") == ["a/b"]
    assert browser.names("?path=a&q=a") == ["b"]
    assert browser.names(f"?q={Node.objects.get(path='A').uuid}") == ["A"]
    assert "No node below / matches." in browser.open(f"{LISTING}?q=nothing")


def test_below_a_container_is_not_below_one_of_other_case(api: Api, browser: Browser) -> None:
    for path in ("a", "A", "a/x", "A/x", "a_", "a_/x"):
        api.container(path)
    assert browser.names("?path=a&depth=all") == ["x"]


def test_filters_keep_the_container_and_choose_by_family_and_age(
    api: Api, browser: Browser
) -> None:
    for path in ("a", "a/old", "a/new"):
        api.container(path)
    api.array("a/data", np.ones(3))
    Node.objects.filter(path="a/old").update(
        time_created=timezone.now() - timedelta(days=2), time_updated=timezone.now()
    )
    assert browser.names("?path=a&structure_family__exact=array") == ["data"]
    assert browser.names("?path=a&created=day") == ["data", "new"]
    assert browser.names("?path=a&updated=hour") == ["data", "new", "old"]
    assert 'href="?created=day&path=a"' in browser.open(f"{LISTING}?path=a")


def test_rows_show_structure_and_size(api: Api, browser: Browser) -> None:
    api.container("a")
    api.container("a/b")
    api.array("image", np.zeros((2, 300, 400), ">u2"))
    api.table("table", pa.table({"x": [1], "y": ["one"]}))
    page = browser.open(LISTING)
    assert "1 child node<" in page
    assert "uint16 big-endian (2 × 300 × 400)" in page  # noqa: RUF001
    assert "480.0 kB" in page
    assert "2 columns: x, y" in page


def test_a_longer_list_takes_the_same_number_of_queries(
    api: Api, browser: Browser, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(12):
        api.array(f"array_{number}", np.ones(3))
        api.container(f"container_{number}")
        api.table(f"table_{number}", pa.table({"x": [1]}))
    with django_assert_max_num_queries(10):
        assert len(browser.names()) == 36
