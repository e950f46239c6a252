"""What nodes were described as before."""

from __future__ import annotations

import datetime

import msgpack
import orjson
import pyarrow as pa
import pytest

from ..conftest import Api, detail

MSGPACK = "application/x-msgpack"


def described(api: Api, path: str, *colors: str) -> None:
    api.container(path)
    for color in colors:
        body = {"metadata": {"color": color}}
        assert api.send("PUT", f"/metadata/{path}", body).status_code == 200


def numbers(api: Api, query: str = "") -> list[int]:
    return [found["revision_number"] for found in api.json(f"/revisions/a{query}")["data"]]


def test_revisions_have_the_state_before_each_update_in_pages(api: Api) -> None:
    described(api, "a", "red", "blue", "green")
    page = api.json("/revisions//a?page[limit]=2")
    colors = [found["attributes"]["metadata"] for found in page["data"]]
    assert (colors, page["meta"]["count"]) == ([{}, {"color": "red"}], 3)
    rest = api.json(page["links"]["next"].partition("/api/v1")[2])
    assert [found["revision_number"] for found in rest["data"]] == [3]
    assert rest["links"]["next"] is None
    empty = api.json("/revisions/a?page[limit]=0")
    assert (empty["data"], empty["meta"]["count"], empty["links"]["next"]) == ([], 3, None)


def test_the_time_of_a_revision_has_a_time_zone(api: Api) -> None:
    described(api, "a", "red")
    said = api.json("/revisions/a")["data"][0]["attributes"]["time_updated"]
    assert datetime.datetime.fromisoformat(said).utcoffset() == datetime.timedelta(0)
    packed = msgpack.unpackb(api.get("/revisions/a", accept=MSGPACK).content, timestamp=3)
    time = packed["data"][0]["attributes"]["time_updated"]
    assert time == datetime.datetime.fromisoformat(said)


def test_a_forgotten_revision_leaves_its_number_unused(api: Api) -> None:
    described(api, "a", "red", "blue")
    assert api.send("DELETE", "/revisions/a?number=1").content == b"null"
    assert numbers(api) == [2]
    api.send("PUT", "/metadata/a", {"metadata": {}})
    assert numbers(api) == [2, 3]
    response = api.send("DELETE", "/revisions/a?number=1")
    assert (response.status_code, detail(response)[:13]) == (404, "No revision 1")


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/revisions/none", 404),
        ("GET", "/revisions/t/n", 405),
        ("GET", "/revisions/?page[limit]=301", 422),
        ("DELETE", "/revisions/", 422),
        ("DELETE", "/revisions/?number=x", 422),
        ("DELETE", f"/revisions/?number={2**31}", 422),
        ("DELETE", "/revisions/t/n?number=1", 405),
        ("PATCH", "/revisions/", 405),
    ],
)
def test_invalid_requests_for_revisions_are_rejected(
    api: Api, method: str, address: str, status: int
) -> None:
    api.table("t", pa.table({"n": [1]}))
    assert api.send(method, address).status_code == status


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("PUT", {"metadata": {}}),
        ("PATCH", {"content-type": "application/merge-patch+json", "specs": None}),
        ("DELETE", b""),
    ],
)
def test_a_column_is_not_changed_nor_deleted_by_itself(api: Api, method: str, body: object) -> None:
    api.table("t", pa.table({"n": [1]}))
    response = api.send(method, "/metadata/t/n", body)
    assert (response.status_code, "does not support" in detail(response)) == (405, True)
    assert api.send(method, "/metadata/t/none", body).status_code == 404


def test_specs_are_patched_and_stay_unique(api: Api) -> None:
    api.container("a")
    patch = {"content-type": "application/json-patch+json", "metadata": None}
    first = {"op": "add", "path": "/-", "value": {"name": "s", "version": "1"}}
    assert api.send("PATCH", "/metadata/a", {**patch, "specs": [first]}).status_code == 200
    response = api.send("PATCH", "/metadata/a", {**patch, "specs": [first]})
    assert (response.status_code, "non-unique specs" in detail(response)) == (422, True)
    many = [{**first, "value": {"name": f"s{n}"}} for n in range(20)]
    assert api.send("PATCH", "/metadata/a", {**patch, "specs": many}).status_code == 422
    found = api.json("/metadata/a")["data"]["attributes"]["specs"]
    assert found == [{"name": "s", "version": "1"}]
    merge = {"content-type": "application/merge-patch+json", "specs": []}
    assert api.send("PATCH", "/metadata/a", merge).status_code == 200
    assert api.json("/metadata/a")["data"]["attributes"]["specs"] == []


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1])
def test_integers_beyond_64_bits_are_refused_wherever_they_come_from(api: Api, number: int) -> None:
    api.container("a")
    body = orjson.dumps({"metadata": {"n": "N"}}).replace(b'"N"', str(number).encode())
    assert api.send("PUT", "/metadata/a", body).status_code == 422
    assert api.json("/metadata/a")["data"]["attributes"]["metadata"] == {}
