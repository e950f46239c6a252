"""The documents of a run, from what its writer has left in the catalog."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import orjson
import pyarrow as pa
import pytest
import tifffile

from catalog.formats.bluesky.external_files import template_of
from catalog.storage.files import file_uri
from tiled_client.wire.buffers import ZIP, ragged_body
from tiled_client.wire.dtypes import dtype_from_numpy
from tiled_client.wire.ragged import RaggedStructure

from ..api.test_embedded_nodes import folder
from ..conftest import ARROW, Api, detail, ipc
from .test_arrays import content

__all__ = ["folder"]

KEYS = {
    "x": {"dtype": "number", "shape": [], "object_name": "motor"},
    "wave": {"dtype": "array", "shape": [3], "object_name": "det"},
    "rag": {"dtype": "array", "shape": [None], "object_name": "det"},
    "img": {"dtype": "array", "shape": [1, 2, 2], "external": "STREAM:"},
}
EVENTS = pa.table(
    {
        "seq_num": [1, 2, 2, 3],  # the second was sent twice
        "time": [10.0, 11.0, 11.0, 12.0],
        "x": [0.5, 9.9, 1.5, None],
        "ts_x": [9.9, 10.9, 10.9, 11.9],
        "ts_wave": [9.8, 10.8, 10.8, 11.8],
    }
)


def container(
    api: Api, path: str, metadata: dict[str, Any], *specs: tuple[str, str | None]
) -> None:
    parent, _, key = path.rpartition("/")
    body = {
        "id": key,
        "structure_family": "container",
        "metadata": metadata,
        "specs": [{"name": name, "version": version} for name, version in specs],
    }
    assert api.send("POST", f"/metadata/{parent}", body).status_code == 200


def register_images(api: Api, folder: Path) -> None:
    assets = []
    for number in range(3):
        path = folder / f"run%_{number + 4:03}.tif"
        tifffile.imwrite(path, np.zeros((2, 2), "u1"))
        assets.append({"data_uri": file_uri(path), "is_directory": False, "num": number})
    source = {
        "structure_family": "array",
        "structure": {
            "data_type": dtype_from_numpy(np.dtype("u1")).to_json(),
            "shape": [3, 2, 2],
            "chunks": [[1, 1, 1], [2], [2]],
        },
        "mimetype": "multipart/related;type=image/tiff",
        "management": "external",
        "assets": [{**asset, "parameter": "data_uris"} for asset in assets],
    }
    body = {"id": "img", "structure_family": "array", "data_sources": [source]}
    response = api.send("POST", "/register/run/primary", body)
    assert response.status_code == 200, response.content


def write_ragged(api: Api) -> None:
    described = {
        "shape": [4, None],
        "chunks": [[4], None],
        "size": 6,
        "data_type": dtype_from_numpy(np.dtype("<f8")).to_json(),
    }
    structure = RaggedStructure.from_json(described)
    assert api.create("run/primary/rag", "ragged", structure).status_code == 200
    body = ragged_body(ak.Array([[1.0], [], [2.0, 3.0], [4.0]]))
    assert api.send("PUT", "/ragged/full/run/primary/rag", body, ZIP).status_code == 200


@pytest.fixture
def run(api: Api, folder: Path) -> Api:
    start, stop = {"uid": "u", "time": 9.0}, {"uid": "s", "time": 13.0, "run_start": "u"}
    container(api, "run", {"start": start, "stop": stop}, ("BlueskyRun", "3.0"))
    descriptor = {
        "uid": "d1",
        "time": 9.5,
        "data_keys": KEYS,
        "configuration": {"det": {"data": {"gain": 1}, "timestamps": {"gain": 0}, "data_keys": {}}},
        "_config_updates": [
            {
                "uid": "d2",
                "time": 11.5,
                "configuration": {"det": {"data": {"gain": 2}, "timestamps": {"gain": 11}}},
            }
        ],
    }
    container(api, "run/primary", descriptor, ("BlueskyEventStream", "3.0"), ("composite", None))
    api.table("run/primary/internal", EVENTS)
    response = api.send("PUT", "/table/full/run/primary/internal", ipc(EVENTS), ARROW)
    assert response.status_code == 200
    api.array("run/primary/wave", np.arange(12.0).reshape(4, 3))
    write_ragged(api)
    register_images(api, folder)
    return api


def documents(api: Api) -> list[tuple[str, dict[str, Any]]]:
    body = content(api, "/container/full/run?format=application/json-seq")
    records = body.split(b"\x1e")[1:]
    assert all(record.endswith(b"\n") for record in records)
    parsed = [orjson.loads(record) for record in records]
    return [(record["name"], record["doc"]) for record in parsed]


def test_documents_come_in_order_from_start_to_stop(run: Api) -> None:
    found = documents(run)
    assert [name for name, _ in found] == [
        *("start", "descriptor", "event", "event", "descriptor", "event"),
        *("stream_resource", "stream_datum", "stop"),
    ]
    assert (found[0][1]["uid"], found[-1][1]["uid"]) == ("u", "s")


def test_a_descriptor_is_what_it_was_with_its_changes(run: Api) -> None:
    first, second = (doc for name, doc in documents(run) if name == "descriptor")
    assert (first["name"], first["run_start"]) == ("primary", "u")
    keys = {name: set(keys) for name, keys in first["object_keys"].items()}
    # PostgreSQL keeps no order of the names in an object.
    assert keys == {"motor": {"x"}, "det": {"wave", "rag"}}
    assert "_config_updates" not in first
    gains = [doc["configuration"]["det"]["data"]["gain"] for doc in (first, second)]
    assert ([doc["uid"] for doc in (first, second)], gains) == (["d1", "d2"], [1, 2])


def test_events_have_the_values_of_tables_and_arrays(run: Api) -> None:
    first, second, third = (doc for name, doc in documents(run) if name == "event")
    assert first == {
        "seq_num": 1,
        "time": 10.0,
        "uid": "event-d1-1",
        "descriptor": "d1",
        "data": {"x": 0.5, "wave": [0.0, 1.0, 2.0], "rag": [1.0]},
        "timestamps": {"x": 9.9, "wave": 9.8, "rag": 10.0},
    }
    assert (second["data"]["x"], second["data"]["rag"]) == (1.5, [2.0, 3.0])
    assert (third["descriptor"], third["data"]["x"]) == ("d2", None)


def test_files_become_a_resource_with_a_template(run: Api, folder: Path) -> None:
    (resource,) = (doc for name, doc in documents(run) if name == "stream_resource")
    (datum,) = (doc for name, doc in documents(run) if name == "stream_datum")
    assert resource["uri"] == f"{file_uri(folder)}/"
    assert resource["parameters"]["template"] % 5 == "run%25_005.tif"
    assert resource["parameters"]["join_method"] == "concat"
    assert datum["stream_resource"] == resource["uid"]
    assert datum["indices"] == {"start": 4, "stop": 7}


def test_other_runs_have_no_documents(api: Api) -> None:
    container(api, "old", {}, ("BlueskyRun", "2.0"))
    response = api.get("/container/full/old?format=application/json-seq")
    assert (response.status_code, "version 3" in detail(response)) == (406, True)
    container(api, "bare", {}, ("BlueskyRun", "3.0"))
    records = content(api, "/container/full/bare?format=json-seq")
    assert records == b'\x1e{"name":"start","doc":{}}\n\x1e{"name":"stop","doc":{}}\n'


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["a_01.tif", "a_02.tif"], ("file:///d/", "a_%02d.tif", 1)),
        (["s7_0.tif", "s7_1.tif"], ("file:///d/", "s7_%01d.tif", 0)),
        (["a_9.tif", "a_10.tif"], ("file:///d/", "a_%01d.tif", 9)),
        (["a_1.tif", "a_3.tif"], None),
        (["a.tif", "b.tif"], None),
    ],
)
def test_a_template_makes_the_very_names(names: list[str], found: Any) -> None:
    assert template_of([f"file:///d/{name}" for name in names]) == found


@pytest.mark.parametrize(
    ("run", "stream"),
    [
        ({"start": 1}, {}),
        ({"start": {"uid": [], "time": "x"}}, {"data_keys": 5}),
        ({}, {"data_keys": {"x": 7}}),
        ({}, {"data_keys": {"x": {"object_name": [1]}}}),
        ({}, {"_config_updates": [{"configuration": [1]}], "time": {}}),
        ({}, {"_config_updates": [{"time": "x"}], "time": 1.0}),
    ],
)
@pytest.mark.django_db
def test_what_is_only_called_a_run_has_no_documents(
    api: Api, run: dict[str, Any], stream: dict[str, Any]
) -> None:
    container(api, "run", run, ("BlueskyRun", "3.0"))
    container(api, "run/primary", stream, ("BlueskyEventStream", "3.0"))
    api.table("run/primary/internal", EVENTS)
    api.send("PUT", "/table/full/run/primary/internal", ipc(EVENTS), ARROW)
    response = api.get("/container/full/run?format=json-seq")
    assert (response.status_code, "are not those of a BlueskyRun" in detail(response)) == (
        406,
        True,
    )
