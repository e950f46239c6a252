"""Ragged arrays over HTTP: what is written is what is read."""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import orjson
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog import events
from catalog.models import Node
from catalog.services.stores.folder.paths import node_folder
from tests.buckets import in_folder
from tiled_client.wire.buffers import ZIP, ragged_array, ragged_body, zip_members
from tiled_client.wire.dtypes import dtype_from_numpy
from tiled_client.wire.ragged import RaggedStructure

from ..conftest import Api, detail

Rows = list[Any]
JSON = "application/json"


def structure_of(
    *shape: int | None, chunks: tuple[int, ...] | None = None, dtype: str = "<i8"
) -> RaggedStructure:
    rows = (shape[0] or 0,) if chunks is None else chunks
    others = [None if size is None else (size,) for size in shape[1:]]
    return RaggedStructure(dtype_from_numpy(np.dtype(dtype)), shape, 0, (rows, *others))


def body_of(rows: Rows, dtype: str = "<i8") -> bytes:
    return ragged_body(ak.values_astype(ak.Array(rows), np.dtype(dtype).newbyteorder("=")))


def send(
    api: Api, method: str, address: str, body: bytes, *, status: int = 200, media_type: str = ZIP
) -> Any:
    response = api.send(method, address, body, media_type)
    assert response.status_code == status, response.content
    return response


def append(api: Api, key: str, rows: Rows) -> Any:
    offset = structure(api, key)["shape"][0]
    query = f"offset={offset}&shape={len(rows)}&extend=true"
    return send(api, "PATCH", f"/ragged/full/{key}?{query}", body_of(rows)).json()


def structure(api: Api, key: str) -> Any:
    return api.json(f"/metadata/{key}")["data"]["attributes"]["structure"]


@pytest.mark.parametrize("dtype", ["?", "<i1", "<u8", ">i4", "<f4", "<f8"])
def test_rows_of_any_number_type_are_read_back(api: Api, dtype: str) -> None:
    rows = [[1, 0], [], [1]]
    api.create("r", "ragged", structure_of(3, None, dtype=dtype))
    send(api, "PUT", "/ragged/full/r", body_of(rows, dtype))
    assert api.json("/ragged/full/r") == rows
    found = ragged_array(api.get("/ragged/full/r", accept=ZIP).content)
    assert found.to_list() == rows
    assert found.layout.content.dtype == np.dtype(dtype).newbyteorder("=")
    assert structure(api, "r")["size"] == 3


SHAPES: list[tuple[tuple[int | None, ...], Rows]] = [
    ((3,), [1, 2, 3]),
    ((2, 2), [[1, 2], [3, 4]]),
    ((2, None, 2), [[[1, 2]], []]),
    ((2, 2, None), [[[1], []], [[], [2, 3]]]),
    ((2, None, None), [[[1], []], []]),
    ((2, None, None, 2), [[[[1, 2]], []], []]),
    ((0, None), []),
]


@pytest.mark.parametrize(("shape", "rows"), SHAPES, ids=str)
def test_any_dimension_may_vary_or_be_fixed(
    api: Api, shape: tuple[int | None, ...], rows: Rows
) -> None:
    api.create("r", "ragged", structure_of(*shape))
    send(api, "PUT", "/ragged/full/r", orjson.dumps(rows), media_type=JSON)
    assert api.json("/ragged/full/r") == rows
    if rows:
        send(api, "PUT", "/ragged/full/r", body_of(rows))
    assert api.json("/ragged/full/r") == rows


