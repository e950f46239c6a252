"""Deleting from the admin, which goes the way of the API."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.dispatch import receiver

from catalog import events
from catalog.models import Asset, Node
from catalog.services.stores.folder.paths import node_folder

from ..conftest import Api
from .conftest import LISTING, Browser


def delete_address(path: str) -> str:
    return f"{LISTING}{Node.objects.get(path=path).pk}/delete/"


def folder(path: str) -> Path:
    return node_folder(Node.objects.get(path=path).uuid)


def test_a_node_is_deleted_with_all_below_it_its_files_and_announcements(
    api: Api, browser: Browser, announced: list[events.Event]
) -> None:
    api.container("a")
    api.container("a/b")
    api.array("a/b/data", np.ones(3))
    stored = folder("a/b/data")
    page = browser.open(delete_address("a/b"))
    assert "/a/b/data" in page
    assert "Nodes: 2" in page
    announced.clear()
    response = browser.post(delete_address("a/b"), post="yes")
    assert response.headers["Location"] == f"{LISTING}?path=a"
    assert "/a/b was deleted." in browser.open(f"{LISTING}?path=a")
    assert not Node.objects.filter(path__startswith="a/b").exists()
    assert not stored.exists()
    assert not Asset.objects.exists()
    deleted, gone = announced
    assert isinstance(gone, events.NodeDeleted)
    assert (type(deleted), deleted.node.path) == (events.ChildDeleted, "a")
    assert [node.path for node in (*gone.below, gone.node)] == ["a/b/data", "a/b"]
    assert LogEntry.objects.get().object_repr == "/a/b"


def test_a_deletion_is_announced_after_its_commit(api: Api, browser: Browser) -> None:
    api.container("a")
    api.container("b")
    inside: list[bool] = []

    @receiver([events.child_deleted, events.node_deleted])
    def hear(**_: object) -> None:
        inside.append(connection.in_atomic_block)

    browser.post(delete_address("a"), post="yes")
    chosen = Node.objects.get(path="b").pk
    browser.post(LISTING, action="delete_selected", _selected_action=chosen, post="yes")
    assert inside == [False] * 4


def test_selected_nodes_go_together_with_those_inside_each_other(
    api: Api, browser: Browser
) -> None:
    for path in ("a", "a/b", "keep"):
        api.container(path)
    api.array("a/data", np.ones(3))
    stored = folder("a/data")
    chosen = [Node.objects.get(path=path).pk for path in ("a", "a/b")]
    form = {"action": "delete_selected", "_selected_action": chosen}
    address = f"{LISTING}?depth=all"
    confirmation = browser.post(address, **form)
    assert b"/a/data" in confirmation.content
    browser.post(address, **form, post="yes")
    assert [node.path for node in Node.objects.order_by("path")] == ["", "keep"]
    assert not stored.exists()


def test_the_root_cannot_be_deleted(api: Api, browser: Browser) -> None:
    assert "Delete</a>" not in browser.page("")
    assert browser.post(delete_address(""), post="yes").status_code == 403
    assert Node.objects.filter(path="").exists()
