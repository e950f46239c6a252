"""Registration of files that the server inspects, from the client."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import tifffile

from tests.client.fake_servers import HttpPeer, Reply
from tests.conftest import API_KEY
from tests.servers import RunningServer
from tiled_client import (
    ArrayClient,
    Conflict,
    Container,
    Forbidden,
    NodeNotFound,
    NotSupported,
    UnsupportedMedia,
    from_uri,
)
from tiled_client.documents import Resource
from tiled_client.http.client import HttpClient
from tiled_client.http.session import ClientSession


@pytest.fixture
def client(server: RunningServer) -> Container:
    made: Container = from_uri(server.uri, api_key=API_KEY).create_container()
    return made


@pytest.fixture
def folder(readable: Path, tmp_path: Path) -> Path:
    """A folder of this test, with a stack of images, a subfolder, and a damaged file."""
    folder = readable / tmp_path.name
    (folder / "scans" / "day 1").mkdir(parents=True)
    for number in range(11):
        tifffile.imwrite(folder / f"img_{number}.tif", np.full((2, 3), number, "u1"))
    np.save(folder / "scans" / "day 1" / "x.npy", np.arange(3))
    (folder / "broken.npy").write_bytes(b"nonsense" * 9)
    os.utime(folder / "broken.npy", (1e9, 1e9))
    return folder


def test_a_stack_of_images_is_registered_in_one_line(client: Container, folder: Path) -> None:
    images = client.register(folder / "img_*.tif", metadata={"sample": "A"}, specs="stack")
    assert isinstance(images, ArrayClient)
    assert (images.key, images.shape, images.metadata) == ("img", (11, 2, 3), {"sample": "A"})
    assert images[:, 0, 0].tolist() == list(range(11))
    assert client["img"].data_sources()[0].assets[-1].data_uri.endswith("img_10.tif")
    with pytest.raises(Conflict):
        client.register(folder / "img_*.tif")
    listed = client.register([folder / "img_3.tif", folder / "img_1.tif"], key="two")
    assert listed[:, 0, 0].tolist() == [3, 1]


def test_a_folder_is_registered_with_those_below_it(client: Container, folder: Path) -> None:
    with pytest.warns(UserWarning, match=r"not registered:\n.*/broken.npy: .* cannot be read"):
        node = client.register(folder, key="all")
    assert list(node) == ["img", "scans"]
    assert node["scans", "day 1", "x"].read().tolist() == [0, 1, 2]
    with pytest.warns(UserWarning, match=r"broken.npy"):
        assert list(client.register(folder, key="flat", recursive=False)) == ["img"]


def test_what_cannot_be_registered_is_an_error_of_its_kind(
    client: Container, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Forbidden, match="may read"):
        client.register(tmp_path)
    with pytest.raises(NodeNotFound, match="No file matches"):
        client.register(folder / "*.h5")
    (folder / "notes.txt").write_text("x")
    with pytest.raises(UnsupportedMedia, match="no known extension"):
        client.register(folder / "notes.txt")
    monkeypatch.chdir(folder)
    assert client.register("img_7.tif").read().tolist() == [[7] * 3] * 2


def test_a_server_that_cannot_inspect_says_so(http_peer: HttpPeer) -> None:
    http_peer.gives(Reply(404, {"detail": "Not Found"}))
    session = ClientSession(HttpClient(http_peer.root, "key"))
    root = Container(session, (), Resource(family="container"))
    with pytest.raises(NotSupported, match="cannot inspect files: describe them by data sources"):
        root.register("/data/x.tif")
