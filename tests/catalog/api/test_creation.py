"""Nodes that are asked for in strange ways: made as said, or refused and nothing left."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest

from catalog import events
from catalog.models import Asset, DataSource, Node
from tiled_client.wire.structures import ArrayStructure, TableStructure

from ..conftest import ARROW, Api, detail, ipc
from .test_nodes import ONES, stored_files

TABLE = TableStructure.from_schema(pa.schema([("n", pa.int64())]))
SOURCE = {"structure_family": "array", "structure": ONES.to_json()}
ELSEWHERE = {"data_uri": "file://localhost/etc/passwd", "is_directory": False}
TIFF = {**SOURCE, "mimetype": "image/tiff", "assets": [ELSEWHERE]}


@pytest.mark.parametrize(
    "mimetype",
    [
        None,
        "application/x-tiled-sql-table",
        "text/csv",
        "application/vnd.apache.arrow.file",
        "application/x-parquet",
    ],
)
def test_a_table_of_any_media_type_can_be_appended_to_and_reports_the_requested_one(
    api: Api, mimetype: str | None
) -> None:
    parameters = {"table_name": "a_1"}
    response = api.create("t", "table", TABLE, mimetype=mimetype, parameters=parameters)
    (source,) = orjson.loads(response.content)["data_sources"]
    assert source["mimetype"] == (mimetype or "application/vnd.apache.arrow.stream")
    for _ in range(2):
        body = ipc(pa.table({"n": [1]}))
        assert api.send("PATCH", "/table/partition/t?partition=0", body, ARROW).status_code == 200
    assert api.rows("/table/full/t").num_rows == 2


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("bad name;", 'Malformed SQL identifier "bad name;"'),
        ("", 'Malformed SQL identifier ""'),
        ("Upper", "Malformed"),
        ("select", "Reserved"),
        ("x" * 64, "at most 63 bytes"),
        (5, "must be a string"),
    ],
)
def test_a_table_with_a_name_that_none_can_have_is_refused_and_leaves_nothing(
    api: Api, name: Any, says: str
) -> None:
    files = stored_files()
    response = api.create("t", "table", TABLE, parameters={"table_name": name})
    assert (response.status_code, says in detail(response)) == (422, True)
    assert (Node.objects.count(), stored_files()) == (1, files)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["2theta"], "Malformed"),
        (['a"b'], "forbidden"),
        (["a;b"], "forbidden"),
        (["a--b"], "forbidden"),
        (["ä" * 32], "63 bytes"),
        (["A", "a"], "lower case"),
    ],
)
def test_columns_that_an_sql_table_cannot_have_are_rejected_for_sql_tables(
    api: Api, names: list[str], says: str
) -> None:
    table = TableStructure.from_schema(pa.schema([(name, pa.int64()) for name in names]))
    files = stored_files()
    response = api.create("t", "table", table, mimetype="application/x-tiled-sql-table")
    assert (response.status_code, says in detail(response)) == (422, True)
    assert stored_files() == files
    assert api.create("t", "table", table).status_code == 200


@pytest.mark.parametrize(
    ("endpoint", "body", "status"),
    [
        ("metadata", {"data_sources": [SOURCE, SOURCE]}, 422),
        ("metadata", {"data_sources": []}, 422),
        ("metadata", {"data_sources": None}, 422),
        ("metadata", {"data_sources": {}}, 422),
        ("metadata", {"data_sources": [None]}, 422),
        ("metadata", {"data_sources": [{**SOURCE, "extra": 1}]}, 422),
        ("metadata", {"data_sources": [{**SOURCE, "structure": None}]}, 422),
        ("metadata", {"data_sources": [{**SOURCE, "structure": {}}]}, 422),
        ("metadata", {"data_sources": [{**SOURCE, "management": "mine"}]}, 422),
        ("metadata", {"data_sources": [{**SOURCE, "assets": [ELSEWHERE]}]}, 422),
        ("metadata", {"data_sources": [{**SOURCE, "mimetype": "application/x-none"}]}, 415),
        ("metadata", {"data_sources": [{**SOURCE, "structure_family": "table"}]}, 422),
        ("metadata", {"structure_family": "bytes", "data_sources": [SOURCE]}, 422),
        ("metadata", {"structure_family": None}, 422),
        ("metadata", {"structure_family": ["array"]}, 422),
        ("metadata", {"id": 5, "data_sources": [SOURCE]}, 422),
        ("metadata", {"specs": ["s"] * 21, "data_sources": [SOURCE]}, 422),
        ("metadata", {"specs": ["s", "s"], "data_sources": [SOURCE]}, 422),
        ("metadata", {"specs": [{"name": "s" * 256}], "data_sources": [SOURCE]}, 422),
        ("register", {"data_sources": [SOURCE]}, 415),
        ("register", {"data_sources": [TIFF]}, 403),
        ("register", {"data_sources": [{**TIFF, "assets": []}]}, 422),
        ("register", {"data_sources": [{**TIFF, "mimetype": "image/none"}]}, 415),
        ("register", {"data_sources": [{**TIFF, "assets": [{**ELSEWHERE, "num": -1}]}]}, 422),
        ("register", {"data_sources": [{**TIFF, "assets": [{"data_uri": "x"}]}]}, 422),
        ("register", {"data_sources": [TIFF, TIFF]}, 422),
    ],
)
def test_an_invalid_node_is_rejected_and_leaves_nothing(
    api: Api,
    announced: list[events.Event],
    endpoint: str,
    body: dict[str, Any],
    status: int,
) -> None:
    files = stored_files()
    response = api.send("POST", f"/{endpoint}/", {"id": "x", "structure_family": "array", **body})
    assert response.status_code == status, response.content
    assert detail(response).strip()
    rows = [model.objects.count() for model in (Node, DataSource, Asset)]  # type: ignore[attr-defined]
    assert (rows, stored_files(), announced) == ([1, 0, 0], files, [])


def test_a_second_creation_is_rejected_and_the_node_is_returned_as_created(api: Api) -> None:
    """So a client that lost the first response can recognize its own node."""
    metadata = {"b": [1, 2.5, None, "é"], "a": {"deep": True}}
    specs = [{"name": "s", "version": "1"}, {"name": "r", "version": None}]
    body = {
        "id": "x",
        "structure_family": "array",
        "metadata": metadata,
        "specs": specs,
        "data_sources": [{**SOURCE, "structure": ArrayStructure.from_array(np.ones(2)).to_json()}],
    }
    assert api.send("POST", "/metadata/", body).status_code == 200
    again = api.send("POST", "/metadata/", body)
    assert (again.status_code, detail(again)) == (409, "/x")
    found = api.json("/metadata//x")["data"]["attributes"]
    assert (found["metadata"], found["specs"]) == (metadata, specs)
    assert found["structure_family"] == "array"
