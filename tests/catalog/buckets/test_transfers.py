"""Whole arrays are copied out of a bucket to an archive folder, and into it by an import."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import zarr
from django.core.management import call_command
from django.db import transaction

from catalog.lifecycle_config import RetentionRule, RetentionSettings
from catalog.models import AssetPart, Chunk, DataSource, Node
from catalog.services.stores.bucket.names import node_folder
from catalog.services.stores.bucket.storage import BucketStorage
from tests.catalog.factories import settings_of
from tiled_client.wire.structures import ArrayStructure

from ..conftest import ARROW, OCTETS, Api, ipc
from ..test_prune import prune

ARRAY = np.arange(60_000.0).reshape(6, 10_000)


@pytest.fixture
def site(bucket: BucketStorage, api: Api) -> BucketStorage:
    """An array with an overwritten chunk and one never written, and a table."""
    structure = replace(ArrayStructure.from_array(ARRAY), chunks=((2, 2, 2), (10_000,)))
    for path in ("x", "some"):
        assert api.create(path, "array", structure).status_code == 200
    full = api.send("PUT", "/array/full/x", (0 * ARRAY).tobytes(), OCTETS)
    assert full.status_code == 200
    assert api.send("PUT", "/array/full/x", ARRAY.tobytes(), OCTETS).status_code == 200
    block = api.send("PUT", "/array/block/some?block=1,0", ARRAY[:2].tobytes(), OCTETS)
    assert block.status_code == 200
    api.table("t", pa.table({"n": [0]}))
    for count in (100_000, 2):
        body = ipc(pa.table({"n": range(count)}))
        assert api.send("PATCH", "/table/partition/t?partition=0", body, ARROW).status_code == 200
    for path in ("x", "some", "t"):
        assert api.send("DELETE", f"/stream/close/{path}").status_code == 200
    return bucket


def test_archived_nodes_are_read_as_before_and_their_objects_are_gone(
    site: BucketStorage, api: Api, tmp_path: Path, settings: Any
) -> None:
    rule = RetentionRule(under="", larger_than=1, action="archive")
    readable = settings.TILED.storage.model_copy(update={"readable": [tmp_path]})
    retention = RetentionSettings(rules=[rule], archive=tmp_path)
    changed = settings.TILED.model_copy(update={"retention": retention, "storage": readable})
    before = [node_folder(node.uuid) for node in Node.objects.exclude(path="")]
    rows = api.rows("/table/full/t").to_pydict()
    with settings_of(changed):
        output = prune(yes=True)
        assert "Pruned 3 nodes" in output, output
        np.testing.assert_array_equal(api.read("/array/full/x", ARRAY.dtype), ARRAY.ravel())
        some = api.read("/array/full/some", ARRAY.dtype).reshape(ARRAY.shape)
        np.testing.assert_array_equal(some[2:4], ARRAY[:2])
        assert not some[[0, 1, 4, 5]].any()
        assert api.rows("/table/full/t").to_pydict() == rows
        call_command("verify", stdout=io.StringIO())
    uuid = Node.objects.get(path="x").uuid
    opened: Any = zarr.open_array(tmp_path / node_folder(uuid) / "array", mode="r")
    np.testing.assert_array_equal(opened[...], ARRAY)
    assert [list(site.objects.list_objects(folder)) for folder in before] == [[], [], []]
    assert not Chunk.objects.exists()
    assert not AssetPart.objects.exists()


def test_objects_of_an_interrupted_import_are_not_taken_for_data(
    bucket: BucketStorage, api: Api
) -> None:
    structure = replace(ArrayStructure.from_array(ARRAY), chunks=((2, 2, 2), (10_000,)))
    assert api.create("x", "array", structure).status_code == 200
    source = DataSource.objects.select_related("node").get(node__path="x")
    left = f"{node_folder(source.node.uuid)}/c/1/0"
    bucket.objects.put(left, b"rubbish")
    finish = bucket.arrays.fill(source.node.uuid, structure, lambda region: ARRAY[region])
    with transaction.atomic():
        finish(source)
        source.save()
    np.testing.assert_array_equal(api.read("/array/full/x", ARRAY.dtype), ARRAY.ravel())
    assert bytes(bucket.objects.get(left)) == b"rubbish"
