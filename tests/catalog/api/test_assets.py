"""Files as they are: listed, read, and taken away; and bytes that are nothing but files."""

from __future__ import annotations

import email.utils
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import orjson
import pyarrow as pa
import pytest
from django.http.response import HttpResponseBase
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from catalog.models import Asset, Node
from catalog.services.stores import site as stores
from catalog.storage import files, raw_files
from core.http.byte_ranges import Unsatisfiable, parse_range
from tiled_client.wire.bytes_structure import BytesStructure
from tiled_client.wire.structures import TableStructure

from ..conftest import ARROW, Api, detail, ipc

TEXT = b"0123456789" * 7


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """Where files may be registered from; next to it lies a secret."""
    (tmp_path / "secret").write_bytes(b"not yours")
    folder = tmp_path / "readable"
    (folder / "data" / "deep").mkdir(parents=True)
    (folder / "data" / "a.txt").write_bytes(TEXT)
    (folder / "data" / "deep" / "b.bin").write_bytes(b"b")
    (folder / "data" / "out").symlink_to(tmp_path / "secret")
    (folder / "data" / "in").symlink_to(folder / "data" / "a.txt")
    (folder / "data" / "loop").symlink_to("loop")
    storage = settings.TILED.storage.model_copy(update={"readable": [folder]})
    settings.TILED = settings.TILED.model_copy(update={"storage": storage})
    return folder


def register(api: Api, key: str, path: Path, *, is_directory: bool = False) -> int:
    """Make bytes known that lie at `path`; the number of their asset."""
    asset = {"data_uri": f"file://localhost{path}", "is_directory": is_directory}
    source = {
        "structure_family": "bytes",
        "structure": None,
        "mimetype": "application/octet-stream",
        "assets": [asset],
        "management": "external",
    }
    body = {"id": key, "structure_family": "bytes", "data_sources": [source]}
    response = api.send("POST", "/register/", body)
    assert response.status_code == 200, response.content
    return int(orjson.loads(response.content)["data_sources"][0]["assets"][0]["id"])


def content(response: HttpResponseBase) -> bytes:
    return b"".join(response) if response.streaming else response.content  # type: ignore[attr-defined,call-overload]


def test_bytes_have_a_structure_of_nothing_and_a_link_to_themselves(api: Api, folder: Path) -> None:
    register(api, "raw", folder / "data" / "a.txt")
    resource = api.json("/metadata/raw?include_data_sources=true")["data"]
    assert resource["attributes"]["structure"] == BytesStructure().to_json() == {}
    assert list(resource["links"]) == ["self"]
    (source,) = resource["attributes"]["data_sources"]
    assert (source["structure"], source["management"]) == ({}, "external")
    assert api.json("/search/")["data"][0]["attributes"]["structure_family"] == "bytes"


def test_bytes_come_with_all_that_a_download_needs(api: Api, folder: Path) -> None:
    number = register(api, "raw", folder / "data" / "a.txt")
    response = api.get(f"/asset/bytes/raw?id={number}")
    assert content(response) == TEXT
    headers = response.headers
    assert headers["Content-Disposition"] == 'attachment; filename="a.txt"'
    assert (headers["Content-Type"], headers["Content-Length"]) == ("text/plain", "70")
    assert (headers["Accept-Ranges"], headers["ETag"][0]) == ("bytes", '"')
    assert email.utils.parsedate_to_datetime(headers["Last-Modified"])
    for name, value in (
        ("if-none-match", headers["ETag"]),
        ("if-modified-since", headers["Last-Modified"]),
    ):
        again = api.get(f"/asset/bytes/raw?id={number}", **{name: value})
        assert (again.status_code, content(again)) == (304, b"")
    assert api.send("HEAD", f"/asset/bytes/raw?id={number}").status_code == 405


@pytest.mark.parametrize("name", ["a.js", "a.html", "a.svg", "a.xml", "a.mjs", "a.css", "a.wasm"])
def test_a_browser_runs_nothing_of_a_file(api: Api, folder: Path, name: str) -> None:
    (folder / "data" / name).write_text("<script>alert(1)</script>")
    number = register(api, "raw", folder / "data" / name)
    headers = api.get(f"/asset/bytes/raw?id={number}").headers
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("sandbox;")
    assert headers["Content-Disposition"].startswith("attachment;")


