"""Old or large nodes in a bucket are deleted with their objects; quotas count what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
from django.conf import settings

from catalog.lifecycle_config import QuotaSettings, SubtreeQuota
from catalog.models import AssetPart, Node
from catalog.services.cleanup import remove_orphaned_folders
from catalog.services.stores.bucket.names import node_folder
from catalog.services.stores.bucket.storage import BucketStorage
from catalog.services.stores.removal_hold import hold_removals
from tests.catalog.factories import settings_of
from tiled_client.wire.structures import ArrayStructure

from ..conftest import ARROW, OCTETS, Api, ipc
from ..test_prune import prune

SMALL, LARGE = np.zeros(100), np.zeros((10, 10_000))


@pytest.fixture
def site(bucket: BucketStorage, api: Api) -> BucketStorage:
    """Two arrays, and a table of which some rows are in an object, and some in the database."""
    api.container("run")
    for path, array in (("run/small", SMALL), ("run/large", LARGE)):
        assert api.create(path, "array", ArrayStructure.from_array(array)).status_code == 200
        assert api.send("PUT", f"/array/full/{path}", array.tobytes(), OCTETS).status_code == 200
    api.table("run/t", pa.table({"n": [0]}))
    for count in (100_000, 200):
        body = ipc(pa.table({"n": range(count)}))
        append = api.send("PATCH", "/table/partition/run/t?partition=0", body, ARROW)
        assert append.status_code == 200
    for path in ("run/small", "run/large", "run/t"):
        assert api.send("DELETE", f"/stream/close/{path}").status_code == 200
    return bucket


def paths() -> set[str]:
    return set(Node.objects.exclude(path="").values_list("path", flat=True))


def objects_of(bucket: BucketStorage, path: str) -> Iterator[str]:
    folder = node_folder(Node.objects.get(path=path).uuid)
    return (info.name for info in bucket.objects.list_objects(folder))


def test_nodes_are_selected_by_the_size_of_objects_and_of_rows_in_the_database(
    site: BucketStorage,
) -> None:
    sizes = {path: sum(each.size for each in site.sizes(uuid)) for path, uuid in nodes()}
    assert sizes["run/large"] > LARGE.nbytes
    parts = AssetPart.objects.values_list("name", "skip", "size", "start")
    # The schema, which is the first part, counts with the object that repeats it.
    assert sizes["run/t"] == sum(skip + size for _, skip, size, start in parts if start)
    output = prune(larger_than="100KB", under="run")
    assert {line.split("\t")[1] for line in output.splitlines()[:-1]} == {"/run/large", "/run/t"}


def nodes() -> list[tuple[str, Any]]:
    return list(Node.objects.exclude(path="").values_list("path", "uuid"))


def test_pruned_nodes_leave_no_object(site: BucketStorage) -> None:
    folders = [node_folder(uuid) for path, uuid in nodes() if path in ("run/large", "run/t")]
    assert all(list(site.objects.list_objects(folder)) for folder in folders)
    assert "Pruned 2 nodes" in prune(larger_than="100KB", under="run", yes=True)
    assert paths() == {"run", "run/small"}
    assert not any(list(site.objects.list_objects(folder)) for folder in folders)
    assert not AssetPart.objects.exists()
    assert list(objects_of(site, "run/small"))


def test_objects_of_nodes_that_are_pruned_during_a_backup_stay_until_the_next_cleanup(
    site: BucketStorage,
) -> None:
    folder = node_folder(Node.objects.get(path="run/large").uuid)
    with hold_removals():
        prune(larger_than="100KB", under="run", yes=True)
        assert remove_orphaned_folders(min_age=0) == 0
        assert list(site.objects.list_objects(folder))
    assert remove_orphaned_folders(min_age=0) == 2
    assert not list(site.objects.list_objects(folder))


def test_quotas_count_rows_that_wait_in_the_database(site: BucketStorage, api: Api) -> None:
    used = SMALL.nbytes + LARGE.nbytes + 100_200 * 8
    quota = QuotaSettings(subtrees=[SubtreeQuota(path="run", bytes=used + 20_000)])
    with settings_of(settings.TILED.model_copy(update={"quotas": quota})):
        body = ipc(pa.table({"n": range(1000)}))
        statuses = []
        while len(statuses) < 5 and 507 not in statuses:
            found = api.send("PATCH", "/table/partition/run/t?partition=0", body, ARROW)
            statuses.append(found.status_code)
        # A batch of 8,000 bytes has a header: the third does not fit.
        assert statuses == [200, 200, 507]
        assert orjson.loads(found.content)["code"] == "quota_exceeded"
    assert api.rows("/table/full/run/t").num_rows == 100_200 + 2000
