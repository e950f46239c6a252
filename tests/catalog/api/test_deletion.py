"""Deletion of many nodes at once, and what comes in its way."""

from __future__ import annotations

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog import events
from catalog.models import Asset, DataSource, DataSourceAsset, Node, Revision
from catalog.services.nodes import deletion
from catalog.services.nodes.deletion import delete_node
from streaming.redis.keys import StreamKeys
from streaming.writing.log import stream_logs

from ..conftest import Api
from .test_nodes import ONES, stored_files


def tree(api: Api, leaves: int) -> list[Node]:
    """A container of containers of arrays, each of which has a revision."""
    for path in ("top", "top/a", "top/b"):
        api.container(path)
    for number in range(leaves):
        api.create(f"top/{'ab'[number % 2]}/x{number}", "array", ONES)
        api.send("PUT", f"/metadata/top/{'ab'[number % 2]}/x{number}", {"metadata": {}})
    return list(Node.objects.filter(path__startswith="top"))


def test_deleting_a_subtree_takes_a_constant_number_of_queries(api: Api) -> None:
    files, queries = stored_files(), []
    for leaves in (2, 24):
        nodes = tree(api, leaves)
        with CaptureQueriesContext(connection) as asked:
            delete_node(path="top", recursive=True, external_only=False)
        # SQLite has a lock file for each node, which is no query.
        queries.append(len(asked))
        [log] = stream_logs()
        names = [StreamKeys.of(log._settings.prefix, node.uuid).meta for node in nodes]
        assert all(log._client.hget(name, "gone") == b"1" for name in names)
    assert queries[0] == queries[1]
    tables = (Node, DataSource, DataSourceAsset, Asset, Revision)
    assert [model.objects.count() for model in tables] == [1, 0, 0, 0, 0]  # type: ignore[attr-defined]
    assert stored_files() == files


def test_a_subtree_larger_than_a_batch_is_deleted_completely(
    api: Api, announced: list[events.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "BATCH_ROWS", 2)
    nodes = tree(api, 7)
    announced.clear()
    delete_node(path="top", recursive=True, external_only=False)
    gone = announced[-1]
    assert isinstance(gone, events.NodeDeleted)
    assert {node.uuid for node in (*gone.below, gone.node)} == {node.uuid for node in nodes}
    assert (Node.objects.count(), Asset.objects.count()) == (1, 0)


def test_an_asset_shared_with_other_nodes_remains(api: Api) -> None:
    api.array("x", np.ones(3))
    api.array("y", np.ones(3))
    asset = Asset.objects.get(data_sources__node__path="x")
    other = DataSource.objects.get(node__path="y")
    DataSourceAsset.objects.create(data_source=other, asset=asset, parameter="too")
    delete_node(path="x", external_only=False)
    assert list(Asset.objects.filter(pk=asset.pk)) == [asset]
    assert Asset.objects.count() == 2
