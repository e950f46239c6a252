"""Files that the server inspects and registers at a request."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tifffile
from pytest_django import Settings

from catalog import events
from catalog.directories import registration
from catalog.models import Node
from catalog.storage import external
from catalog.storage.errors import OutsideReadable

from ..conftest import Api, detail

FRAMES = np.arange(24, dtype="u1").reshape(4, 2, 3)


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """A folder that may be read, with four frames in it, of which the last is the tenth."""
    folder = tmp_path / "readable"
    folder.mkdir()
    (tmp_path / "outside").mkdir()
    storage = settings.TILED.storage.model_copy(update={"readable": [folder]})
    settings.TILED = settings.TILED.model_copy(update={"storage": storage})
    for number, frame in zip((1, 2, 3, 10), FRAMES, strict=True):
        tifffile.imwrite(folder / f"img_{number}.tif", frame)
    return folder


def post(api: Api, *files: Path | str, **body: Any) -> Any:
    return api.send("POST", "/register-files/", {"files": [str(file) for file in files], **body})


def register(api: Api, *files: Path | str, **body: Any) -> dict[str, Any]:
    response = post(api, *files, **body)
    assert response.status_code == 200, response.content
    found: dict[str, Any] = orjson.loads(response.content)
    return found


def test_a_pattern_is_one_stack_in_the_order_of_the_numbers(
    api: Api, folder: Path, announced: list[events.Event]
) -> None:
    found = register(api, folder / "img_*.tif", metadata={"sample": "A"}, specs=["scan"])
    assert found["data"]["id"] == "img"
    attributes = found["data"]["attributes"]
    assert attributes["structure"]["shape"] == [4, 2, 3]
    assert attributes["metadata"] == {"sample": "A"}
    assert attributes["specs"] == [{"name": "scan", "version": None}]
    assert api.read("/array/full/img", "u1").tolist() == FRAMES.ravel().tolist()
    assert [type(event) for event in announced] == [events.ChildCreated]


def test_files_that_are_listed_keep_their_order(api: Api, folder: Path) -> None:
    names = ("img_10.tif", "img_1.tif")
    register(api, *(folder / name for name in names), id="two")
    assert api.read("/array/full/two", "u1").tolist() == FRAMES[[3, 0]].ravel().tolist()


def test_one_file_is_a_node_with_its_structure_and_metadata(api: Api, folder: Path) -> None:
    with h5py.File(folder / "scan.h5", "w") as file:
        file.attrs["sample"], file["counts"] = "A", np.arange(3)
    (folder / "log.csv").write_text("time,count\n0.5,7\n")
    assert register(api, folder / "scan.h5")["data"]["attributes"]["metadata"] == {"sample": "A"}
    assert api.read("/array/full/scan/counts", "i8").tolist() == [0, 1, 2]
    structure = register(api, folder / "log.csv")["data"]["attributes"]["structure"]
    assert structure["columns"] == ["time", "count"]
    register(api, (folder / "img_1.tif").as_uri())
    assert api.read("/array/full/img_1", "u1").tolist() == FRAMES[0].ravel().tolist()


def test_tables_in_several_files_are_the_partitions_of_one(api: Api, folder: Path) -> None:
    for number in range(3):
        pq.write_table(pa.table({"x": [number]}), folder / f"part-{number}.parquet")
    structure = register(api, folder / "part-*.parquet")["data"]["attributes"]["structure"]
    assert structure["npartitions"] == 3
    assert api.rows("/table/full/part").column("x").to_pylist() == [0, 1, 2]


def test_a_folder_is_a_container_of_its_data_sets(api: Api, folder: Path) -> None:
    (folder / "broken.npy").write_bytes(b"nonsense" * 9)
    os.utime(folder / "broken.npy", (1e9, 1e9))
    (folder / "more").mkdir()
    np.save(folder / "dark.npy", np.zeros(3))
    found = register(api, folder)
    assert found["data"]["id"] == folder.name
    assert sorted(found["meta"]["registered"]) == ["dark", "img"]
    assert found["meta"]["folders"] == ["more"]
    assert list(found["meta"]["skipped"]) == ["broken.npy"]
    assert "cannot be read" in found["meta"]["skipped"]["broken.npy"]


def test_a_folder_of_too_many_data_sets_is_left_to_an_administrator(
    api: Api, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registration, "MAX_DATASETS", 0)
    response = post(api, folder)
    assert (response.status_code, "manage.py register" in detail(response)) == (422, True)
    assert not Node.objects.filter(key=folder.name).exists()


def test_a_repeated_request_returns_the_node_that_it_created(api: Api, folder: Path) -> None:
    body = {"files": [str(folder)]}
    headers = {"idempotency-key": "k"}
    first = api.send("POST", "/register-files/", body, **headers)
    again = api.send("POST", "/register-files/", body, **headers)
    assert (again.status_code, again.content) == (200, first.content)
    assert post(api, folder).status_code == 409


def test_nothing_outside_the_readable_folders_is_named_listed_or_read(
    api: Api, folder: Path
) -> None:
    outside = folder.parent / "outside"
    np.save(outside / "secret.npy", np.zeros(3))
    (folder / "link").symlink_to(outside)
    (folder / "secret.npy").symlink_to(outside / "secret.npy")
    for path in (
        outside / "secret.npy",
        outside / "missing.npy",
        outside / "*.npy",
        outside,
        "/",
        "/*",
        folder / ".." / "outside" / "secret.npy",
        folder / "link",
        folder / "link" / "*.npy",
        folder / "link" / "secret.npy",
        folder / "secret.npy",
        folder / "s*.npy",
    ):
        response = post(api, path)
        assert response.status_code == 403, (path, response.content)
        assert "missing" in str(path) or "No such" not in detail(response)
    # In a folder, the link to a file outside is skipped, and that to a folder is not followed.
    found = register(api, folder, id="all")
    assert found["meta"]["folders"] == []
    assert list(found["meta"]["skipped"]) == ["secret.npy"]
    assert found["meta"]["registered"] == ["img"]


def test_a_folder_is_listed_by_a_process_that_is_confined(folder: Path) -> None:
    """Even if the check of the path were passed by an exchange of a link, the kernel refuses."""
    from catalog.storage.confined.confinement import Protection
    from catalog.storage.external.readers import call
    from catalog.storage.external.sources import Sources

    if not Protection.here().landlock:
        pytest.skip("this kernel has no Landlock")
    outside = Sources((folder.parent / "outside",), {}, (folder,))
    with pytest.raises(Exception, match=r"Permission denied|cannot be read"):
        call("names", outside, {"limit": 10})
    with pytest.raises(OutsideReadable):
        external.list_names(folder.parent / "outside", limit=10, readable=[folder])


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({}, 422, "files must be a list of paths"),
        ({"files": []}, 422, "files must be a list of paths"),
        ({"files": "x.tif"}, 422, "files must be a list of paths"),
        ({"files": ["x.tif"]}, 422, "must be absolute"),
        ({"files": ["http://h/x.tif"]}, 422, "must be absolute"),
        ({"files": ["file://elsewhere/x.tif"]}, 415, "file"),
        ({"files": ["file://{}/x%00.tif"]}, 415, "file"),
        ({"files": ["{}/none.tif"]}, 410, "does not exist"),
        ({"files": ["{}/none*.tif"]}, 410, "No file matches"),
        ({"files": ["{}/no*/x.tif"]}, 410, "does not exist"),
        ({"files": ["{}/n*/*.tif"]}, 422, "Only the last part"),
        ({"files": ["{}/notes.txt"]}, 415, "no known extension"),
        ({"files": ["{}/img_1.tif", "{}/log.csv"]}, 422, "must be of one format"),
        ({"files": ["{}/img_1.tif"], "mimetype": "image/nope"}, 415, "image/nope"),
        ({"files": ["{}/img_1.tif"], "id": "a/b"}, 422, "key"),
        ({"files": ["{}/img_1.tif"], "metadata": [1]}, 422, "metadata"),
        ({"files": ["{}/img_1.tif\0"]}, 422, "NUL"),
    ],
)
def test_a_request_that_cannot_be_met_says_why(
    api: Api, folder: Path, body: dict[str, Any], status: int, says: str
) -> None:
    (folder / "notes.txt").write_text("x")
    (folder / "log.csv").write_text("x\n1\n")
    files = body.get("files")
    if isinstance(files, list):
        body = {**body, "files": [file.replace("{}", str(folder)) for file in files]}
    response = api.send("POST", "/register-files/", body)
    assert (response.status_code, says in detail(response)) == (status, True), response.content


def test_anonymous_principals_register_nothing(api: Api, folder: Path) -> None:
    assert post(Api(key=None), folder).status_code == 401
    assert not Node.objects.filter(key=folder.name).exists()
