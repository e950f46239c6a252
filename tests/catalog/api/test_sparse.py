"""Sparse arrays over HTTP: what is written is what is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog import events
from catalog.models import Node
from catalog.services.stores.folder.paths import node_folder
from tests.buckets import in_folder
from tests.catalog.storage.strategies import chunkings, selections
from tiled_client.wire.dtypes import dtype_from_numpy
from tiled_client.wire.slices import format_slice
from tiled_client.wire.sparse import Coo, SparseStructure

from ..conftest import ARROW, OCTETS, Api, detail, ipc


def structure_of(
    shape: tuple[int, ...], chunks: tuple[tuple[int, ...], ...] | None = None, dtype: str = "<f8"
) -> SparseStructure:
    chunks = tuple((size,) for size in shape) if chunks is None else chunks
    return SparseStructure(dtype_from_numpy(np.dtype(dtype)), shape, chunks)


def body_of(array: np.ndarray[Any, Any]) -> bytes:
    """The elements of a dense array that are not zero."""
    coords = np.argwhere(array).T.astype(np.int64)
    return ipc(Coo(coords, array[array != 0], array.shape).to_arrow())


def put(api: Api, address: str, body: bytes, media_type: str = ARROW) -> Any:
    return api.send("PUT", address, body, media_type)


def dense(api: Api, address: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    part = Coo.from_arrow(api.rows(address), shape)
    result = np.zeros(shape, part.data.dtype)
    # A 0-d array has one place, and no coordinates.
    places = tuple(part.coords) or (np.zeros(len(part.data), int),)
    np.add.at(result if result.ndim else result.reshape(1), places, part.data)
    return result


@pytest.mark.parametrize("dtype", ["?", "<i2", ">i4", "<u8", "<f2", "<f4", ">f8"])
def test_elements_of_any_number_type_are_read_back(api: Api, dtype: str) -> None:
    array = np.array([[0, 1, 0], [2, 0, 0]]).astype(dtype)
    assert api.create("s", "sparse", structure_of((2, 3), dtype=dtype)).status_code == 200
    assert put(api, "/array/full/s", body_of(array)).status_code == 200
    assert dense(api, "/array/full/s", (2, 3)).tolist() == array.tolist()


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_any_slice_of_any_chunks_equals_numpys(api: Api, data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 7), max_size=3)))
    chunks = tuple(data.draw(chunkings(size)) for size in shape)
    array = np.random.default_rng(data.draw(st.integers(0, 9))).integers(-1, 2, shape)
    key = f"s{Node.objects.count()}"
    made = api.create(key, "sparse", structure_of(shape, chunks, "<i8"))
    assert made.status_code == 200, made.content
    assert put(api, f"/array/full/{key}", body_of(array)).status_code == 200
    items = data.draw(selections(shape))
    expected = array[items]
    found = dense(api, f"/array/full/{key}?slice={format_slice(items)}", expected.shape)
    np.testing.assert_array_equal(found, expected)


def test_blocks_have_coordinates_of_their_own_and_can_be_replaced(api: Api) -> None:
    api.create("s", "sparse", structure_of((4, 3), ((2, 2), (3,))))
    assert put(api, "/array/full/s", body_of(np.eye(4, 3))).status_code == 200
    block = np.array([[0, 0, 5], [0, 6, 0]], float)
    assert put(api, "/array/block/s?block=1,0", body_of(block)).status_code == 200
    expected = np.vstack([np.eye(4, 3)[:2], block])
    np.testing.assert_array_equal(dense(api, "/array/full/s", (4, 3)), expected)
    found = dense(api, "/array/block/s?block=1,0&slice=1,1:", (2,))
    assert found.tolist() == [6, 0]
    assert put(api, "/array/block/s?block=1,0", body_of(np.zeros((2, 3)))).status_code == 200
    assert dense(api, "/array/full/s", (4, 3))[2:].sum() == 0


@in_folder
def test_a_block_is_a_parquet_file_that_anything_reads(api: Api) -> None:
    api.create("s", "sparse", structure_of((2, 2)))
    put(api, "/array/full/s", body_of(np.array([[0.0, 7.0], [0, 0]])))
    (source,) = api.json("/metadata/s?include_data_sources=true")["data"]["attributes"][
        "data_sources"
    ]
    assert source["mimetype"] == "application/x-parquet;structure=sparse"
    (asset,) = source["assets"]
    path = Path(asset["data_uri"].removeprefix("file://localhost"))
    assert pyarrow.parquet.read_table(path).to_pydict() == {"dim0": [0], "dim1": [1], "data": [7]}
    put(api, "/array/full/s", body_of(np.array([[1.0, 0.0], [0, 0]])))
    assert len(list(path.parent.iterdir())) == 1, "the file that was replaced is gone"


def test_subscribers_get_the_declared_type_whatever_was_sent(
    api: Api, announced: list[events.Event]
) -> None:
    api.create("s", "sparse", structure_of((3,)))
    table = pa.table({"dim0": pa.array([1]).dictionary_encode(), "data": pa.array([7], "i2")})
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    for body in (ipc(table), stream.getvalue().to_pybytes()):
        assert put(api, "/array/full/s", body).status_code == 200
        (*_, event) = announced
        assert isinstance(event, events.ArrayWritten)
        assert (
            pa.ipc.open_file(event.payload)
            .read_all()
            .equals(pa.table({"dim0": [1], "data": [7.0]}))
        )


def test_formats(api: Api) -> None:
    api.create("s", "sparse", structure_of((2, 2)))
    put(api, "/array/full/s", body_of(np.array([[0, 7.5], [0, 0]])))
    said = {"dim0": [0], "dim1": [1], "data": [7.5]}
    assert api.json("/array/full/s?format=json") == said
    assert api.get("/array/full/s?format=csv").content == b'"dim0","dim1","data"\n0,1,7.5\n'
    parquet = api.get("/array/full/s?format=parquet").content
    assert pyarrow.parquet.read_table(pa.py_buffer(parquet)).to_pydict() == said
    assert api.get("/array/full/s?format=png").status_code == 406


def test_the_index_that_pandas_adds_is_ignored(api: Api) -> None:
    api.create("s", "sparse", structure_of((3,)))
    frame = pd.DataFrame({"dim0": [2], "data": [1.5]}, index=[9])
    assert put(api, "/array/full/s", ipc(pa.Table.from_pandas(frame))).status_code == 200
    assert api.json("/array/full/s?format=json") == {"dim0": [2], "data": [1.5]}


BAD = {
    "not Arrow": (b"PAR1", 422, "not a complete Arrow"),
    "no coordinates": (ipc(pa.table({"data": [1.0]})), 422, "'dim0' is missing"),
    "beyond": (ipc(pa.table({"dim0": [0, 3], "data": [1.0, 2.0]})), 422, "3 of 'dim0'"),
    "negative": (ipc(pa.table({"dim0": [-1], "data": [1.0]})), 422, "-1 of 'dim0'"),
    "texts": (ipc(pa.table({"dim0": [0], "data": ["a"]})), 422, "'data' is declared as"),
    "fractions": (ipc(pa.table({"dim0": [0.5], "data": [1.0]})), 422, "'dim0' is declared"),
    "gaps": (ipc(pa.table({"dim0": [0], "data": pa.array([None], "f8")})), 422, "nulls"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_body_is_refused_and_leaves_nothing(
    api: Api, announced: list[events.Event], case: str
) -> None:
    api.create("s", "sparse", structure_of((3,)))
    announced.clear()
    body, status, sentence = BAD[case]
    response = put(api, "/array/full/s", body)
    assert response.status_code == status
    assert sentence in detail(response)
    assert api.json("/array/full/s?format=json") == {"dim0": [], "data": []}
    assert announced == []
    node = Node.objects.get(path="s")
    assert not node_folder(node.uuid).exists()


def test_each_family_of_arrays_names_the_media_type_that_it_accepts(api: Api) -> None:
    api.create("s", "sparse", structure_of((3,)))
    api.array("a", np.zeros(3))
    response = put(api, "/array/full/s", bytes(24), OCTETS)
    assert (response.status_code, ARROW in detail(response)) == (415, True)
    response = put(api, "/array/block/a?block=0", body_of(np.zeros(3)))
    assert (response.status_code, OCTETS in detail(response)) == (415, True)
    assert put(api, "/array/full/missing", body_of(np.zeros(3))).status_code == 404
    assert api.send("PATCH", "/array/full/s?offset=0&shape=1", bytes(8), OCTETS).status_code == 404
    assert put(api, "/array/block/s?block=1", body_of(np.zeros(3))).status_code == 422
    assert put(api, "/array/block/s", body_of(np.zeros(3))).status_code == 422
    assert api.get("/array/full/s?slice=5").status_code == 422
    assert api.get("/array/full/s?expected_shape=4").status_code == 422


@pytest.mark.parametrize("dtype", ["<c16", "S3", "<M8[s]", "<f16"])
def test_dtypes_without_zero_or_representation_are_rejected_at_creation(
    api: Api, dtype: str
) -> None:
    response = api.create("s", "sparse", structure_of((3,), dtype=dtype))
    assert response.status_code == 422
    assert "booleans, integers or floats" in detail(response)
    assert api.get("/metadata/s").status_code == 404


def test_writes_are_announced_and_unpersisted_data_are_not_stored(
    api: Api, announced: list[events.Event]
) -> None:
    api.create("s", "sparse", structure_of((4,), ((2, 2),)))
    announced.clear()
    body = body_of(np.array([0.0, 3.0]))
    put(api, "/array/block/s?block=1&persist=false", body)
    assert orjson.loads(api.get("/array/full/s?format=json").content)["data"] == []
    put(api, "/array/block/s?block=1", body)
    told = [(e.shape, e.block, e.persisted, e.payload == body) for e in announced]  # type: ignore[attr-defined]
    assert told == [((2,), (1,), False, True), ((2,), (1,), True, True)]
