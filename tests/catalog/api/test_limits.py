"""What no node can hold is refused in a sentence, and nothing of it is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest

from catalog.models import Node
from tiled_client.wire.awkward import AwkwardStructure
from tiled_client.wire.structures import ArrayStructure, TableStructure

from ..conftest import ARROW, OCTETS, Api, detail, ipc
from .test_nodes import stored_files

ONES = ArrayStructure.from_array(np.ones(3))


def nested(depth: int) -> Any:
    return orjson.loads(b"[" * depth + b"]" * depth)


def described(**changes: Any) -> dict[str, Any]:
    """A request for an array whose structure is `ONES`, changed."""
    source = {"structure_family": "array", "structure": {**ONES.to_json(), **changes}}
    return {"id": "x", "structure_family": "array", "data_sources": [source]}


def container(**fields: Any) -> dict[str, Any]:
    return {"id": "x", "structure_family": "container", **fields}


ENDLESS = {"endianness": "not_applicable", "kind": "S", "itemsize": 2**63}
EMPTY = {"endianness": "not_applicable", "kind": "V", "itemsize": 0}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (container(metadata={"a": nested(250)}), "nested deeper"),
        (b'{"id": ' + b"[" * 900 + b"]" * 900 + b"}", "nested deeper"),
        (b'{"structure_family": "container", "metadata": {"a": 18446744073709551616}}', "64 bits"),
        (container(id=0), "1 to 1023"),
        (container(metadata=[]), "metadata"),
        (container(specs=""), "specs"),
        (described(shape=[10**19], chunks=[[10**19]]), "too large"),
        (described(shape=[0, 2**60], chunks=[[0], [2**60]]), "too large"),
        (described(shape=[1] * 32, chunks=[[1]] * 32), "31 dimensions"),
        (described(data_type=EMPTY), "at least one byte"),
        (described(data_type=ENDLESS), "no dtype"),
        (described() | {"data_sources": [{"structure_family": "container", "assets": 5}]}, "list"),
    ],
)
def test_a_node_beyond_the_limits_is_refused_and_leaves_nothing(
    api: Api, body: Any, says: str
) -> None:
    nodes, files = Node.objects.count(), stored_files()
    response = api.send("POST", "/metadata/", body)
    assert (response.status_code, says in detail(response)) == (422, True), detail(response)
    assert (Node.objects.count(), stored_files()) == (nodes, files)


def test_metadata_of_the_maximum_depth_are_returned_in_both_formats(api: Api) -> None:
    assert api.send("POST", "/metadata/", container(metadata={"a": nested(190)})).status_code == 200
    for accept in ("application/json", "application/x-msgpack"):
        assert api.get("/search/", accept=accept).status_code == 200


def test_a_json_patch_can_neither_nest_without_end_nor_double_without_end(api: Api) -> None:
    api.send("POST", "/metadata/", container(metadata={"a": {"b": nested(100)}}))
    bomb = [{"op": "copy", "from": "/a", "path": f"/a/{n}"} for n in range(40)]
    deeper = [{"op": "add", "path": "/a/b" + "/0" * 99 + "/-", "value": nested(110)}]
    for operations, says in ((bomb, "copies"), (deeper, "nested deeper"), ({"a": 1}, "list of")):
        body = {"content-type": "application/json-patch+json", "metadata": operations}
        response = api.send("PATCH", "/metadata/x", {**body, "specs": None})
        assert (response.status_code, says in detail(response)) == (422, True), detail(response)


def test_an_array_does_not_grow_to_more_chunks_than_an_answer_can_list(api: Api) -> None:
    api.array("x", np.ones(1))
    for offset in (10**9, 10**17, "9" * 5000):
        address = f"/array/full/x?offset={offset}&shape=1&extend=true"
        response = api.send("PATCH", address, bytes(8), OCTETS)
        assert (response.status_code, len(detail(response)) < 2100) == (422, True)
    assert api.json("/metadata/x")["data"]["attributes"]["structure"]["shape"] == [1]


def test_a_table_of_many_partitions_is_read_by_those_that_are_there(api: Api) -> None:
    rows = pa.table({"n": [1]})
    api.table("t", rows, npartitions=1_000_000)
    for partition in (5, 999_999):
        address = f"/table/partition/t?partition={partition}"
        assert api.send("PUT", address, ipc(rows), ARROW).status_code == 200
    assert api.rows("/table/full/t")["n"].to_pylist() == [1, 1]
    too_many = TableStructure.from_schema(rows.schema, npartitions=10**9)
    assert api.create("u", "table", too_many).status_code == 422


@pytest.mark.parametrize(
    "query",
    [
        "metadata/?select_metadata=abs('a')",
        "metadata/?select_metadata=%26a",
        "metadata/?select_metadata=nofn(a)",
        "metadata/?select_metadata=" + "(" * 3000,
        "metadata/?select_metadata=a[" + "9" * 5000 + "]",
        "search/?page[offset]=" + "9" * 19,
        "search/?sort=" + ".".join("n" * 60),
        "array/full/x?slice=" + "9" * 5000,
        "array/full/x?expected_shape=" + "9" * 5000,
        "array/block/x?block=" + "9" * 5000,
    ],
)
def test_a_query_that_means_nothing_is_the_fault_of_the_client(api: Api, query: str) -> None:
    api.array("x", np.ones(3))
    response = api.get(f"/{query}")
    assert response.status_code in {400, 422}
    assert len(detail(response)) < 2100


def test_values_that_a_format_has_no_form_for_are_not_acceptable(api: Api) -> None:
    api.array("x", np.zeros(1, "<U2"))
    api.send("PUT", "/array/full/x", b"\x00\xd8\x00\x00" * 2, OCTETS)
    for address in ("/array/full/x?format=json", "/array/full/x?format=csv"):
        assert api.get(address).status_code == 406


NOTHING = (
    pa.list_(pa.string(), 0),
    pa.list_(pa.int8(), 0),
    pa.struct([("a", pa.map_(pa.string(), pa.list_(pa.binary(), 0)))]),
    pa.dictionary(pa.int8(), pa.list_(pa.float16(), 0)),
    pa.fixed_shape_tensor(pa.float16(), [2, 0]),
)


@pytest.mark.parametrize("kind", NOTHING, ids=str)
def test_lists_of_the_fixed_size_0_are_refused_wherever_a_table_is_declared(
    api: Api, readable: Any, kind: pa.DataType
) -> None:
    structure = TableStructure.from_schema(pa.schema([("good", pa.int8()), ("c", kind)]))
    source = {"structure_family": "table", "structure": structure.to_json()}
    external = {
        **source,
        "mimetype": "application/x-parquet",
        "management": "external",
        "assets": [
            {"data_uri": f"file://localhost{readable}/t.parquet", "is_directory": False, "num": 0}
        ],
    }
    for endpoint, given in (("metadata", source), ("register", external)):
        body = {"id": "t", "structure_family": "table", "data_sources": [given]}
        refused = api.send("POST", f"/{endpoint}/", body)
        assert refused.status_code == 422
        assert "'c'" in detail(refused)
        assert "fixed size 0" in detail(refused)
    assert Node.objects.exclude(path="").count() == 0


def test_rows_with_lists_of_the_fixed_size_0_are_refused(api: Api) -> None:
    api.table("t", pa.table({"c": pa.array([], pa.list_(pa.string()))}))
    rows = ipc(pa.table({"c": pa.array([[], []], pa.list_(pa.string(), 0))}))
    for method, address in (("PUT", "full/t"), ("PATCH", "partition/t?partition=0")):
        refused = api.send(method, f"/table/{address}", rows, ARROW)
        assert refused.status_code == 422
        assert "fixed size 0" in detail(refused)


@pytest.mark.parametrize(
    "form",
    [
        {"class": "NumpyArray", "primitive": "float16", "inner_shape": [0]},
        {"class": "NumpyArray", "primitive": "float16", "inner_shape": [2, -1]},
        {"class": "RegularArray", "size": 0, "content": "int64"},
        {"class": "RegularArray", "size": None, "content": "int64"},
    ],
    ids=str,
)
def test_awkward_forms_with_lists_of_a_fixed_size_below_1_are_refused(
    api: Api, form: dict[str, Any]
) -> None:
    inside = {"class": "ListOffsetArray", "offsets": "i64", "content": form}
    record = {"class": "RecordArray", "fields": ["a", "b"], "contents": ["int64", inside]}
    for given in (form, record):
        refused = api.create("a", "awkward", AwkwardStructure(1, given))
        assert refused.status_code == 422
        assert "fixed size" in detail(refused)
