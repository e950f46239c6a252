"""Awkward arrays over HTTP: what is written is what is read."""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog import events
from catalog.models import Asset, Node
from tiled_client.wire.awkward import AwkwardStructure
from tiled_client.wire.buffers import ZIP, awkward_buffers, unzip_members, zip_members

from ..conftest import Api, detail

EVENTS = ak.Array([{"x": 1, "y": [1.5], "s": "a"}, {"x": 2, "y": [], "s": None}])


def write(api: Api, key: str, array: Any) -> dict[str, bytes]:
    form, length, buffers = awkward_buffers(array)
    made = api.create(key, "awkward", AwkwardStructure(length, form))
    assert made.status_code == 200, made.content
    response = api.send("PUT", f"/awkward/full/{key}", zip_members(buffers), ZIP)
    assert response.status_code == 200, response.content
    return buffers


Leaves = st.none() | st.integers(-9, 9) | st.floats(-9, 9, width=32) | st.text(max_size=3)
Values = st.recursive(
    Leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from("xyz"), inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(Values, max_size=4))
def test_any_array_is_read_back(api: Api, values: list[Any]) -> None:
    array = ak.Array(values)
    key = f"a{Node.objects.count()}"
    buffers = write(api, key, array)
    assert unzip_members(api.get(f"/awkward/full/{key}").content) == buffers
    assert api.json(f"/awkward/full/{key}?format=json") == ak.to_packed(array).to_list()


def test_some_buffers_are_found_by_their_form_keys(api: Api) -> None:
    buffers = write(api, "a", EVENTS)
    wanted = {name: body for name, body in buffers.items() if name.startswith(("node2", "node3"))}
    for response in (
        api.get("/awkward/buffers/a?form_key=node2&form_key=node3"),
        api.send("POST", "/awkward/buffers/a", ["node3", "node2"]),
    ):
        assert unzip_members(response.content) == wanted
    assert unzip_members(api.get("/awkward/buffers/a").content) == buffers
    assert unzip_members(api.send("POST", "/awkward/buffers/a", ["none"]).content) == {}
    assert api.send("POST", "/awkward/buffers/a", {"form_key": 1}).status_code == 422


def test_a_slice_has_only_its_items(api: Api) -> None:
    write(api, "a", ak.Array([{"x": n, "y": [n] * n} for n in range(5)]))
    assert api.json("/awkward/full/a?format=json&slice=1:3") == [
        {"x": 1, "y": [1]},
        {"x": 2, "y": [2, 2]},
    ]
    assert api.json("/awkward/full/a?format=json&slice=-1:") == [{"x": 4, "y": [4] * 4}]
    assert api.json("/awkward/full/a?format=json&slice=9:") == []
    arrow = api.get("/awkward/full/a?format=arrow&slice=::4").content
    assert pa.ipc.open_file(arrow).read_all()["x"].to_pylist() == [0, 4]
    for wrong in ("1", "1:2,0:1"):
        refused = api.get(f"/awkward/full/a?format=json&slice={wrong}")
        assert (refused.status_code, "one range" in detail(refused)) == (422, True)
    assert api.get("/awkward/full/a?slice=1:2&format=application/zip").status_code == 406


def test_formats(api: Api) -> None:
    write(api, "a", EVENTS)
    arrow = api.get("/awkward/full/a?format=arrow").content
    assert pa.ipc.open_file(arrow).read_all().to_pylist() == EVENTS.to_list()
    assert api.get("/awkward/full/a?format=parquet").status_code == 200
    assert api.get("/awkward/full/a?format=csv").status_code == 406
    times = ak.Array(np.array(["2026-01-02"], "M8[s]"))
    write(api, "times", times)
    assert api.json("/awkward/full/times?format=json") == ["2026-01-02T00:00:00"]
    write(api, "complex", ak.Array([[1 + 2j]]))
    assert api.json("/awkward/full/complex?format=json") == [[[1.0, 2.0]]]


def test_an_invalid_form_is_rejected_and_creates_no_node(api: Api) -> None:
    for form in ({}, {"class": "Nothing"}, {"class": "NumpyArray", "primitive": "object"}):
        response = api.create("a", "awkward", AwkwardStructure(1, form))
        assert (response.status_code, "Invalid form" in detail(response)) == (422, True)
    assert api.get("/metadata/a").status_code == 404


def _changed(**members: bytes) -> bytes:
    buffers = awkward_buffers(EVENTS)[2]
    return zip_members({**buffers, **{n.replace("_", "-"): body for n, body in members.items()}})


def _offsets(*numbers: int) -> bytes:
    return np.array(numbers, np.int64).tobytes()


BAD = {
    "no ZIP": (b"PK", "not a complete ZIP"),
    "a buffer missing": (zip_members({"node1-data": bytes(16)}), "is missing"),
    "a buffer too many": (_changed(more=b""), "no buffer 'more'"),
    "a buffer too short": (_changed(node1_data=bytes(15)), "smaller than requested"),
    "beyond the content": (_changed(node2_offsets=_offsets(0, 1, 99)), "do not match"),
    "backwards": (_changed(node2_offsets=_offsets(1, 0, 1)), "do not match"),
    "before the content": (_changed(node2_offsets=_offsets(-1, 0, 1)), "do not match"),
}


@pytest.mark.parametrize("case", BAD)
def test_an_invalid_body_is_rejected_and_stored_data_remain(
    api: Api, announced: list[events.Event], case: str
) -> None:
    write(api, "a", EVENTS)
    announced.clear()
    body, sentence = BAD[case]
    response = api.send("PUT", "/awkward/full/a", body, ZIP)
    assert (response.status_code, sentence in detail(response)) == (422, True), response.content
    assert api.json("/awkward/full/a?format=json") == EVENTS.to_list()
    assert announced == []
    assert Asset.objects.filter(data_sources__node__path="a").count() == 1


def test_a_small_body_cannot_claim_any_number_of_items(api: Api) -> None:
    empty = {"class": "RecordArray", "fields": [], "contents": [], "form_key": "n"}
    assert api.create("a", "awkward", AwkwardStructure(2**40, empty)).status_code == 200
    response = api.send("PUT", "/awkward/full/a", zip_members({}), ZIP)
    assert (response.status_code, "can have at most" in detail(response)) == (422, True)


def test_before_the_first_write_there_is_nothing_to_read(
    api: Api, announced: list[events.Event]
) -> None:
    form, length, buffers = awkward_buffers(EVENTS)
    api.create("a", "awkward", AwkwardStructure(length, form))
    assert api.get("/awkward/full/a").status_code == 409
    announced.clear()
    body = zip_members(buffers)
    assert api.send("PUT", "/awkward/full/a?persist=false", body, ZIP).status_code == 200
    assert api.get("/awkward/full/a").status_code == 409
    (event,) = announced
    assert isinstance(event, events.AwkwardWritten)
    assert (event.length, event.persisted, event.payload) == (2, False, body)
    assert api.send("PUT", "/awkward/full/a", body, "text/plain").status_code == 415
