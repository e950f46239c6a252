"""Files that hold others: browsed, read and never written, as if their contents were nodes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import orjson
import pandas
import pytest
import zarr
from pytest_django import Settings

from access.principals import Principal, Scope
from catalog.storage.files import file_uri
from core.errors import NotSupported
from streaming.sockets.connections.authorization import authorize_node

from ..conftest import OCTETS, Api, detail

HDF5, ZARR = "application/x-hdf5", "application/x-zarr"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
IMAGES = np.arange(60, dtype="u2").reshape(3, 4, 5)


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """A folder that may be read, beside one that may not."""
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    storage = settings.TILED.storage.model_copy(update={"readable": [allowed]})
    settings.TILED = settings.TILED.model_copy(update={"storage": storage})
    return allowed


def register(api: Api, path: Path, mimetype: str, **source: Any) -> None:
    asset = {"data_uri": file_uri(path), "is_directory": path.is_dir(), "parameter": "data_uri"}
    source = {
        "structure_family": "container",
        "structure": None,
        "mimetype": mimetype,
        "management": "external",
        "assets": [asset],
        **source,
    }
    family = source["structure_family"]
    body = {"id": "f", "structure_family": family, "data_sources": [source]}
    response = api.send("POST", "/register/", body)
    assert response.status_code == 200, response.content


def write_hdf5(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        file.attrs["beamline"] = "P03"
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        entry.create_dataset("images", data=IMAGES, chunks=(1, 4, 5), compression="gzip")
        entry["title"] = "äöü"
        entry["link"] = h5py.SoftLink("images")
        entry["broken"] = h5py.SoftLink("/nowhere")
        entry["broken outside"] = h5py.ExternalLink("missing.h5", "/x")
    os.utime(path, (0, 0))
    return path


def test_an_hdf5_file_is_a_container_with_its_contents(api: Api, folder: Path) -> None:
    register(api, write_hdf5(folder / "a.h5"), HDF5)
    resource = api.json("/metadata/f")["data"]
    assert resource["attributes"]["structure"]["count"] == 1
    entry = resource["attributes"]["structure"]["contents"]["entry"]
    assert entry["attributes"]["metadata"] == {"NX_class": "NXentry"}
    assert entry["attributes"]["ancestors"] == ["f"]
    assert entry["links"]["search"].endswith("/search/f/entry")
    # Of contents that are told in line a client takes an entry without asking for it.
    assert entry["attributes"]["structure"] == {"contents": None, "count": 5}
    contents = {item["id"]: item for item in api.json("/search/f/entry")["data"]}
    for name in ("broken", "broken outside"):
        broken = contents.pop(name)
        assert broken["attributes"]["structure"] == {"contents": None, "count": 0}
        assert "is broken" in broken["meta"]["problem"]
    assert set(contents) == {"images", "title", "link"}
    assert contents["images"]["attributes"]["structure"]["shape"] == [3, 4, 5]
    assert contents["images"]["attributes"]["structure"]["chunks"] == [[1, 1, 1], [4], [5]]
    with h5py.File(folder / "a.h5", "a") as file:
        del file["entry/broken"], file["entry/broken outside"]
    inline = api.json("/metadata/f")["data"]["attributes"]["structure"]["contents"]["entry"]
    assert set(inline["attributes"]["structure"]["contents"]) == set(contents)
    shallow = api.json("/metadata/f?max_depth=0")["data"]["attributes"]["structure"]
    assert shallow == {"contents": None, "count": 1}
    listed = api.json("/search/")["data"][0]["attributes"]["structure"]
    assert listed == {"contents": None, "count": 1}


def test_embedded_nodes_are_read_like_other_nodes(api: Api, folder: Path) -> None:
    register(api, write_hdf5(folder / "a.h5"), HDF5)
    node = api.json("/metadata//f/entry/images")["data"]
    assert node["attributes"]["structure_family"] == "array"
    assert api.read("/array/full/f/entry/images", "u2").tolist() == IMAGES.ravel().tolist()
    assert api.read("/array/full/f/entry/link?slice=::-2,1,2:4", "u2").tolist() == (
        IMAGES[::-2, 1, 2:4].ravel().tolist()
    )
    assert api.read("/array/full/f/entry/images?slice=:,::-2&reduce=sum:3,9,9", "u8").tolist() == [
        IMAGES[:, ::-2].sum()
    ]
    assert api.read("/array/block/f/entry/images?block=2,0,0", "u2").tolist() == (
        IMAGES[2].ravel().tolist()
    )
    assert api.read("/array/full/f/entry/title", "u1").tobytes().decode() == "äöü"


def test_pages_of_a_group_are_counted_exactly(api: Api, folder: Path) -> None:
    with h5py.File(folder / "many.h5", "w") as file:
        for number in range(620):
            file[f"{number:03}"] = number
    register(api, folder / "many.h5", HDF5)
    assert api.json("/metadata/f")["data"]["attributes"]["structure"] == {
        "contents": None,
        "count": 620,
    }
    address: str | None = "/search/f?fields=&page[limit]=250"
    keys, sizes = [], []
    while address:
        page = api.json(address.partition("/api/v1")[2] or address)
        assert page["meta"]["count"] == 620
        keys += [item["id"] for item in page["data"]]
        sizes.append(len(page["data"]))
        address = page["links"]["next"]
    assert (keys, sizes) == ([f"{number:03}" for number in range(620)], [250, 250, 120])
    last = api.json("/search/f?sort=-&page[limit]=1")["data"]
    assert [item["id"] for item in last] == ["619"]
    found = api.json("/search/f?filter[lookup][condition][key]=007")
    assert ([item["id"] for item in found["data"]], found["meta"]["count"]) == (["007"], 1)
    keys_filter = orjson.dumps(["001", "nope"]).decode()
    assert api.json(f"/search/f?filter[keys_filter][condition][keys]={keys_filter}")["meta"] == {
        "count": 1
    }
    assert api.json("/search/f?fields=count") | {"links": None} == {
        "data": [],
        "error": None,
        "links": None,
        "meta": {"count": 620},
    }


def test_broken_links_keep_their_keys_and_return_410(api: Api, folder: Path) -> None:
    register(api, write_hdf5(folder / "a.h5"), HDF5)
    keys = [item["id"] for item in api.json("/search/f/entry?fields=")["data"]]
    assert keys == ["broken", "broken outside", "images", "link", "title"]
    items = {item["id"]: item["meta"] for item in api.json("/search/f/entry")["data"]}
    assert [key for key, meta in items.items() if meta is None] == ["images", "link", "title"]
    assert "missing.h5 is broken" in items["broken outside"]["problem"]
    assert api.get("/metadata/f/entry/broken").status_code == 410
    assert api.get("/metadata/f/entry/broken outside").status_code == 410
    assert api.get("/array/full/f/entry/broken").status_code == 410


def test_missing_and_unsupported_embedded_nodes_are_reported(api: Api, folder: Path) -> None:
    register(api, write_hdf5(folder / "a.h5"), HDF5)
    expected = {
        "/metadata/f/nope": 404,
        "/metadata/f/entry/images/deeper": 404,
        "/metadata/f/entry/im%00ages": 404,
        "/metadata/f/../f": 404,
        "/array/full/f/entry": 404,
        "/table/full/f/entry/images": 404,
        "/search/f/entry/images": 404,
        "/array/full/f/entry/images?slice=9": 422,
        "/array/block/f/entry/images?block=3,0,0": 422,
        "/search/f?sort=color": 400,
        "/search/f?filter[eq][condition][key]=a&filter[eq][condition][value]=1": 400,
        "/search/f?filter[keys_filter][condition][keys]=a": 400,
        "/search-deep/f": 400,
        "/distinct/f/entry": 405,
    }
    responses = {address: api.get(address) for address in expected}
    assert {address: found.status_code for address, found in responses.items()} == expected
    assert all(map(detail, responses.values()))


def test_nothing_inside_a_file_is_written(api: Api, folder: Path) -> None:
    path = write_hdf5(folder / "a.h5")
    register(api, path, HDF5)
    before = path.read_bytes()
    new = {"id": "x", "structure_family": "container"}
    patch = {"content-type": "application/merge-patch+json", "metadata": {}, "specs": None}
    octets = IMAGES.tobytes()
    refused = [
        api.send("POST", "/metadata/f", new),
        api.send("POST", "/metadata/f/entry", new),
        api.send("PATCH", "/metadata/f/entry", patch),
        api.send("PUT", "/metadata/f/entry/images", {"metadata": {}}),
        api.send("DELETE", "/metadata/f/entry/images"),
        api.send("PUT", "/array/full/f/entry/images", octets, OCTETS),
        api.send("PUT", "/array/full/f/entry/images?persist=false", octets, OCTETS),
        api.send("PATCH", "/array/full/f/entry/images?offset=3&shape=3,4,5", octets, OCTETS),
        api.send("DELETE", "/stream/close/f/entry/images"),
    ]
    assert [response.status_code for response in refused] == [405] * len(refused)
    assert path.read_bytes() == before
    assert api.send("DELETE", "/metadata/f").status_code == 200
    assert path.exists()


def test_a_file_that_does_not_exist_yet_is_listed_and_reported_on_reading(
    api: Api, folder: Path
) -> None:
    register(api, folder / "later.h5", HDF5)
    structure = api.json("/metadata/f")["data"]["attributes"]["structure"]
    assert structure == {"contents": None, "count": 0}
    assert api.json("/search/")["meta"]["count"] == 1
    assert api.get("/search/f").status_code == 410
    assert api.get("/metadata/f/entry").status_code == 410
    write_hdf5(folder / "later.h5")
    assert api.json("/search/f")["meta"]["count"] == 1


@pytest.mark.parametrize("version", [2, 3])
def test_a_zarr_group_is_a_container(api: Api, folder: Path, version: Any) -> None:
    group = zarr.open_group(folder / "g.zarr", mode="w", zarr_format=version)
    group.attrs["color"] = "blue"
    images = group.create_group("sub").create_array("images", data=IMAGES, chunks=(2, 4, 5))
    images.attrs["unit"] = "counts"
    odd = group.create_array("odd", data=np.arange(2))
    odd.attrs["many"], odd.attrs["none"] = 2**70, float("nan")
    register(api, folder / "g.zarr", ZARR)
    structure = api.json("/metadata/f")["data"]["attributes"]["structure"]
    inner = structure["contents"]["sub"]["attributes"]["structure"]["contents"]["images"]
    assert inner["attributes"]["metadata"] == {"unit": "counts"}
    assert inner["attributes"]["structure"]["chunks"] == [[2, 1], [4], [5]]
    assert api.read("/array/full/f/sub/images?slice=2,1:3", "u2").tolist() == (
        IMAGES[2, 1:3].ravel().tolist()
    )
    assert api.get("/metadata/f/sub/../sub").status_code == 404
    assert "64-bit" in api.json("/metadata/f/odd")["data"]["attributes"]["metadata"]["attributes"]


def test_the_sheets_of_a_workbook_are_tables(api: Api, folder: Path) -> None:
    with pandas.ExcelWriter(folder / "b.xlsx") as writer:
        frame = pandas.DataFrame({"x": [1, 2, 3], "note": ["a", None, "c"], "mixed": [1, "b", 2.5]})
        frame.to_excel(writer, sheet_name="First", index=False)
        pandas.DataFrame({"y": [0.5]}).to_excel(writer, sheet_name="Second", index=False)
    register(api, folder / "b.xlsx", XLSX)
    assert [item["id"] for item in api.json("/search/f")["data"]] == ["First", "Second"]
    table = api.rows("/table/full/f/First")
    assert table.to_pydict() == {
        "x": [1, 2, 3],
        "note": ["a", None, "c"],
        "mixed": ["1", "b", "2.5"],
    }
    part = api.rows("/table/partition/f/First?partition=0&column=x&rows=1:3")
    assert part.to_pydict() == {"x": [2, 3]}
    assert api.read("/array/full/f/First/x", "i8").tolist() == [1, 2, 3]
    assert api.get("/table/partition/f/First?partition=1").status_code == 400
    assert api.send("PATCH", "/table/partition/f/First?partition=0", b"").status_code in (405, 415)


def outside_link(folder: Path) -> None:
    with h5py.File(folder / "f", "w") as file:
        file["x"] = h5py.ExternalLink("../secret.h5", "/x")


def outside_source(folder: Path) -> None:
    layout = h5py.VirtualLayout((3,), "i8")
    layout[:] = h5py.VirtualSource(str(folder.parent / "secret.h5"), "x", (3,))
    with h5py.File(folder / "f", "w") as file:
        file.create_virtual_dataset("x", layout)


def outside_bytes(folder: Path) -> None:
    with h5py.File(folder / "f", "w") as file:
        space = h5py.h5s.create_simple((3,))
        options = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        options.set_external(str(folder.parent / "secret.h5").encode(), 0, 24)
        h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_INT64, space, options)


def outside_array(folder: Path) -> None:
    zarr.create_array(folder.parent / "x", data=np.arange(3))
    zarr.open_group(folder / "f", mode="w")
    (folder / "f" / "x").symlink_to(folder.parent / "x")


def outside_chunk(folder: Path) -> None:
    group = zarr.open_group(folder / "f", mode="w")
    group.create_array("x", data=np.arange(3), compressors=None)
    chunk = folder / "f" / "x" / "c" / "0"
    chunk.unlink()
    chunk.symlink_to(folder.parent / "secret.h5")


@pytest.mark.parametrize(
    "make", [outside_link, outside_source, outside_bytes, outside_array, outside_chunk]
)
def test_nothing_in_a_file_leads_out_of_the_readable_folders(
    api: Api, folder: Path, make: Callable[[Path], None]
) -> None:
    with h5py.File(folder.parent / "secret.h5", "w") as file:
        file["x"] = np.arange(3)
    make(folder)
    register(api, folder / "f", ZARR if (folder / "f").is_dir() else HDF5)
    assert api.get("/array/full/f/x").status_code == 403


def raw_bytes(file: h5py.File, name: str, secret: Path) -> None:
    """A dataset whose bytes lie in a file that may not be read."""
    space = h5py.h5s.create_simple((3,))
    options = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    options.set_external(str(secret).encode(), 0, 24)
    created = h5py.h5p.create(h5py.h5p.LINK_CREATE)
    h5py.h5d.create(file.id, name.encode(), h5py.h5t.NATIVE_INT64, space, options, created)


def virtual(file: h5py.File, name: str, source: str, dataset: str) -> None:
    """A virtual dataset of one source, or of as many as there are where their names have %b."""
    options = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    options.set_layout(h5py.h5d.VIRTUAL)
    space = h5py.h5s.create_simple((3,), (h5py.h5s.UNLIMITED,))
    many = "%b" in source + dataset
    space.select_hyperslab((0,), (h5py.h5s.UNLIMITED if many else 1,), (3,), (3,))
    options.set_virtual(space, source.encode(), dataset.encode(), h5py.h5s.create_simple((3,)))
    h5py.h5d.create(file.id, name.encode(), h5py.h5t.NATIVE_INT64, space, options)


@pytest.mark.parametrize(
    ("file_name", "dataset", "status"),
    [
        (".", "raw", 403),
        (".", "./raw", 403),
        (".", "/./raw", 403),
        (".", "//raw/.", 403),
        (".", "group/./up/raw", 403),
        (".", "group/../raw", 403),
        (".", "soft", 403),
        (".", "d%b", 403),
        (".", "raw%%", 200),
        ("f", "./raw", 403),
        ("./f", "/./raw", 403),
        ("f%%", "raw", 200),
        ("other/../f", "./raw", 403),
        ("elsewhere/f", "raw", 200),
        ("/nowhere/f", "./raw", 403),
    ],
)
def test_sources_of_virtual_datasets_lead_nowhere_else_however_they_are_spelt(
    api: Api,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    file_name: str,
    dataset: str,
    status: int,
) -> None:
    secret, working = folder.parent / "secret", folder.parent / "working"
    secret.write_bytes(np.ones(3, "i8").tobytes())
    (folder / "other").mkdir()
    (working / "elsewhere").mkdir(parents=True)
    # The library also looks in the working directory, which is another one where files are read.
    with h5py.File(working / "elsewhere" / "f", "w") as file:
        file["raw"] = np.ones(3, "i8")
    monkeypatch.chdir(working)
    with h5py.File(folder / "f", "w") as file:
        for name in ("raw", "d0"):
            raw_bytes(file, name, secret)
        group = file.create_group("group")
        group["up"], group[".."] = file["/"], file["/"]
        file["soft"] = h5py.SoftLink("/./raw")
        virtual(file, "x", file_name, dataset)
    register(api, folder / "f", HDF5)
    for route in ("/array/full/f/x", "/metadata/f/x"):
        assert api.get(route).status_code == status
    if status == 200:
        assert api.read("/array/full/f/x", "i8").tolist() == [0, 0, 0]


def test_links_between_files_that_may_be_read_are_followed(api: Api, folder: Path) -> None:
    write_hdf5(folder / "data.h5")
    layout = h5py.VirtualLayout(IMAGES.shape, "u2")
    layout[:] = h5py.VirtualSource("data.h5", "entry/images", IMAGES.shape)
    with h5py.File(folder / "master.h5", "w") as file:
        file["linked"] = h5py.ExternalLink("data.h5", "/entry/link")
        file.create_virtual_dataset("virtual", layout)
    register(api, folder / "master.h5", HDF5)
    for name in ("linked", "virtual"):
        assert api.read(f"/array/full/f/{name}", "u2").tolist() == IMAGES.ravel().tolist()


def test_a_link_that_leads_to_itself_is_broken(api: Api, folder: Path) -> None:
    with h5py.File(folder / "f.h5", "w") as file:
        file["a"], file["b"] = h5py.SoftLink("/b"), h5py.SoftLink("/a")
        file["self"] = h5py.ExternalLink("f.h5", "/self")
        file["up"] = file["/"]
    register(api, folder / "f.h5", HDF5)
    for name in ("a", "self"):
        assert api.get(f"/metadata/f/{name}").status_code == 410
    deep = "/up" * 40
    assert api.json(f"/search/f{deep}?fields=")["meta"]["count"] == 4
    assert api.get("/metadata/f").status_code == 200


def test_embedded_nodes_have_no_stream(api: Api, folder: Path) -> None:
    register(api, write_hdf5(folder / "a.h5"), HDF5)
    everything = Principal(frozenset(Scope))
    assert authorize_node(["f"], everything).structure is None
    with pytest.raises(NotSupported, match="inside the file"):
        authorize_node(["f", "entry"], everything)


def test_a_listing_includes_nodes_with_missing_or_damaged_files(api: Api, folder: Path) -> None:
    (folder / "a.h5").write_bytes(b"nothing of the kind")
    os.utime(folder / "a.h5", (0, 0))
    register(api, folder / "a.h5", HDF5)
    for item in (*api.json("/search/")["data"], api.json("/metadata/f")["data"]):
        assert item["attributes"]["structure"] == {"contents": None, "count": 0}
        assert "a.h5 cannot be read" in item["meta"]["problem"]
    assert api.get("/search/f").status_code == 422
    assert api.get("/array/full/f/x").status_code == 422
    assert api.send("DELETE", "/metadata/f").status_code == 200
