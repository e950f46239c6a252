"""External files in a bucket, from the client and by `register`."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import tifffile

from catalog.storage.bucket_files.paths import ObjectPath
from tests.buckets import Service
from tests.catalog.bucket_folder import BucketFolder, make_folder
from tests.servers import own_database, running
from tiled_client import ArrayClient, Container, Forbidden, NodeExists, NodeNotFound, from_uri
from tiled_client.wire.data_sources import Asset, DataSource
from tiled_client.wire.structure_family import StructureFamily


def upload_odd_names(folder: BucketFolder, path: Path) -> None:
    for number in range(11):
        tifffile.imwrite(path / f"img_{number}.tif", np.full((2, 3), number, "u1"))
    (path / "day 1 #2 100%").mkdir()
    np.save(path / "day 1 #2 100%" / "é+?.npy", np.arange(3))
    (path / "broken.npy").write_bytes(b"nonsense" * 9)
    folder.upload(path)


def test_files_in_a_bucket_are_registered_read_and_downloaded(
    buckets: Service, tmp_path: Path
) -> None:
    folder = make_folder(buckets)
    (tmp_path / "run").mkdir()
    upload_odd_names(folder, tmp_path / "run")
    settings = {
        "TILED_STORAGE_ENDPOINT": buckets.endpoint,
        "AWS_ACCESS_KEY_ID": buckets.key,
        "AWS_SECRET_ACCESS_KEY": buckets.secret,
        # For commands, which have no option --read.
        "TILED_STORAGE_READABLE": str(folder.path),
    }
    options = ("serve", "--port", "0", "--api-key", "secret", "--read", str(folder.path))
    with (
        own_database() as database,
        running(tmp_path / "site", *options, **settings, **database) as site,
    ):
        root: Container = from_uri(site.uri, api_key="secret")
        check_registration(root, folder)
        check_data_sources(root, folder, tmp_path)
        # The command walks the prefix as it walks a folder.
        root.create_container("all")
        told = site.manage("register", str(folder.path), "--under", "all")
        assert (told.returncode, "2 new, 1 not read" in told.stdout) == (0, True), told
        assert root["all"]["run"]["day 1 #2 100%"]["é+?"].read().tolist() == [0, 1, 2]
        # What is there already is no error; the beginning of a name is no prefix.
        again = site.manage("register", f"{folder.path}/run", "--under", "all/run")
        assert "0 new, 2 as before, 1 not read" in again.stdout
        beside = site.manage("register", folder.beside.location.uri)
        assert (beside.returncode, "storage.readable" in beside.stderr) == (1, True)


def check_registration(root: Container, folder: BucketFolder) -> None:
    images = root.register(f"{folder.path}/run/img_*.tif", metadata={"sample": "A"})
    assert isinstance(images, ArrayClient)
    assert (images.key, images.shape, images.metadata) == ("img", (11, 2, 3), {"sample": "A"})
    assert images[:, 0, 0].tolist() == list(range(11))
    again = root.register(f"{folder.path}/run/img_*.tif", if_exists="open")
    assert again.path == images.path
    with pytest.raises(NodeExists):
        root.register(f"{folder.path}/run/img_1.tif", key="img", if_exists="open")
    with pytest.warns(UserWarning, match=r"broken\.npy"):
        run = root.register(f"{folder.path}/run")
    assert run["day 1 #2 100%"]["é+?"].read().tolist() == [0, 1, 2]
    for uri, error in ((folder.beside.location.uri, Forbidden), (f"{folder.path}/x", NodeNotFound)):
        with pytest.raises(error):
            root.register(f"{uri}/a.npy")


def check_data_sources(root: Container, folder: BucketFolder, tmp_path: Path) -> None:
    """Check what clients send that describe the files themselves, as Tiled's does."""
    path: ObjectPath = folder.path / "run" / "day 1 #2 100%" / "é+?.npy"
    structure = root["run"]["day 1 #2 100%"]["é+?"].structure
    asset = Asset(path.as_uri(), is_directory=False, parameter="data_uri")
    source = DataSource(StructureFamily.array, structure, "application/x-npy", assets=[asset])
    node = root.new(StructureFamily.array, [source], key="described")
    assert node.read().tolist() == [0, 1, 2]
    (found,) = node.raw_export(tmp_path / "exported")
    assert os.path.basename(found) == "é+?.npy"
    assert Path(found).read_bytes() == path_bytes(folder)


def path_bytes(folder: BucketFolder) -> bytes:
    return bytes(folder.store.get("run/day 1 #2 100%/é+?.npy"))