Lists = st.lists(st.lists(st.integers(-9, 9), max_size=4), min_size=1, max_size=5)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_any_writes_result_in_the_rows_of_a_list_of_lists(api: Api, data: st.DataObject) -> None:
    chunks = tuple(data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=3)))
    expected: Rows = [[] for _ in range(sum(chunks))]
    key = f"r{Node.objects.count()}"
    api.create(key, "ragged", structure_of(sum(chunks), None, chunks=chunks))
    for _ in range(data.draw(st.integers(1, 5))):
        known = structure(api, key)["chunks"][0]
        kind = data.draw(st.sampled_from(["append", "block", "patch"]))
        if kind == "append":
            rows = data.draw(Lists)
            append(api, key, rows)
            expected += rows
        elif kind == "block":
            number = data.draw(st.integers(0, len(known) - 1))
            rows = [
                data.draw(st.lists(st.integers(0, 9), max_size=3)) for _ in range(known[number])
            ]
            body = orjson.dumps(rows)
            send(api, "PUT", f"/ragged/block/{key}?block={number}", body, media_type=JSON)
            start = sum(known[:number])
            expected[start : start + len(rows)] = rows
        else:
            rows, start = data.draw(Lists), data.draw(st.integers(0, len(expected) + 3))
            query = f"offset={start}&shape={len(rows)}&extend=true"
            send(api, "PATCH", f"/ragged/full/{key}?{query}", body_of(rows))
            expected += [[] for _ in range(start + len(rows) - len(expected))]
            expected[start : start + len(rows)] = rows
        said = structure(api, key)
        assert api.json(f"/ragged/full/{key}") == expected
        assert (said["shape"], sum(said["chunks"][0])) == ([len(expected), None], len(expected))
        assert said["size"] == sum(map(len, expected))
    first = data.draw(st.slices(len(expected)))
    text = ":".join("" if n is None else str(n) for n in (first.start, first.stop, first.step))
    assert api.json(f"/ragged/full/{key}?slice={text}") == expected[first]
    text = f"{text},::-1"
    assert api.json(f"/ragged/full/{key}?slice={text}") == [row[::-1] for row in expected[first]]


@in_folder
def test_appended_rows_go_to_the_end_of_one_file(api: Api) -> None:
    api.create("r", "ragged", structure_of(1, None))
    send(api, "PUT", "/ragged/full/r", body_of([[1, 2]]))
    for number in range(20):
        said = append(api, "r", [[number]])
    assert said["shape"] == [21, None]
    assert said["size"] == 22
    assert said["chunks"] == [[1] * 21, None]
    node = Node.objects.get(path="r")
    assert len(list(node_folder(node.uuid).iterdir())) == 1
    assert api.json("/ragged/full/r?slice=19:") == [[18], [19]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", [1, 2]), ("0,1", 2), ("-1", [7, 8, 9]), ("1:,0", [3, 7]), ("::2,:1", [[1], [7]])],
)
def test_slices(api: Api, text: str, expected: Any) -> None:
    api.create("r", "ragged", structure_of(3, None))
    send(api, "PUT", "/ragged/full/r", body_of([[1, 2], [3], [7, 8, 9]]))
    assert api.json(f"/ragged/full/r?slice={text}") == expected


@pytest.mark.parametrize("text", ["3", "0,2", "0,0,0", ":,2", "1:1,0,0,0"])
def test_a_slice_that_is_out_of_range_is_refused(api: Api, text: str) -> None:
    api.create("r", "ragged", structure_of(2, None))
    send(api, "PUT", "/ragged/full/r", body_of([[1, 2], [3]]))
    response = api.get(f"/ragged/full/r?slice={text}")
    assert response.status_code == 422
    assert "Cannot apply the requested slice" in detail(response)


def test_formats(api: Api) -> None:
    api.create("r", "ragged", structure_of(2, None, dtype="<f8"))
    send(api, "PUT", "/ragged/full/r", b"[[1.5, null], []]", media_type=JSON)
    assert api.get("/ragged/full/r").content == b"[[1.5,null],[]]", "not finite is null"
    arrow = api.get("/ragged/full/r?format=arrow").content
    assert ak.from_arrow(pa.ipc.open_file(arrow).read_all()).to_list()[1] == []
    assert api.get("/ragged/full/r?format=parquet").status_code == 200
    assert api.get("/ragged/full/r?format=csv").status_code == 406
    assert api.get("/ragged/full/r?slice=0,0", accept=ZIP).status_code == 406


