"""External files that are objects of a bucket, with a SeaweedFS."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import openpyxl
import orjson
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import tifffile
import zarr
from PIL import Image
from pytest_django import Settings

from catalog.admin.disk_usage import measure
from catalog.config import private_folders
from catalog.directories.discovery import Rules
from catalog.directories.registrar import Registrar
from catalog.readable_config import ReadableBucketSettings
from catalog.storage.bucket_files.paths import are_folders
from catalog.storage.errors import StorageUnavailable
from catalog.storage.external.uris import keep_private
from tests.buckets import Service

from ..bucket_folder import BucketFolder, allow, counted, make_folder
from ..conftest import Api, detail
from .test_assets import content

FRAMES = np.arange(24, dtype="u1").reshape(4, 2, 3)
ROWS = pa.table({"x": range(1000), "y": [f"r{number}" for number in range(1000)]})


@pytest.fixture
def folder(buckets: Service, settings: Settings, tmp_path: Path) -> BucketFolder:
    """A prefix that may be read, as may the local folder."""
    made = make_folder(buckets)
    allow(settings, buckets, tmp_path, made.path)
    return made


def write_files(path: Path) -> None:
    """Write a file of each format."""
    for number, frame in zip((1, 2, 3, 10), FRAMES, strict=True):
        tifffile.imwrite(path / f"img_{number}.tif", frame)
    tifffile.imwrite(path / "pages.tiff", FRAMES, compression="zlib", photometric="minisblack")
    np.save(path / "c.npy", FRAMES)
    np.save(path / "fortran.npy", np.asfortranarray(FRAMES))
    Image.fromarray(FRAMES[0]).save(path / "photo.jpg")
    with h5py.File(path / "scan.h5", "w") as file:
        file.attrs["sample"] = "A"
        file.create_dataset("g/frames", data=FRAMES, chunks=(1, 2, 3), compression="gzip")
    group = zarr.open_group(path / "group.zarr", mode="w", attributes={"sample": "A"})
    group.create_array("frames", shape=(4, 2, 3), chunks=(1, 2, 3), dtype="u1")[:] = FRAMES
    group.create_array(
        "sharded", shape=(8, 8), chunks=(2, 2), shards=(4, 4), dtype="i4", fill_value=0
    )[:4] = 7
    old = zarr.open_group(path / "old.zarr", mode="w", zarr_format=2)
    old.create_group("deep").create_array("v", shape=(5,), chunks=(2,), dtype="f8")[:] = 2
    pq.write_table(ROWS, path / "rows.parquet", row_group_size=100)
    pyarrow.csv.write_csv(ROWS, path / "lines.csv")
    with pa.ipc.new_file(path / "batches.arrow", ROWS.schema) as file:
        file.write_table(ROWS, max_chunksize=100)
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.active.append([1, "x"])
    book.save(path / "book.xlsx")


def register(api: Api, *files: object, **body: Any) -> Any:
    return api.send("POST", "/register-files/", {"files": [str(file) for file in files], **body})


def register_at(api: Api, key: str, uri: str) -> Any:
    asset = {"data_uri": uri, "is_directory": False}
    source = {
        "structure_family": "array",
        "structure": {
            "shape": [4, 2, 3],
            "chunks": [[4], [2], [3]],
            "data_type": {"endianness": "not_applicable", "kind": "u", "itemsize": 1},
        },
        "mimetype": "application/x-npy",
        "assets": [asset],
        "management": "external",
    }
    body = {"id": key, "structure_family": "array", "data_sources": [source]}
    return api.send("POST", "/register/", body)


def test_all_formats_are_read_as_from_a_folder(
    api: Api, folder: BucketFolder, tmp_path: Path
) -> None:
    (tmp_path / "files").mkdir()
    write_files(tmp_path / "files")
    folder.upload(tmp_path / "files")

    for root, under in ((tmp_path / "files", "local"), (folder.path / "files", "bucket")):
        api.container(under)
        registrar = Registrar(root, under, Rules(), lambda text: None)
        registrar.scan(root)
        assert dict(registrar.counts) == {"new": 12}, under

    arrays = (
        "img",
        "pages",
        "c",
        "fortran",
        "photo",
        "scan/g/frames",
        "group/frames",
        "group/sharded",
        "old/deep/v",
    )
    for name in arrays:
        local, remote = (api.get(f"/array/full/{under}/{name}") for under in ("local", "bucket"))
        assert (remote.status_code, content(remote)) == (200, content(local)), name
    for name in ("rows", "lines", "batches", "book/Sheet"):
        assert api.rows(f"/table/full/bucket/{name}").equals(api.rows(f"/table/full/local/{name}"))
    for name in ("scan", "group", "old", "book", "img"):
        found = [api.json(f"/metadata/{under}/{name}")["data"] for under in ("local", "bucket")]
        metadata = [one["attributes"]["metadata"] for one in found]
        assert metadata[0] == metadata[1], name


def test_a_pattern_of_objects_is_one_stack_and_its_files_are_downloaded(
    api: Api, folder: BucketFolder, tmp_path: Path
) -> None:
    write_files(tmp_path)
    for path in sorted(tmp_path.iterdir()):
        folder.upload(path)

    found = orjson.loads(register(api, f"{folder.path}/img_*.tif").content)
    assert found["data"]["attributes"]["structure"]["shape"] == [4, 2, 3]
    register(api, f"{folder.path}/group.zarr", id="z")
    (asset,) = sources(api, "z")[0]["assets"]
    manifest = api.json(f"/asset/manifest/z?id={asset['id']}")["manifest"]
    assert {"zarr.json", "frames/zarr.json", "frames/c/3/0/0"} <= set(manifest)
    document = api.get(f"/asset/bytes/z?id={asset['id']}&relative_path=frames/zarr.json")
    assert content(document) == (tmp_path / "group.zarr/frames/zarr.json").read_bytes()
    assert api.get(f"/asset/bytes/z?id={asset['id']}&relative_path=../c.npy").status_code == 403
    assert api.get(f"/asset/bytes/z?id={asset['id']}&relative_path=none").status_code == 404
    images = [folder.path / f"img_{number}.tif" for number in (1, 2, 3, 10)]
    local = [tmp_path / path.name for path in images]
    remote = measure([*images, folder.path / "group.zarr", folder.path / "none"])
    assert remote == measure([*local, tmp_path / "group.zarr"])


def sources(api: Api, key: str) -> Any:
    return api.json(f"/metadata/{key}?include_data_sources=true")["data"]["attributes"][
        "data_sources"
    ]


def test_a_replaced_object_is_read_anew_and_has_another_etag(
    api: Api, folder: BucketFolder, tmp_path: Path
) -> None:
    np.save(tmp_path / "a.npy", FRAMES)
    path = folder.upload(tmp_path / "a.npy")
    assert register(api, path).status_code == 200
    assert api.read("/array/full/a", "u1").tolist() == FRAMES.ravel().tolist()
    (asset,) = sources(api, "a")[0]["assets"]
    address = f"/asset/bytes/a?id={asset['id']}"
    before = api.get(address)
    assert content(before) == (tmp_path / "a.npy").read_bytes()
    part = api.get(address, range="bytes=10-19", **{"if-range": before["ETag"]})
    assert (part.status_code, content(part)) == (206, (tmp_path / "a.npy").read_bytes()[10:20])
    assert api.get(address, **{"if-none-match": before["ETag"]}).status_code == 304

    # Within the same second, and of the same size.
    np.save(tmp_path / "a.npy", FRAMES + 1)
    folder.upload(tmp_path / "a.npy")

    assert api.read("/array/full/a", "u1").tolist() == (FRAMES + 1).ravel().tolist()
    after = api.get(address, range="bytes=10-19", **{"if-range": before["ETag"]})
    assert (after.status_code, after["ETag"] != before["ETag"]) == (200, True)
    assert content(after) == (tmp_path / "a.npy").read_bytes()


@pytest.mark.parametrize(
    "uri",
    [
        "{beside}/a.npy",
        "{prefix}/../{name}2/a.npy",
        "{prefix}/%2e%2e/{name}2/a.npy",
        "{prefix}%2F..%2F{name}2%2Fa.npy",
        "{prefix}/./a.npy",
        "{prefix}//a.npy",
        "{prefix}/a.npy?versionId=1",
        "{prefix}/a.npy#x",
        "{prefix}/%00",
        "{prefix}/%ff",
        "s3://other/a.npy",
        "s3://user:password@data/a.npy",
        "s3://data:80/a.npy",
        "s3:///a.npy",
        "s3://",
        "gs://data/a.npy",
        "http://127.0.0.1/a.npy",
        "s3://data",
    ],
)
def test_no_uri_leads_out_of_the_prefix(api: Api, folder: BucketFolder, uri: str) -> None:
    name = folder.path.name
    text = uri.format(prefix=folder.path, beside=folder.beside.location.uri, name=name)
    folder.beside.put("a.npy", b"")
    assert register_at(api, "n", text).status_code in (403, 415), text
    assert register(api, text).status_code in (403, 410, 415, 422), text
    assert api.json("/search/")["data"] == []


def test_an_hdf5_file_in_a_bucket_refers_to_no_other_file(
    api: Api, folder: BucketFolder, tmp_path: Path
) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = np.arange(3)
    (tmp_path / "raw.bin").write_bytes(np.arange(3).tobytes())
    with h5py.File(tmp_path / "links.h5", "w") as file:
        file["local"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/x")
        file["beside"] = h5py.ExternalLink("other.h5", "/x")
        file["bucket"] = h5py.ExternalLink(f"{folder.path}/other.h5", "/x")
        layout = h5py.VirtualLayout((3,), "i8")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (3,))
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset("raw", (3,), "i8", external=[(str(tmp_path / "raw.bin"), 0, 24)])
        file["own"] = np.arange(3)
    for name in ("other.h5", "raw.bin", "links.h5"):
        folder.upload(tmp_path / name)
    assert register(api, folder.path / "links.h5").status_code == 200
    assert api.read("/array/full/links/own", "i8").tolist() == [0, 1, 2]
    for name in ("local", "beside", "bucket", "virtual", "raw"):
        assert api.get(f"/array/full/links/{name}").status_code in (403, 404), name


def test_what_is_missing_or_denied_or_away_is_said_clearly(
    api: Api, folder: BucketFolder, buckets: Service, settings: Settings, tmp_path: Path
) -> None:
    np.save(tmp_path / "a.npy", FRAMES)
    folder.upload(tmp_path / "a.npy")
    assert register(api, folder.path / "a.npy").status_code == 200

    response = register(api, folder.path / "b.npy")
    assert (response.status_code, "does not exist" in detail(response)) == (410, True)
    response = register(api, folder.path / "none")
    assert response.status_code in (410, 415), detail(response)

    other = folder.path.of("s3", "no-such-bucket")
    allow(settings, buckets, other)
    response = register(api, other / "b.npy")
    assert "The bucket s3://no-such-bucket does not exist" in detail(response)

    allow(settings, buckets, folder.path, secret_access_key="wrong")
    response = api.get("/array/full/a")
    assert (response.status_code, "denies access" in detail(response)) == (422, True)
    assert "wrong" not in detail(response)

    with socket.create_server(("127.0.0.1", 0)) as stalled:
        for endpoint in (f"http://127.0.0.1:{stalled.getsockname()[1]}", "http://127.0.0.1:9"):
            allow(settings, buckets, folder.path, endpoint=endpoint, request_timeout=0.3)
            response = api.get("/array/full/a")
            assert (response.status_code, response["Retry-After"]) == (503, "5")
            assert "cannot be reached" in detail(response)
            paths = [folder.path / f"{number}.npy" for number in range(200)]
            # One failure is enough: each of the others would take as long.
            started = time.monotonic()
            assert measure(paths).files == 0
            with pytest.raises(StorageUnavailable):
                are_folders(paths)
            assert time.monotonic() - started < 30


def test_a_bucket_has_its_own_credentials_and_the_site_keeps_its_own_data(
    api: Api, folder: BucketFolder, buckets: Service, settings: Settings, tmp_path: Path
) -> None:
    np.save(tmp_path / "a.npy", FRAMES)
    folder.upload(tmp_path / "a.npy")
    own = {
        "endpoint": buckets.endpoint,
        "access_key_id": buckets.key,
        "secret_access_key": buckets.secret,
    }
    wrong = {"endpoint": "http://127.0.0.1:9", "access_key_id": "x", "secret_access_key": "y"}
    named = {folder.path.bucket: ReadableBucketSettings(**own)}
    allow(settings, buckets, folder.path, **wrong, buckets=named)
    assert register(api, folder.path / "a.npy").status_code == 200
    # Even if the whole bucket may be read, a prefix of the site itself may not.
    keep_private([*private_folders(), folder.path])
    try:
        allow(settings, buckets, folder.path.parent)
        assert api.get("/array/full/a").status_code == 403
        assert register(api, folder.path / "a.npy", id="b").status_code == 403
    finally:
        keep_private(private_folders())


def test_small_reads_are_few_requests(api: Api, folder: BucketFolder, tmp_path: Path) -> None:
    frames = np.arange(64 * 128 * 128, dtype="u2").reshape(64, 128, 128)
    with h5py.File(tmp_path / "many.h5", "w") as file:
        for number in range(50):
            file[f"g{number}/x"] = np.arange(number + 1)
        file.create_dataset("frames", data=frames, chunks=(1, 128, 128), shuffle=True)
    group = zarr.open_group(tmp_path / "many.zarr", mode="w")
    group.create_array(
        "frames", shape=frames.shape, chunks=(1, 128, 128), dtype="u2", compressors=None
    )[:] = frames
    for name in ("many.h5", "many.zarr"):
        path = folder.upload(tmp_path / name)
        assert register(api, path, id=name.replace(".", "-")).status_code == 200
    with counted() as access:
        assert api.read("/array/full/many-h5/frames", "u2").tolist() == frames.ravel().tolist()
        assert access.requests <= 6
    with counted() as access:
        for number in range(50):
            assert api.get(f"/array/full/many-h5/g{number}/x").status_code == 200
        # One request each asks whether the object is still the same.
        assert (access.requests <= 110, access.octets < 3e6) == (True, True)
    with counted() as access:
        assert api.read("/array/full/many-zarr/frames", "u2").tolist() == frames.ravel().tolist()
        assert access.exchanges <= 10
    for number in range(20):
        tifffile.imwrite(tmp_path / f"n_{number}.tif", np.full((600, 1000), number, "u2"))
        folder.upload(tmp_path / f"n_{number}.tif")
    assert register(api, f"{folder.path}/n_*.tif").status_code == 200
    with counted() as access:
        found = api.read("/array/full/n?slice=:,5,5", "u2")
        assert (found.tolist(), access.exchanges <= 4) == (list(range(20)), True)
