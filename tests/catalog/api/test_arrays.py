"""Arrays over HTTP: what is written is what is read."""

from __future__ import annotations

import re

import numpy as np
import orjson
import pyarrow as pa
import pytest

from catalog import events
from catalog.models import Node
from catalog.services.stores.folder.paths import node_folder
from tests.buckets import in_folder
from tiled_client.wire.structures import ArrayStructure

from ..conftest import ARROW, OCTETS, Api, detail, ipc, octets

DTYPES = ["<i8", ">i4", "?", "<f2", ">f8", "<c16", "S3", "<U2", "<M8[25s]", "<m8[ns]", "V5"]
STRUCT = np.dtype([("n", "<i4"), ("z", ">f8", (2,)), ("q", [("s", "S2")])])


@pytest.mark.parametrize("dtype", [*map(np.dtype, DTYPES), STRUCT], ids=str)
def test_an_array_of_any_dtype_is_read_back_to_the_byte(api: Api, dtype: np.dtype) -> None:
    array = np.frombuffer(octets(dtype, 12), dtype).reshape(3, 4)
    api.array("a", array)
    assert api.get("/array/full/a", accept=OCTETS).content == array.tobytes()
    structure = api.json("/metadata/a")["data"]["attributes"]["structure"]
    assert ArrayStructure.from_json(structure).dtype == dtype


def test_an_array_that_was_never_written_reads_as_zeros(api: Api) -> None:
    assert api.create("a", "array", ArrayStructure.from_array(np.ones((2, 3)))).status_code == 200
    assert api.read("/array/full/a").tolist() == [0.0] * 6


def test_a_slice_equals_numpys(api: Api) -> None:
    array = np.arange(60.0).reshape(3, 4, 5)
    api.array("a", array)
    assert (
        api.read("/array/full/a?slice=1:3,2,::-2").tolist() == array[1:3, 2, ::-2].ravel().tolist()
    )
    assert api.read("/array/full/a?slice=-1").tolist() == array[-1].ravel().tolist()


def test_blocks_are_the_chunks_of_the_structure(api: Api) -> None:
    structure = ArrayStructure.from_json(
        {
            "shape": [3, 4],
            "chunks": [[2, 1], [3, 1]],
            "data_type": {"endianness": "little", "kind": "i", "itemsize": 4},
        }
    )
    api.create("a", "array", structure)
    block = np.array([[7], [8]], "<i4")
    response = api.send("PUT", "/array/block//a?block=0,1", block.tobytes(), OCTETS)
    assert response.status_code == 200
    assert api.read("/array/block/a?block=0,1&expected_shape=2,1", "<i4").tolist() == [7, 8]
    assert api.read("/array/full/a?slice=:,3", "<i4").tolist() == [7, 8, 0]


def test_a_patch_beyond_the_end_extends_the_array_and_fills_the_gap_with_zeros(api: Api) -> None:
    api.array("a", np.array([1, 2, 3]))
    body = np.array([9]).tobytes()
    response = api.send("PATCH", "/array/full/a?offset=5&shape=1&extend=True", body, OCTETS)
    assert orjson.loads(response.content)["shape"] == [6]
    assert orjson.loads(response.content)["chunks"] == [[3, 3]]
    assert api.read("/array/full/a", int).tolist() == [1, 2, 3, 0, 0, 9]


def test_unpersisted_data_are_announced_and_not_stored(
    api: Api, announced: list[events.Event]
) -> None:
    api.array("a", np.array([1, 2, 3]))
    announced.clear()
    body = np.array([7, 8, 9]).tobytes()
    for address in (
        "PUT /array/full/a?persist=False",
        "PUT /array/block/a?block=0&persist=False",
        "PATCH /array/full/a?offset=0&shape=3&persist=False",
    ):
        method, target = address.split()
        assert api.send(method, target, body, OCTETS).status_code == 200
    assert [(e.offset, e.block, e.payload, e.persisted) for e in announced] == [  # type: ignore[attr-defined]
        (None, None, body, False),
        (None, (0,), body, False),
        ((0,), None, body, False),
    ]
    assert api.read("/array/full/a", int).tolist() == [1, 2, 3]