@pytest.mark.parametrize(
    ("wanted", "status", "said", "found"),
    [
        ("bytes=0-9", 206, "bytes 0-9/70", TEXT[:10]),
        ("bytes=65-", 206, "bytes 65-69/70", TEXT[65:]),
        ("bytes=-3", 206, "bytes 67-69/70", TEXT[-3:]),
        ("bytes=60-999", 206, "bytes 60-69/70", TEXT[60:]),
        ("bytes=70-", 416, "bytes */70", b""),
        ("bytes=-0", 416, "bytes */70", b""),
        ("bytes=9-3", 200, None, TEXT),
        ("bytes=0-1,5-6", 200, None, TEXT),
        ("lines=0-1", 200, None, TEXT),
        ("bytes=-", 200, None, TEXT),
    ],
)
def test_a_range_gives_these_bytes(
    api: Api, folder: Path, wanted: str, status: int, said: str | None, found: bytes
) -> None:
    number = register(api, "raw", folder / "data" / "a.txt")
    response = api.get(f"/asset/bytes/raw?id={number}", range=wanted)
    assert (response.status_code, response.headers.get("Content-Range")) == (status, said)
    assert content(response) == found
    plain = api.get(f"/asset/bytes/raw?id={number}", **{"range": wanted, "accept-encoding": "gzip"})
    assert (plain.headers.get("Content-Encoding"), content(plain)) == (None, found)
    # Of a file that is another by now, all of it.
    headers = {"range": wanted, "if-range": '"another"'}
    assert content(api.get(f"/asset/bytes/raw?id={number}", **headers)) == TEXT
    headers["if-range"] = response.headers["ETag"]
    assert api.get(f"/asset/bytes/raw?id={number}", **headers).status_code == status


@given(st.integers(0, 20), st.text("bytes=-0123456789 ,", max_size=12))
def test_a_range_is_within_the_file_or_none(size: int, text: str) -> None:
    try:
        found = parse_range(f"bytes={text}", size)
    except Unsatisfiable:
        return
    assert found is None or 0 <= found.start < found.stop <= size


def test_a_folder_is_listed_by_relative_paths_and_read_by_them(api: Api, folder: Path) -> None:
    number = register(api, "raw", folder / "data", is_directory=True)
    manifest = api.json(f"/asset/manifest/raw?id={number}")["manifest"]
    assert manifest == ["a.txt", "deep/b.bin", "in"]
    found = {
        name: content(api.get(f"/asset/bytes/raw?id={number}&relative_path={name}"))
        for name in manifest
    }
    assert found == {"a.txt": TEXT, "deep/b.bin": b"b", "in": TEXT}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("&relative_path=", 403),
        ("&relative_path=deep", 400),
        ("&relative_path=none", 404),
        ("&relative_path=a.txt/x", 404),
        ("&relative_path=loop", 404),
        (f"&relative_path={'x' * 300}", 404),
        ("&relative_path=../secret", 403),
        ("&relative_path=deep/../a.txt", 403),
        ("&relative_path=/etc/passwd", 400),
        ("&relative_path=%2Fetc%2Fpasswd", 400),
        ("&relative_path=out", 403),
        ("&relative_path=a%00b", 403),
    ],
)
def test_nothing_outside_a_folder_is_read(api: Api, folder: Path, query: str, status: int) -> None:
    number = register(api, "raw", folder / "data", is_directory=True)
    response = api.get(f"/asset/bytes/raw?id={number}{query}")
    assert (response.status_code, b"yours" in content(response)) == (status, False)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/asset/bytes/raw?id=ID&relative_path=a.txt", 400),
        ("/asset/manifest/raw?id=ID", 400),
        ("/asset/bytes/raw", 422),
        ("/asset/bytes/raw?id=x", 422),
        (f"/asset/bytes/raw?id={2**63}", 422),
        ("/asset/bytes/raw?id=99999", 404),
        ("/asset/bytes/none?id=1", 404),
        ("/asset/bytes/?id=1", 405),
        ("/asset/manifest/t/n?id=1", 405),
    ],
)
def test_files_that_are_not_the_nodes_are_rejected(
    api: Api, folder: Path, address: str, status: int
) -> None:
    number = register(api, "raw", folder / "data" / "a.txt")
    api.table("t", pa.table({"n": [1]}))
    assert api.get(address.replace("ID", str(number))).status_code == status


def test_a_missing_file_or_a_folder_in_its_place_is_not_found(api: Api, folder: Path) -> None:
    number = register(api, "raw", folder / "data" / "a.txt")
    (folder / "data" / "a.txt").unlink()
    assert api.get(f"/asset/bytes/raw?id={number}").status_code == 404
    os.mkfifo(folder / "data" / "a.txt")
    assert api.get(f"/asset/bytes/raw?id={number}").status_code == 400
    (folder / "data" / "a.txt").unlink()
    (folder / "data" / "a.txt").symlink_to(folder.parent / "secret")
    assert api.get(f"/asset/bytes/raw?id={number}").status_code == 403
    storage = register(api, "others", folder / "data", is_directory=True)
    assert api.get(f"/asset/bytes/raw?id={storage}").status_code == 404


@pytest.mark.parametrize(
    ("name", "said"), [('q"uo\nte', "q_uo_te"), ("é%ß.tif", "é%ß.tif"), ("a b", "a b")]
)
def test_file_names_are_sent_in_the_form_that_clients_parse(
    api: Api, folder: Path, name: str, said: str
) -> None:
    (folder / name).write_bytes(b"x")
    number = register(api, "raw", folder, is_directory=True)
    response = api.get(f"/asset/bytes/raw?id={number}&relative_path={quote(name)}")
    header = response.headers["Content-Disposition"].encode("latin1").decode()
    assert header == f'attachment; filename="{said}"'


