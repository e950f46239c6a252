"""Old, large or tagged nodes are deleted or archived; those that are being written never are."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from catalog.lifecycle_config import RetentionRule, RetentionSettings
from catalog.models import Node, TagPath
from catalog.services.stores.folder.paths import node_folder
from tests.buckets import in_folder

from .conftest import ARROW, Api, ipc
from .factories import settings_of

pytestmark = in_folder

TABLE = pa.table({"a": [1, 2, 3]})


def age(path: str, days: float) -> None:
    """Let the last change of a node, and of its files, be some days ago."""
    then = timezone.now() - timedelta(days=days)
    Node.objects.filter(path=path).update(time_updated=then)
    for folder, _, names in os.walk(node_folder(Node.objects.get(path=path).uuid)):
        for name in names:
            os.utime(Path(folder) / name, (then.timestamp(),) * 2)


def close(api: Api, path: str) -> None:
    assert api.send("DELETE", f"/stream/close/{path}").status_code == 200


@pytest.fixture
def site(api: Api) -> Iterator[Api]:
    """Two runs, of which one has a stream that is open; all are old except `run2/fresh`."""
    for path in ("run1", "run2"):
        api.container(path)
        for key in ("x", "fresh"):
            api.array(f"{path}/{key}", np.arange(6).reshape(2, 3))
            close(api, f"{path}/{key}")
    api.table("run1/t", TABLE)
    assert api.send("PUT", "/table/full/run1/t", ipc(TABLE), ARROW).status_code == 200
    close(api, "run1/t")
    for node in Node.objects.exclude(path="run2/fresh").exclude(path=""):
        age(node.path, 40)
    return api


def prune(**options: Any) -> str:
    output = io.StringIO()
    call_command("prune", stdout=output, **options)
    return output.getvalue()


def paths() -> set[str]:
    return set(Node.objects.exclude(path="").values_list("path", flat=True))


def test_nothing_changes_without_yes(site: Api) -> None:
    before = paths()
    output = prune(older_than="30d")
    assert output.startswith("delete\t/run1\t4 nodes")
    assert "delete\t/run2/x\t1 node\t" in output
    assert "Would prune 5 nodes with " in output
    assert "; 0 of the selected stay." in output
    assert paths() == before


def test_the_topmost_old_nodes_are_deleted_with_their_data(site: Api) -> None:
    folder = node_folder(Node.objects.get(path="run1/x").uuid)
    assert "Pruned 5 nodes" in prune(older_than="30d", yes=True)
    assert paths() == {"run2", "run2/fresh"}
    assert not folder.exists()


def test_a_subtree_with_an_open_stream_stays(site: Api) -> None:
    body = ipc(TABLE)
    assert site.send("PATCH", "/table/partition/run1/t?partition=0", body, ARROW).status_code == 200
    for node in Node.objects.filter(path__startswith="run1"):
        age(node.path, 40)
    output = prune(older_than="30d", under="", yes=True)
    assert "keep\t/run1\t" in output
    assert "the stream of /run1/t is open" in output
    assert paths() == {"run1", "run1/x", "run1/fresh", "run1/t", "run2", "run2/fresh"}


@pytest.mark.parametrize(
    ("options", "selected"),
    [
        ({"older_than": "50d"}, set()),
        ({"older_than": "1h", "under": "run2"}, {"run2/x"}),
        ({"spec": "scratch"}, {"run2/x"}),
        ({"tag": "temporary"}, {"run2"}),
        ({"larger_than": "100KB"}, set()),
        ({"larger_than": "50", "spec": "scratch"}, {"run2/x"}),
    ],
)
def test_each_condition_selects(site: Api, options: dict[str, str], selected: set[str]) -> None:
    Node.objects.filter(path="run2/x").update(specs=[{"name": "scratch", "version": None}])
    tags = TagPath.objects.create(digest="1", lists=[["temporary"]])
    inside = TagPath.objects.create(digest="2", lists=[["temporary"], ["other"]])
    Node.objects.filter(path="run2").update(tag_path=tags)
    Node.objects.filter(path__startswith="run2/").update(tag_path=inside)
    lines = prune(**options).splitlines()[:-1]
    assert {line.split("\t")[1][1:] for line in lines} == selected


def test_archived_nodes_are_read_as_before_and_their_files_are_external(
    site: Api, tmp_path: Path, settings: Any
) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    retention = RetentionSettings(
        rules=[RetentionRule(under="run1", older_than=3600, action="archive")], archive=archive
    )
    storage = settings.TILED.storage.model_copy(update={"readable": [tmp_path]})
    before = node_folder(Node.objects.get(path="run1/x").uuid)
    with settings_of(
        settings.TILED.model_copy(update={"retention": retention, "storage": storage})
    ):
        assert "archive\t/run1/x" in prune()
        assert before.exists()
        prune(yes=True)
        assert not before.exists()
        values = site.read("/array/full/run1/x", np.arange(1).dtype)
        assert values.tolist() == list(range(6))
        assert site.rows("/table/full/run1/t").to_pydict() == TABLE.to_pydict()
        source = site.json("/metadata/run1/t?include_data_sources=true")
        (found,) = source["data"]["attributes"]["data_sources"]
        assert (found["management"], found["mimetype"]) == ("external", "application/x-parquet")
        assert len(list(archive.rglob("node.json"))) == 3
        call_command("verify", stdout=io.StringIO())


def test_wrong_conditions_are_explained(site: Api) -> None:
    for options, text in (
        ({}, "There is no rule"),
        ({"under": "run1"}, "without a condition"),
        ({"older_than": "soon"}, "not a duration"),
        ({"larger_than": "big"}, "not a size"),
        ({"older_than": "1d", "archive": True}, "retention.archive"),
    ):
        with pytest.raises(CommandError, match=text):
            prune(**options)
