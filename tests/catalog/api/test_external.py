"""Files of others: registered, read, and grown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
import tifffile
from pytest_django import Settings

from catalog import events
from catalog.models import Asset, DataSource
from catalog.storage import external
from catalog.storage.files import file_uri
from tiled_client.wire.structures import ArrayStructure, TableStructure

from ..conftest import OCTETS, Api, detail

FRAMES = np.arange(24, dtype="u1").reshape(4, 2, 3)
SEQUENCE = "multipart/related;type=image/tiff"


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """A folder that may be read, with four frames in it."""
    storage = settings.TILED.storage.model_copy(update={"readable": [tmp_path]})
    settings.TILED = settings.TILED.model_copy(update={"storage": storage})
    for number, frame in enumerate(FRAMES):
        tifffile.imwrite(tmp_path / f"{number}.tiff", frame)
    return tmp_path


def data_source(folder: Path, frames: int, **others: Any) -> dict[str, Any]:
    return {
        "structure_family": "array",
        "structure": ArrayStructure.from_array(FRAMES[:frames]).to_json(),
        "mimetype": SEQUENCE,
        "management": "external",
        "assets": [
            {
                "data_uri": file_uri(folder / f"{number}.tiff"),
                "is_directory": False,
                "parameter": "data_uris",
                "num": number,
            }
            for number in range(frames)
        ],
        **others,
    }


def register(api: Api, source: dict[str, Any]) -> Any:
    body = {"id": "tif", "structure_family": "array", "data_sources": [source]}
    return api.send("POST", "/register/", body)


def test_a_registered_sequence_of_tiffs_is_read_as_one_array(api: Api, folder: Path) -> None:
    assert register(api, data_source(folder, 3)).status_code == 200
    assert api.read("/array/full/tif", "u1").tolist() == FRAMES[:3].ravel().tolist()
    assert api.read("/array/full/tif?slice=1,:,0", "u1").tolist() == FRAMES[1, :, 0].tolist()
    reduced = api.read("/array/full/tif?slice=::-1&reduce=max:2,1,1", "u1")
    assert reduced.tolist() == [*FRAMES[1:3].max(axis=0).ravel(), *FRAMES[0].ravel()]


def test_a_grown_sequence_is_announced_with_the_region_that_is_new(
    api: Api, folder: Path, announced: list[events.Event]
) -> None:
    register(api, data_source(folder, 3))
    announced.clear()
    body = {"data_source": data_source(folder, 4, id=DataSource.objects.get().pk)}
    address = "/data_source/tif?patch_offset=3,0,0&patch_shape=1,2,3"
    assert api.send("PUT", address, body).content == b"null"
    (event,) = announced
    assert isinstance(event, events.DataSourceUpdated)
    assert event.patch == {"offset": (3, 0, 0), "shape": (1, 2, 3)}
    assert event.shape == (4, 2, 3)
    assert api.read("/array/full/tif", "u1").tolist() == FRAMES.ravel().tolist()


@pytest.mark.parametrize(
    ("address", "change", "status"),
    [
        ("/data_source/tif?patch_offset=3,0,0", {}, 400),
        ("/data_source/other", {}, 404),
        ("/data_source/tif", {"id": 999_999}, 404),
        ("/data_source/tif", {"mimetype": "image/none"}, 415),
        ("/data_source/tif", {"surprise": 1}, 422),
    ],
)
def test_an_update_that_cannot_be_changes_nothing(
    api: Api, folder: Path, address: str, change: dict[str, Any], status: int
) -> None:
    register(api, data_source(folder, 3))
    api.container("other")
    body = {"data_source": data_source(folder, 4, id=DataSource.objects.get().pk) | change}
    assert api.send("PUT", address, body).status_code == status
    assert DataSource.objects.get().structure["shape"] == [3, 2, 3]


@pytest.mark.parametrize(
    ("uri", "status"),
    [("file://localhost/etc/hosts", 403), ("http://elsewhere/a.tiff", 415), ("a.tiff", 415)],
)
def test_a_file_outside_the_readable_folders_is_refused(
    api: Api, folder: Path, uri: str, status: int
) -> None:
    source = data_source(folder, 1)
    source["assets"][0]["data_uri"] = uri
    assert register(api, source).status_code == status
    assert api.get("/metadata/tif").status_code == 404


def test_unpersisted_data_reach_listeners_and_leave_files_unchanged(
    api: Api, folder: Path, announced: list[events.Event]
) -> None:
    register(api, data_source(folder, 3))
    announced.clear()
    body = bytes(18)
    assert api.send("PUT", "/array/full/tif?persist=False", body, OCTETS).status_code == 200
    assert len(announced) == 1
    refused = api.send("PUT", "/array/full/tif", body, OCTETS)
    assert (refused.status_code, detail(refused)) == (405, "This node cannot accept array data.")
    assert api.read("/array/full/tif", "u1").tolist() == FRAMES[:3].ravel().tolist()


def test_a_registered_node_is_deleted_without_its_files(api: Api, folder: Path) -> None:
    register(api, data_source(folder, 3))
    assert api.send("DELETE", "/metadata/tif").status_code == 200
    assert len(list(folder.glob("*.tiff"))) == 4


def test_a_deleted_file_is_reported(api: Api, folder: Path) -> None:
    register(api, data_source(folder, 3))
    for file in folder.glob("*.tiff"):  # long ago: nothing is still arriving
        os.utime(file, (0, 0))
    (folder / "1.tiff").unlink()
    response = api.get("/array/full/tif")
    assert (response.status_code, "1.tiff" in detail(response)) == (410, True)


def described(family: str, mimetype: str, **others: Any) -> dict[str, Any]:
    """The description of files that are still to come."""
    source = {"structure_family": family, "mimetype": mimetype, "management": "external", **others}
    return {"id": "later", "structure_family": family, "data_sources": [{"assets": [], **source}]}


TABLE = TableStructure.from_schema(pa.schema({"x": pa.int64()})).to_json()


@pytest.mark.parametrize(
    ("family", "mimetype"),
    [(f.value, m) for f in sorted(external.FAMILIES) for m in sorted(external.mimetypes(f))],
)
def test_files_may_be_described_before_the_first_is_there(
    api: Api, folder: Path, family: str, mimetype: str
) -> None:
    array = ArrayStructure.from_array(FRAMES[:0]).to_json()
    structure = {"array": array, "table": TABLE}.get(family)
    body = described(family, mimetype, structure=structure)
    assert api.send("POST", "/metadata/", body).status_code == 200
    source = DataSource.objects.get()
    assert (source.management, source.mimetype) == ("external", mimetype)
    assert [one["id"] for one in api.get("/search/").json()["data"]] == ["later"]
    if family == "container":
        assert api.get("/search/later").status_code == 503
    elif family == "table":
        assert api.rows("/table/full/later").num_rows == 0
    else:
        assert api.get("/array/full/later").content == b""


def test_a_sequence_is_described_and_its_files_follow(api: Api, folder: Path) -> None:
    structure = ArrayStructure.from_array(FRAMES[:2]).to_json()
    body = described("array", SEQUENCE, structure=structure)
    assert api.send("POST", "/metadata/", body).status_code == 200
    refused = api.get("/array/full/later")
    assert (refused.status_code, "Retry-After" in refused.headers) == (503, True)
    body = {"data_source": data_source(folder, 3, id=DataSource.objects.get().pk)}
    assert api.send("PUT", "/data_source/later", body).status_code == 200
    assert api.read("/array/full/later", "u1").tolist() == FRAMES[:3].ravel().tolist()


@pytest.mark.parametrize("endpoint", ["register", "metadata"])
def test_an_unknown_format_is_reported_before_missing_assets(
    api: Api, folder: Path, endpoint: str
) -> None:
    body = described("array", "image/none")
    if endpoint == "register":
        body["data_sources"][0]["assets"] = data_source(folder, 1)["assets"]
    response = api.send("POST", f"/{endpoint}/", body)
    assert (response.status_code, "image/none" in detail(response)) == (415, True)


def test_registering_a_file_again_updates_its_size(api: Api, folder: Path) -> None:
    for number, size in enumerate((None, 20, None, 30)):
        source = data_source(folder, 1)
        source["assets"][0]["size"] = size
        body = {"id": f"n{number}", "structure_family": "array", "data_sources": [source]}
        assert api.send("POST", "/register/", body).status_code == 200
    assert [asset.size for asset in Asset.objects.all()] == [30]


@pytest.mark.parametrize(
    ("agent", "sizes"),
    [
        ("python-tiled/0.2.12", False),
        ("python-tiled/0.2.4 (something)", False),
        ("python-tiled/0.2.13.dev3", True),
        ("python-tiled/0.2.20", True),
        ("python-tiled/unknown", True),
        ("curl/8", True),
    ],
)
def test_older_clients_receive_no_asset_sizes(
    api: Api, folder: Path, agent: str, sizes: bool
) -> None:
    body = {"id": "a", "structure_family": "array", "data_sources": [data_source(folder, 1)]}
    made = api.send("POST", "/register/", body, **{"user-agent": agent})
    query = "?include_data_sources=true"
    one = api.get(f"/metadata/a{query}", **{"user-agent": agent})
    listed = api.get(f"/search/{query}", **{"user-agent": agent})
    documents = [orjson.loads(answer.content) for answer in (made, one, listed)]
    sources = [
        documents[0]["data_sources"],
        documents[1]["data"]["attributes"]["data_sources"],
        documents[2]["data"][0]["attributes"]["data_sources"],
    ]
    assert [("size" in source[0]["assets"][0]) for source in sources] == [sizes] * 3