def test_arrays_too_large_for_json_are_read_as_buffers(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tiled_client.wire.json_values.MAX_NESTED_BYTES", 20)
    api.create("r", "ragged", structure_of(2, None))
    send(api, "PUT", "/ragged/full/r", body_of([[1, 2], [3]]))
    response = api.get("/ragged/full/r?format=json")
    assert (response.status_code, "too many" in detail(response)) == (406, True)
    assert api.get("/ragged/full/r?format=zip").status_code == 200


def _shortened() -> bytes:
    form = b'"{\\"class\\":\\"NumpyArray\\",\\"primitive\\":\\"int64\\",\\"form_key\\":\\"n\\"}"'
    return zip_members({"form": form, "length": (9).to_bytes(8, "big"), "n-data": bytes(8)})


BAD = {
    "no ZIP": (b"PK", ZIP, "not a complete ZIP"),
    "cut off": (body_of([[1], [2]])[:-30], ZIP, "not a complete ZIP"),
    "no form": (zip_members({"length": bytes(8)}), ZIP, "no member 'form'"),
    "a form that is none": (zip_members({"length": bytes(8), "form": b'"1"'}), ZIP, "a form"),
    "buffers too short": (_shortened(), ZIP, "do not match the form"),
    "too many rows": (body_of([[1], [2], [3]]), ZIP, "must have 2 rows, not 3"),
    "another depth": (body_of([[[1]], [[2]]]), ZIP, "where the ragged array has numbers"),
    "no lists": (body_of([1, 2]), ZIP, "1 more dimensions"),
    "fractions": (body_of([[1.5], [2]], "<f8"), ZIP, "do not fit into int64"),
    "texts": (b'[["a"], ["b"]]', JSON, "not strings"),
    "records": (b'[{"a": 1}, {"a": 2}]', JSON, "A record"),
    "gaps": (b"[[1], null]", JSON, "a union type"),
    "no JSON": (b"[[1]", JSON, "a JSON list"),
    "no list": (b"3", JSON, "a JSON list"),
    "some lists": (b"[[1], 2]", JSON, "a union type"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_body_is_refused_and_leaves_nothing(
    api: Api, announced: list[events.Event], case: str
) -> None:
    api.create("r", "ragged", structure_of(2, None))
    announced.clear()
    body, media_type, sentence = BAD[case]
    response = send(api, "PUT", "/ragged/full/r", body, status=422, media_type=media_type)
    assert sentence in detail(response)
    assert api.json("/ragged/full/r") == [[], []]
    assert announced == []
    assert not node_folder(Node.objects.get(path="r").uuid).exists()


def test_growth_requires_the_parameter_extend(api: Api) -> None:
    api.create("r", "ragged", structure_of(1, None))
    response = send(api, "PATCH", "/ragged/full/r?offset=1&shape=1", body_of([[1]]), status=409)
    assert "Use ?extend=true" in detail(response)
    address = "/ragged/full/r?offset=1&shape=2&extend=true"
    assert "must have 2 rows" in detail(send(api, "PATCH", address, body_of([[1]]), status=422))
    address = "/ragged/full/r?offset=1,1&shape=1&extend=true"
    assert "whole rows" in detail(send(api, "PATCH", address, body_of([[1]]), status=422))
    assert structure(api, "r")["shape"] == [1, None]
    assert send(api, "PUT", "/ragged/block/r?block=1", body_of([[1]]), status=422)
    assert send(api, "PUT", "/ragged/full/r", b"", status=415, media_type="text/plain")


def test_unpersisted_data_are_announced_and_not_stored(
    api: Api, announced: list[events.Event]
) -> None:
    api.create("r", "ragged", structure_of(1, None))
    announced.clear()
    body = body_of([[1]])
    send(api, "PUT", "/ragged/full/r?persist=false", body)
    send(api, "PUT", "/ragged/block/r?block=0&persist=false", body)
    address = "/ragged/full/r?offset=1&shape=1&extend=true&persist=false"
    assert send(api, "PATCH", address, body).json()["shape"] == [1, None]
    assert api.json("/ragged/full/r") == [[]]
    told = [(e.shape, e.offset, e.block, e.persisted) for e in announced]  # type: ignore[attr-defined]
    assert told == [
        ((1, None), None, None, False),
        ((1, None), None, (0,), False),
        ((1,), (1,), None, False),
    ]


@pytest.mark.parametrize("dtype", ["S3", "<M8[s]", "<f16"])
def test_non_numeric_dtypes_are_rejected_at_creation(api: Api, dtype: str) -> None:
    response = api.create("r", "ragged", structure_of(1, None, dtype=dtype))
    assert (response.status_code, "numbers or booleans" in detail(response)) == (422, True)
