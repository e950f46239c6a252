"""References to new rows of an external table. Real servers."""

from __future__ import annotations

import io
import uuid
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import requests

from tests.servers import RunningServer
from tiled_client.wire.structures import TableStructure

from ..websocket_client import ARROW, KEY, Site

SCHEMA = pa.schema({"time": pa.float64(), "count": pa.int64()})


@pytest.fixture(params=["server", "runserver"])
def site(request: pytest.FixtureRequest) -> Site:
    server: RunningServer = request.getfixturevalue(request.param)
    return Site(server)


@pytest.fixture
def source(site: Site, readable: Path) -> dict[str, Any]:
    """Register a table of two files; return its data source, with its `path` in the catalog."""
    key = f"t{uuid.uuid4().hex}"
    paths = [readable / f"{key}-{number}.csv" for number in range(2)]
    for number, path in enumerate(paths):
        path.write_text(f"time,count\n{number}.5,{number}\n")
    structure = TableStructure.from_schema(SCHEMA, npartitions=2).to_json()
    described = {
        "structure_family": "table",
        "structure": structure,
        "mimetype": "text/csv",
        "management": "external",
        "assets": [
            {"data_uri": f"file://localhost{path}", "is_directory": False, "num": number}
            for number, path in enumerate(paths)
        ],
    }
    body = {"id": key, "structure_family": "table", "data_sources": [described]}
    (made,) = site.done("POST", "/register/", json=body)["data_sources"]
    with paths[1].open("a") as file:
        file.write("2.5,2\n3.5,3\n")
    return {**made, "path": key}


def announce(site: Site, source: dict[str, Any], query: str) -> None:
    body = {"data_source": {key: value for key, value in source.items() if key != "path"}}
    site.done("PUT", f"/data_source/{source['path']}?{query}", json=body)


def fetched(uri: str) -> dict[str, list[Any]]:
    headers = {"Authorization": f"Apikey {KEY}", "Accept": ARROW}
    answer = requests.get(uri, headers=headers, timeout=10)
    assert answer.status_code == 200, answer.text
    rows: dict[str, list[Any]] = pa.ipc.open_file(io.BytesIO(answer.content)).read_all().to_pydict()
    return rows


@pytest.mark.parametrize("envelope", ["json", "msgpack"])
def test_a_reference_selects_exactly_the_new_rows(
    site: Site, source: dict[str, Any], envelope: str
) -> None:
    path = source["path"]
    with site.socket(f"/{path}?envelope_format={envelope}&features=table-ref") as socket:
        socket.next()
        announce(site, source, "patch_offset=1&patch_shape=2&partition=1")
        announce(site, source, "patch_offset=2&patch_shape=1")
        announce(site, source, "partition=0")
        inner, outer, all_of_one = socket.next(), socket.next(), socket.next()
    assert [inner["type"], inner["partition"], inner["append"], inner["rows"]] == [
        "table-ref",
        1,
        True,
        {"offset": 1, "count": 2},
    ]
    assert all(asset["parameter"] for asset in inner["data_source"]["assets"])
    assert fetched(inner["uri"]) == {"time": [2.5, 3.5], "count": [2, 3]}
    assert (outer["partition"], outer["rows"]) == (None, {"offset": 2, "count": 1})
    assert fetched(outer["uri"]) == {"time": [2.5], "count": [2]}
    assert (all_of_one["append"], all_of_one["rows"]) == (False, None)
    assert fetched(all_of_one["uri"]) == {"time": [0.5], "count": [0]}


def test_without_the_feature_no_references_to_rows_are_sent(
    site: Site, source: dict[str, Any]
) -> None:
    path = source["path"]
    rows = pa.table({"time": [9.5], "count": [9]}, SCHEMA)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, SCHEMA) as writer:
        writer.write_table(rows)
    with site.socket(f"/{path}?envelope_format=json") as socket:
        socket.next()
        announce(site, source, "patch_offset=2&patch_shape=1")
        headers = {"Content-Type": ARROW}
        body = sink.getvalue().to_pybytes()
        site.done("PUT", f"/table/full/{path}?persist=false", data=body, headers=headers)
        update = socket.next()
    assert (update["type"], update["sequence"], update["persisted"]) == ("table-data", 2, False)
    assert update["payload"] == {"time": [9.5], "count": [9]}
