"""One node that cannot be read hides nothing of those beside it."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from catalog.admin.disk_usage import measure
from catalog.models import DataSource, Node
from catalog.services.arrays.dense import array_structure
from catalog.services.stores.folder.paths import array_store, node_folder
from tests.buckets import in_folder

from ..conftest import OCTETS, Api, detail

BEYOND = np.array([97, 0x110000], "<u4")


@pytest.fixture
def damaged(api: Api) -> Api:
    """A container with a node that is whole, and one whose structure is none."""
    api.container("box")
    api.array("box/good", np.arange(3))
    api.array("box/bad", np.arange(3))
    DataSource.objects.filter(node__path="box/bad").update(structure={"shape": "?"})
    return api


def test_a_listing_shows_the_problem_of_an_undescribable_node(damaged: Api) -> None:
    for address in ("/search/box", "/search/box?include_data_sources=true", "/search-deep/box"):
        good, bad = damaged.json(address)["data"]
        assert good["attributes"]["structure_family"] == "array"
        assert (bad["id"], bad["attributes"]["structure_family"]) == ("bad", "container")
        assert bad["attributes"]["structure"] == {"contents": None, "count": 0}
        assert "shape" in bad["meta"]["problem"]
    assert damaged.get("/metadata/box/bad").status_code == 422


def test_exports_hold_the_others(damaged: Api) -> None:
    assert list(damaged.json("/container/full/box?format=json")["contents"]) == ["good", "bad"]
    response = damaged.get("/container/full/box?format=hdf5")
    with h5py.File(io.BytesIO(b"".join(response))) as file:
        assert file["good"][()].tolist() == [0, 1, 2]
        assert "shape" in file["bad"].attrs["not_exported"]


def test_texts_beyond_unicode_are_refused(api: Api) -> None:
    api.array("x", np.array(["a", "b"]))
    refused = api.send("PUT", "/array/full/x", BEYOND.tobytes(), OCTETS)
    assert (refused.status_code, "0x110000" in detail(refused)) == (422, True)
    record = np.zeros(2, [("t", "<U1"), ("n", "<i4")])
    api.array("r", record)
    record["t"] = BEYOND.view("<U1")
    assert api.send("PUT", "/array/full/r", record.tobytes(), OCTETS).status_code == 422


@in_folder
def test_texts_beyond_unicode_that_were_stored_have_no_form_and_hide_nothing(api: Api) -> None:
    api.container("box")
    api.array("box/old", np.array(["\U0010ffff", "b"]))
    api.array("box/good", np.arange(3))
    node = Node.objects.get(path="box/old")
    structure = array_structure(node)
    array_store().write_region(
        node_folder(node.uuid), structure, (slice(0, 2),), BEYOND.view("<U1")
    )
    for name in ("json", "csv", "hdf5", "html"):
        assert api.get(f"/array/full/box/old?format={name}").status_code == 406, name
    response = api.get("/container/full/box?format=hdf5")
    with h5py.File(io.BytesIO(b"".join(response))) as file:
        assert file["good"][()].tolist() == [0, 1, 2]
        assert file["old"].attrs["not_exported"]


def test_a_folder_with_links_to_itself_is_measured(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"12345")
    os.symlink(tmp_path, tmp_path / "again")
    os.symlink("self", tmp_path / "self")
    room: Any = measure([tmp_path])
    assert room.files == 3
    assert room.size >= 5


@pytest.mark.parametrize("key", ["a#b", "a?b", "50%25", "%2F", "x y", "ç", "{0}", "a;b"])
def test_links_lead_to_the_very_node(api: Api, key: str) -> None:
    """A client that follows a link sends its path as it is, up to a fragment or a query."""
    from urllib.parse import quote, urlsplit

    api.container("box")
    api.array("box/a", np.array([0]))
    made = api.send("POST", "/metadata/box", {"id": key, "structure_family": "container"}).json()
    (listed,) = [item for item in api.json("/search/box")["data"] if item["id"] == key]
    for links in (made["links"], listed["links"]):
        path = urlsplit(links["self"].format(0)).path
        found = api.client.get(
            quote(path, safe="/%"), headers={"authorization": "Apikey secret"}
        ).json()
        assert found["data"]["id"] == key