def test_an_array_that_grows_without_being_persisted_keeps_its_stored_shape(
    api: Api, announced: list[events.Event]
) -> None:
    api.array("a", np.array([1, 2, 3]))
    announced.clear()
    body = np.array([4, 5]).tobytes()
    grown = "/array/full/a?offset=3&shape=2&extend=true"
    for _ in range(2):
        response = api.send("PATCH", f"{grown}&persist=false", body, OCTETS)
        assert orjson.loads(response.content)["shape"] == [3]
    assert [(e.offset, e.shape, e.persisted) for e in announced] == [((3,), (2,), False)] * 2  # type: ignore[attr-defined]
    assert api.read("/array/full/a", int).tolist() == [1, 2, 3]
    # What comes later is judged by what is stored.
    assert api.send("PATCH", "/array/full/a?offset=5&shape=1", bytes(8), OCTETS).status_code == 409
    response = api.send("PATCH", grown, body, OCTETS)
    assert orjson.loads(response.content)["shape"] == [5]
    assert api.read("/array/full/a", int).tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("method", "address", "length", "status", "says"),
    [
        ("PUT", "/array/full/a", 23, 422, "24 bytes.*23 bytes"),
        ("PUT", "/array/full/a?persist=false", 25, 422, "24 bytes.*25 bytes"),
        ("PUT", "/array/full/a?persist=perhaps", 24, 422, "true or false"),
        ("PUT", "/array/block/a?block=1", 24, 422, "out of range"),
        ("PUT", "/array/block/a?block=0,0", 24, 422, "2 indices"),
        ("PUT", "/array/block/a?block=x", 24, 422, "integers"),
        ("PUT", "/array/block/a", 24, 422, "block is missing"),
        ("PATCH", "/array/full/a?offset=2&shape=2", 16, 409, "Use \\?extend=true to extend"),
        ("PATCH", "/array/full/a?offset=2&shape=2&extend=true", 8, 422, "16 bytes"),
        ("PATCH", "/array/full/a?offset=3&shape=1&persist=false", 8, 409, "extend=true"),
        ("PATCH", "/array/full/a?offset=3&shape=2&extend=true&persist=false", 8, 422, "16 bytes"),
        ("PATCH", "/array/full/a?offset=0,0&shape=1,1", 8, 422, "1 dimensions"),
        ("PATCH", "/array/full/a?offset=-1&shape=1", 8, 422, "non-negative"),
        ("PATCH", "/array/full/a?offset=1", 8, 422, "shape is missing"),
        ("PUT", "/array/full/none", 24, 404, "No such entry: \\['none'\\]"),
        ("PUT", "/array/full/", 24, 404, "structure family container"),
        ("GET", "/array/full/a?slice=3", 0, 422, "out of range"),
        ("GET", "/array/full/a?slice=0,0", 0, 422, "2 parts"),
        ("GET", "/array/full/a?slice=::0", 0, 422, "zero"),
        ("GET", "/array/full/a?slice=,", 0, 422, "Invalid slice part"),
        ("GET", "/array/full/a?expected_shape=4", 0, 422, "expected_shape"),
        ("GET", "/array/block/a?block=0&expected_shape=4", 0, 422, "expected_shape"),
        ("GET", "/array/full/a?format=image/none", 0, 406, "Supported"),
    ],
)
def test_a_rejected_request_has_a_reason_and_no_effect(
    api: Api,
    announced: list[events.Event],
    method: str,
    address: str,
    length: int,
    status: int,
    says: str,
) -> None:
    api.array("a", np.array([1, 2, 3]))
    announced.clear()
    response = api.send(method, address, bytes(length), OCTETS)
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json"
    assert re.search(says, detail(response))
    assert announced == []
    assert api.read("/array/full/a?expected_shape=3", int).tolist() == [1, 2, 3]


def test_a_body_of_another_media_type_is_refused(api: Api) -> None:
    api.array("a", np.array([1, 2, 3]))
    response = api.send("PUT", "/array/full/a", bytes(24), "text/plain")
    assert (response.status_code, "application/octet-stream" in detail(response)) == (415, True)


def test_a_known_array_is_not_sent_again(api: Api) -> None:
    api.array("a", np.array([1, 2, 3]))
    first = api.get("/array/full/a")
    again = api.send("GET", "/array/full/a", **{"if-none-match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_single_string_has_the_width_of_the_dtype(api: Api) -> None:
    api.array("x", np.array(["a", "long"]))
    api.table("t", rows := pa.table({"s": ["a", "long"]}))
    api.send("PUT", "/table/full/t", ipc(rows), ARROW)
    for address in (
        "array/full/x?slice=0",
        "array/block/x?block=0&slice=0",
        "array/full/t/s?slice=0",
    ):
        assert api.read(f"/{address}", "<U4") == ["a"]


def test_a_column_has_the_one_block_that_its_link_leads_to(api: Api) -> None:
    api.table("t", rows := pa.table({"n": [1, 2]}))
    api.send("PUT", "/table/full/t", ipc(rows), ARROW)
    assert api.read("/array/block/t/n?block=0&slice=1:", "i8").tolist() == [2]


def test_a_write_is_carried_out_whatever_the_client_has_cached(api: Api) -> None:
    api.array("x", np.zeros(3))
    etag = api.send("PUT", "/array/full/x", np.ones(3).tobytes(), OCTETS).headers["ETag"]
    again = {"if-none-match": etag}
    response = api.send("PUT", "/array/full/x", np.ones(3).tobytes(), OCTETS, **again)
    assert (response.status_code, response.content) == (200, b"null")


@in_folder
def test_a_folder_in_place_of_a_chunk_is_reported(api: Api) -> None:
    api.array("x", np.zeros(3))
    (chunk,) = (
        path for path in node_folder(Node.objects.get(path="x").uuid).rglob("0") if path.is_file()
    )
    chunk.unlink()
    chunk.mkdir()
    body = np.ones(1).tobytes()
    for answer in (
        api.get("/array/full/x"),
        api.send("PATCH", "/array/full/x?offset=1&shape=1", body, OCTETS),
        api.send("PUT", "/array/full/x", np.ones(3).tobytes(), OCTETS),
    ):
        assert (answer.status_code, str(chunk) in detail(answer)) == (422, True)
