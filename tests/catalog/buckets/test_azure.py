"""A site in a container of Azure: Azurite speaks its protocol."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from catalog.storage.errors import MissingFile, StorageUnavailable
from catalog.storage.objects.client import PART_BYTES, ObjectStore
from tests.buckets import Service
from tests.servers import own_database, running
from tiled_client import from_uri
from tools.backends.azurite import ACCOUNT, CONTAINER, KEY, azurite_here, own_azurite

OPTIONS = ("--port", "0", "--workers", "1", "--api-key", "secret")


@pytest.fixture(scope="module")
def azure() -> Iterator[Service]:
    if not azurite_here():
        pytest.skip("Azurite is not installed (npm install --global azurite)")
    with own_azurite() as endpoint:
        yield Service(endpoint, f"az://{CONTAINER}", ACCOUNT, KEY)


def test_objects_are_stored_once_listed_read_by_ranges_and_deleted(azure: Service) -> None:
    store = azure.store()
    assert store.put_new("a/1", b"one")
    assert not store.put_new("a/1", b"two")
    assert bytes(store.get("a/1")) == b"one"
    piece = bytes(range(256)) * 4096
    assert store.put_stream("a/large", [piece] * 20) == 20 * len(piece) > 2 * PART_BYTES
    assert bytes(store.get_range("a/large", 255, 258)) == bytes([255, 0, 1])
    store.copy("a/1", "b/2")
    assert sorted(info.name for info in store.list_objects()) == ["a/1", "a/large", "b/2"]
    assert sorted(store.list_folder()[0]) == ["a", "b"]
    # Azure reports objects that do not exist.
    store.delete(["b/2", "never", "a/large"])
    assert [info.name for info in store.list_objects()] == ["a/1"]
    with pytest.raises(MissingFile):
        store.get("never")


def test_a_wrong_key_is_an_outage(azure: Service) -> None:
    wrong = Service(azure.endpoint, azure.uri, ACCOUNT, f"A{KEY[1:]}")
    with pytest.raises(StorageUnavailable, match="credentials"):
        ObjectStore(wrong.location()).put("a", b"1")


def test_a_site_in_azure_is_written_overwritten_read_and_in_order(
    azure: Service, tmp_path: Path
) -> None:
    with (
        own_database() as database,
        running(tmp_path, "serve", *OPTIONS, **database, **azure.settings()) as server,
    ):
        root = from_uri(server.uri, api_key="secret")
        array = root.write_array(np.zeros((3, 2000)), key="x")
        array.patch(np.ones((1, 2000)), offset=(1, 0))
        array.patch(2 * np.ones((1, 2000)), offset=(3, 0), extend=True)
        assert array.read().sum(axis=1).tolist() == [0, 2000, 0, 4000]
        table = root.write_table(pd.DataFrame({"n": np.arange(1_200_000)}), key="t")
        table.append_partition(0, pd.DataFrame({"n": [-1]}))
        assert table.read()["n"].tolist() == [*range(1_200_000), -1]
        checked = server.manage("verify")
        assert checked.returncode == 0, checked.stdout + checked.stderr
        root.delete_contents(["x", "t"], external_only=False)
        done = server.manage("backup", str(tmp_path / "backups"))
        assert done.returncode == 0, done.stderr