def test_the_files_of_the_servers_own_data_are_given_as_far_as_they_count(api: Api) -> None:
    api.array("x", np.arange(3.0))
    rows = pa.table({"n": [1, 2]})
    api.table("t", rows)
    api.send("PUT", "/table/full/t", ipc(rows), ARROW)
    array, table = (Asset.objects.get(data_sources__node__path=path) for path in "xt")
    assert api.json(f"/asset/manifest/x?id={array.pk}")["manifest"] == ["c/0", "zarr.json"]
    chunk = content(api.get(f"/asset/bytes/x?id={array.pk}&relative_path=c/0"))
    assert np.frombuffer(chunk)[:3].tolist() == [0, 1, 2]
    if table.data_uri.startswith("file:"):
        with files.uri_path(table.data_uri).open("ab") as file:
            file.write(b"what a crash has left")
    found = content(api.get(f"/asset/bytes/t?id={table.pk}"))
    assert len(found) == table.size
    assert pa.ipc.open_stream(found).read_all().equals(rows)


def test_an_asset_is_removed_with_its_data_only_on_request(api: Api, folder: Path) -> None:
    number = register(api, "raw", folder / "data" / "a.txt")
    response = api.send("DELETE", f"/asset/raw?id={number}")
    assert orjson.loads(response.content) == {"asset_deleted": True, "data_deleted": False}
    assert (folder / "data" / "a.txt").exists()
    assert api.send("DELETE", f"/asset/raw?id={number}").status_code == 404
    api.array("x", np.arange(3.0))
    own = Asset.objects.get()
    node = Node.objects.get(path="x").uuid
    refused = api.send("DELETE", f"/asset/x?id={own.pk}")
    assert (refused.status_code, "internally managed" in detail(refused)) == (409, True)
    assert list(stores.storage().sizes(node))
    response = api.send("DELETE", f"/asset/x?id={own.pk}&external_only=false")
    assert orjson.loads(response.content) == {"asset_deleted": True, "data_deleted": True}
    assert (list(stores.storage().sizes(node)), Asset.objects.count()) == ([], 0)
    assert api.get("/metadata/x").status_code == 200


def test_a_site_may_keep_its_files_to_itself(api: Api, folder: Path, settings: Settings) -> None:
    number = register(api, "raw", folder / "data" / "a.txt")
    storage = settings.TILED.storage.model_copy(update={"expose_raw_assets": False})
    settings.TILED = settings.TILED.model_copy(update={"storage": storage})
    for method, address in (
        ("GET", "/asset/bytes/raw"),
        ("GET", "/asset/manifest/raw"),
        ("DELETE", "/asset/raw"),
    ):
        response = api.send(method, f"{address}?id={number}")
        assert (response.status_code, "raw assets" in detail(response)) == (403, True)


def test_a_large_file_is_read_piece_by_piece_and_closed(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(bytes(3 * raw_files.READ_BYTES // 2))
    opened = raw_files.open_file(path)
    assert [len(piece) for piece in raw_files.FileChunks(opened, 0, opened.size)] == [
        raw_files.READ_BYTES,
        raw_files.READ_BYTES // 2,
    ]
    opened = raw_files.open_file(path)
    pieces = raw_files.FileChunks(opened, 0, opened.size)
    next(pieces)
    path.write_bytes(b"")
    with pytest.raises(EOFError):
        next(pieces)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 200),
        ({"id": None}, 404),
        ({"id": 99_999}, 404),
        ({"structure_family": "cube"}, 422),
        ({"unknown": 1}, 422),
        ({"parameters": []}, 422),
        ({"mimetype": None}, 415),
        ({"assets": []}, 422),
        ({"assets": [{"data_uri": "file://localhost/etc/passwd", "is_directory": False}]}, 403),
    ],
)
def test_the_data_source_of_bytes_is_replaced(
    api: Api, folder: Path, change: dict[str, Any], status: int
) -> None:
    register(api, "raw", folder / "data" / "a.txt")
    source = api.json("/metadata/raw?include_data_sources=true")["data"]["attributes"]
    body = {"data_source": {**source["data_sources"][0], "properties": {"n": 1}, **change}}
    assert api.send("PUT", "/data_source/raw", body).status_code == status
    kept = Node.objects.get(path="raw").data_source
    assert kept.properties == ({"n": 1} if status == 200 else {})


def test_data_of_the_servers_own_are_not_described_by_their_files(api: Api) -> None:
    structure = TableStructure.from_schema(pa.schema([("n", pa.int64())]))
    api.create("t", "table", structure)
    (source,) = api.json("/metadata/t?include_data_sources=true")["data"]["attributes"][
        "data_sources"
    ]
    response = api.send("PUT", "/data_source/t", {"data_source": source})
    assert (response.status_code, "internally managed" in detail(response)) == (409, True)
