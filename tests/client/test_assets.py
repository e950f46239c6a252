"""Asset files and metadata updates, against a server and against a scripted one."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from tests.client.fake_servers import HttpPeer, Reply
from tests.servers import RunningServer
from tiled_client import (
    Asset,
    BytesClient,
    Conflict,
    Container,
    DataSource,
    InvalidResponse,
    NodeNotFound,
    StructureFamily,
    TransportError,
    from_uri,
)
from tiled_client.documents import Resource
from tiled_client.http.retries import RetryPolicy
from tiled_client.http.session import ClientSession
from tiled_client.wire.bytes_structure import BytesStructure

MANIFEST = {"manifest": ["a"]}


@pytest.fixture
def home(server: RunningServer) -> Container:
    made: Container = from_uri(server.uri, api_key=server.api_key).create_container()
    return made


def described(*assets: Asset) -> Reply:
    source = DataSource(
        StructureFamily.bytes, BytesStructure(), "application/octet-stream", assets=list(assets)
    )
    attributes = {"structure_family": "bytes", "metadata": {}, "specs": [], "structure": {}}
    sources = [source.to_json()]
    return Reply(value={"data": {"attributes": {**attributes, "data_sources": sources}}})


def raw(peer: HttpPeer) -> BytesClient:
    http = peer.http(retries=RetryPolicy(deadline=5))
    return BytesClient(ClientSession(http), ("r",), Resource(family="bytes"))


def test_revisions_are_a_sequence(home: Container) -> None:
    node = home.create_container("n", metadata={"n": 0})
    for number in range(1, 4):
        node.replace_metadata({"n": number})
    revisions = node.metadata_revisions
    assert len(revisions) == 3
    assert [revision.metadata["n"] for revision in revisions] == [0, 1, 2]
    assert [revision.number for revision in revisions[::-2]] == [3, 1]
    assert (revisions[-1].metadata, revisions[0].specs) == ({"n": 2}, ())
    assert revisions[0].time_updated.utcoffset() is not None
    for place in (3, -4):
        with pytest.raises(IndexError):
            revisions[place]
    revisions.delete_revision(2)
    assert [revision.number for revision in revisions[:]] == [1, 3]
    with pytest.raises(NodeNotFound, match="No revision 2"):
        revisions.delete_revision(2)


def test_a_description_is_patched_whole_or_not_at_all(home: Container) -> None:
    node = home.create_container("n", metadata={"color": "blue"})
    add = {"op": "add", "path": "/size", "value": 1}
    with pytest.raises(Conflict):
        node.patch_metadata([add, {"op": "test", "path": "/color", "value": "red"}])
    assert node.metadata == {"color": "blue"}
    node.patch_metadata([add], [{"op": "add", "path": "/-", "value": {"name": "s"}}])
    metadata, specs, tags = node.metadata_copy()
    assert (metadata, [spec.name for spec in specs], tags) == (
        {"color": "blue", "size": 1},
        ["s"],
        [],
    )
    node.replace_metadata({**metadata, "size": 2}, [], drop_revision=True)
    assert (node.metadata["size"], node.specs, len(node.metadata_revisions)) == (2, (), 1)


def test_files_are_exported_to_a_folder_or_to_memory(
    home: Container, readable: Path, tmp_path: Path
) -> None:
    array = home.write_array(np.arange(3), key="a")
    paths = array.raw_export(tmp_path / "array")
    assert sorted(paths) == [tmp_path / "array" / name for name in ("c/0", "zarr.json")]
    (readable / "é raw.bin").write_bytes(b"0123456789" * 100_000)
    asset = Asset(f"file://localhost{readable}/%C3%A9%20raw.bin", is_directory=False)
    source = DataSource(
        StructureFamily.bytes, BytesStructure(), "application/octet-stream", assets=[asset]
    )
    node = home.new(StructureFamily.bytes, [source], key="r")
    assert isinstance(node, BytesClient)
    assert node.read() == b"0123456789" * 100_000
    assert node.raw_export(tmp_path) == [tmp_path / "é raw.bin"]
    assert (tmp_path / "é raw.bin").read_bytes() == node.read()
    (found,) = node.data_sources()[0].assets
    assert node.asset_manifest() == {found.id: None}
    assert found.id is not None
    node.delete_asset(found.id)
    assert node.raw_export(tmp_path / "nothing") == []


def test_a_download_that_breaks_goes_on_where_it_was(http_peer: HttpPeer, tmp_path: Path) -> None:
    headers = {"ETag": '"1"', "Content-Disposition": 'attachment; filename="f"'}
    http_peer.gives(
        described(Asset("file://localhost/f", is_directory=False, id=7)),
        Reply(body=b"01234", headers=headers, cut=True),
        Reply(206, body=b"56789", headers=headers),
    )
    assert raw(http_peer).raw_export(tmp_path) == [tmp_path / "f"]
    assert (tmp_path / "f").read_bytes() == b"0123456789"
    _, first, second = http_peer.exchanges
    assert "Range" not in first.headers
    assert (second.headers["Range"], second.headers["If-Range"]) == ("bytes=5-", '"1"')
    assert second.query["id"] == ["7"]


def test_a_file_that_has_changed_meanwhile_is_fetched_anew(
    http_peer: HttpPeer, tmp_path: Path
) -> None:
    headers = {"ETag": '"1"', "Content-Disposition": 'attachment; filename="f"'}
    http_peer.gives(
        described(Asset("file://localhost/f", is_directory=False, id=7)),
        Reply(body=b"0123456", headers=headers, cut=True),
        Reply(body=b"new", headers={**headers, "ETag": '"2"'}),
    )
    files: dict[str, io.BytesIO] = {}
    assert raw(http_peer).raw_export(files) == ["f"]
    assert files["f"].getvalue() == b"new"


@pytest.mark.parametrize("name", ["../up", "/etc/passwd", "", "a\\b"])
def test_no_server_leads_a_download_elsewhere(
    http_peer: HttpPeer, tmp_path: Path, name: str
) -> None:
    http_peer.gives(
        described(Asset("file://localhost/d", is_directory=True, id=7)),
        Reply(value={"manifest": [name]}),
    )
    with pytest.raises(InvalidResponse):
        raw(http_peer).raw_export(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_download_leaves_no_partial_file(http_peer: HttpPeer, tmp_path: Path) -> None:
    http_peer.gives(
        described(Asset("file://localhost/f", is_directory=False, id=7)),
        Reply(body=b"01", headers={"Content-Disposition": 'attachment; filename="f"'}, cut=True),
    )
    node = BytesClient(
        ClientSession(http_peer.http(retries=RetryPolicy(deadline=0.3))),
        ("r",),
        Resource(family="bytes"),
    )
    with pytest.raises(TransportError):
        node.raw_export(tmp_path)
    assert list(tmp_path.iterdir()) == []
