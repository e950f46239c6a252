"""Nodes over HTTP: made, found, listed, described anew, deleted."""

from __future__ import annotations

import re

import msgpack
import numpy as np
import orjson
import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from catalog import events
from catalog.config import storage_settings
from catalog.models import Asset, Node
from tiled_client.wire.structures import ArrayStructure

from ..conftest import Api, detail

ONES = ArrayStructure.from_array(np.ones(3))


def stored_files() -> set[str]:
    """All files and folders of the storage, but for those that serve as locks."""
    root = storage_settings().directory
    found = {str(path.relative_to(root)) for path in root.glob("*/*")}
    return {path for path in found if not path.startswith((".locks", ".fences"))}


def test_doubled_slashes_in_a_path_do_not_count(api: Api) -> None:
    api.container("a")
    api.container("a/b")
    for path in ("a/b", "a//b", "//a///b//"):
        assert api.json(f"/metadata/{path}")["data"]["attributes"]["ancestors"] == ["a"]
    assert api.json("/metadata//")["data"]["id"] == ""


def test_a_path_without_its_last_slash_is_redirected_with_its_method(api: Api) -> None:
    response = api.get("/metadata?fields=specs")
    assert response.status_code == 307
    assert response.headers["Location"] == "/api/v1/metadata/?fields=specs"


def test_links_of_a_new_node_repeat_the_path_as_requested(api: Api) -> None:
    links = orjson.loads(api.create("x", "array", ONES).content)["links"]
    assert links == {
        "self": "http://testserver/api/v1/metadata//x",
        "full": "http://testserver/api/v1/array/full//x",
        "block": "http://testserver/api/v1/array/block//x?block={0}",
    }
    assert api.json("/metadata/x")["data"]["links"]["self"].endswith("/api/v1/metadata/x")


def test_the_path_of_the_api_is_returned_on_request(api: Api) -> None:
    assert api.json("/metadata/?root_path=true")["meta"] == {"root_path": "/api"}
    assert api.json("/metadata/")["meta"] == {}


def test_responses_in_msgpack_equal_those_in_json(api: Api) -> None:
    api.container("a")
    response = api.get("/metadata/a", accept="application/x-msgpack")
    assert response.headers["Content-Type"] == "application/x-msgpack"
    assert msgpack.unpackb(response.content) == api.json("/metadata/a")


def test_children_are_listed_in_order_of_creation_page_by_page(api: Api) -> None:
    for key in "cab":
        api.container(key)
    first = api.json("/search/?page[limit]=2&fields=")
    assert [item["id"] for item in first["data"]] == ["c", "a"]
    assert first["meta"]["count"] == 3
    rest = api.json(first["links"]["next"].partition("/api/v1")[2])
    assert ([item["id"] for item in rest["data"]], rest["links"]["next"]) == (["b"], None)
    assert [item["id"] for item in api.json("/search/?sort=-")["data"]] == ["b", "a", "c"]
    assert [item["id"] for item in api.json("/search/?sort=id")["data"]] == ["a", "b", "c"]


def test_children_are_sorted_by_metadata(api: Api) -> None:
    for key, color in (
        ("a", {"color": {"name": "red"}}),
        ("b", {}),
        ("c", {"color": {"name": "blue"}}),
    ):
        body = {"id": key, "structure_family": "container", "metadata": color}
        api.send("POST", "/metadata/", body)
    found = api.json("/search/?sort=color.name")["data"]
    assert [item["id"] for item in found] == ["c", "a", "b"]


def test_a_container_has_the_count_of_its_children(api: Api) -> None:
    api.container("a")
    api.container("a/b")
    assert api.json("/metadata/a")["data"]["attributes"]["structure"]["count"] == 1
    assert api.json("/search/")["data"][0]["attributes"]["structure"]["count"] == 1


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("", {"id": "a/b", "structure_family": "container"}, 422, "'a/b'"),
        ("", {"id": "..", "structure_family": "container"}, 422, "'..'"),
        ("", {"id": "a" * 1024, "structure_family": "container"}, 422, "1023"),
        ("", {"id": "x", "structure_family": "array"}, 422, "one data source"),
        ("", {"id": "x", "structure_family": "cube"}, 422, "structure_family"),
        ("", {"id": "old", "structure_family": "container"}, 409, "/old"),
        ("old", {"id": "x", "structure_family": "container"}, 422, "only a container"),
        ("none", {"id": "x", "structure_family": "container"}, 404, "No such entry"),
        ("", {"id": "x", "structure_family": "container", "metadata": [1]}, 422, "metadata"),
        ("", {"id": "x", "structure_family": "container", "metadata": {"a": "\0"}}, 422, "NUL"),
        ("", {"id": "x", "structure_family": "container", "specs": [{}]}, 422, "spec"),
        ("", b"{", 422, "not valid JSON"),
        ("", b"[]", 422, "JSON object"),
    ],
)
def test_a_node_that_cannot_be_is_refused_and_leaves_nothing(
    api: Api, announced: list[events.Event], path: str, body: object, status: int, says: str
) -> None:
    api.create("old", "array", ONES)
    announced.clear()
    nodes, files = Node.objects.count(), stored_files()
    response = api.send("POST", f"/metadata/{path}", body)
    assert response.status_code == status
    assert re.search(says, detail(response))
    assert (Node.objects.count(), stored_files(), announced) == (nodes, files, [])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"chunks": [[2]]}, "do not add up"),
        ({"shape": [-3]}, "shape"),
        ({"data_type": {"endianness": "little", "kind": "x", "itemsize": 8}}, "kind 'x'"),
        ({"data_type": {"endianness": "little", "kind": "f", "itemsize": 3}}, "no dtype"),
        ({"data_type": None}, "data_type"),
        ({"dims": ["x", "y"]}, "1 names"),
    ],
)
def test_an_array_that_cannot_be_is_refused_and_leaves_nothing(
    api: Api, change: dict[str, object], says: str
) -> None:
    files = stored_files()
    source = {"structure_family": "array", "structure": {**ONES.to_json(), **change}}
    body = {"id": "x", "structure_family": "array", "data_sources": [source]}
    response = api.send("POST", "/metadata/", body)
    assert (response.status_code, bool(re.search(says, detail(response)))) == (422, True)
    assert (api.get("/metadata/x").status_code, stored_files()) == (404, files)


def test_metadata_are_patched_and_a_revision_is_kept(
    api: Api, announced: list[events.Event]
) -> None:
    api.container("a")
    announced.clear()
    operations = [{"op": "add", "path": "/color", "value": "red"}]
    for kind, metadata, drop in (
        ("json-patch", operations, False),
        ("merge-patch", {"color": None, "size": 1}, True),
    ):
        body = {"content-type": f"application/{kind}+json", "metadata": metadata, "specs": None}
        response = api.send("PATCH", f"/metadata/a?drop_revision={drop}", body)
        assert orjson.loads(response.content) == {"id": "a"}
    assert [(e.metadata, e.revision_number) for e in announced] == [  # type: ignore[attr-defined]
        ({"color": "red"}, 1),
        ({"size": 1}, None),
    ]
    node = Node.objects.get(path="a")
    assert (node.metadata, node.revisions.get().metadata) == ({"size": 1}, {})


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [
        ("PATCH", {"content-type": "application/json-patch+json", "metadata": []}, 422),
        ("PATCH", {"content-type": "text/plain", "specs": None}, 406),
        (
            "PATCH",
            {
                "content-type": "application/json-patch+json",
                "metadata": [{"op": "remove", "path": "/none"}],
                "specs": None,
            },
            409,
        ),
        (
            "PATCH",
            {"content-type": "application/json-patch+json", "metadata": [{"op": "x"}], "specs": []},
            422,
        ),
        ("PUT", {"metadata": 5}, 422),
        ("PUT", {"specs": [{"name": "s"}, {"name": "s"}]}, 422),
    ],
)
def test_an_update_that_cannot_be_changes_nothing(
    api: Api, announced: list[events.Event], method: str, body: object, status: int
) -> None:
    api.container("a")
    announced.clear()
    assert api.send(method, "/metadata/a", body).status_code == status
    assert (api.json("/metadata/a")["data"]["attributes"]["metadata"], announced) == ({}, [])


def test_a_deleted_node_takes_its_files_with_it(api: Api, announced: list[events.Event]) -> None:
    files = stored_files()
    api.container("A")
    api.array("A/x", np.ones(3))
    api.container("a")
    for address, says in (
        ("/metadata/A", "not empty"),
        ("/metadata/A?recursive=true", "internally managed"),
    ):
        response = api.send("DELETE", address)
        assert (response.status_code, says in detail(response)) == (409, True)
    announced.clear()
    assert api.send("DELETE", "/metadata/A?recursive=true&external_only=false").content == b"null"
    deleted, gone = announced
    assert isinstance(gone, events.NodeDeleted)
    assert [deleted.node.path, *(node.path for node in gone.below), gone.node.path] == [
        "",
        "A/x",
        "A",
    ]
    assert (stored_files(), Asset.objects.count()) == (files, 0)
    assert list(Node.objects.values_list("path", flat=True)) == ["", "a"]


def test_a_wrong_key_and_no_key_are_refused(api: Api) -> None:
    for key, says in (("wrong", "Invalid API key"), (None, "Requires scopes ['read:metadata']")):
        response = Api(key=key).get("/metadata/")
        assert (response.status_code, says in detail(response)) == (401, True)
    assert Api(key=None).get("/").status_code == 200
    assert Api(key=None).get("/metadata/?api_key=secret").status_code == 200


def test_an_unknown_address_and_method_are_answered_in_json(api: Api) -> None:
    assert detail(api.get("/nowhere")) == "Not Found"
    assert (api.send("HEAD", "/metadata/").status_code) == 405
    assert detail(api.send("PUT", "/search/")) == "Method Not Allowed"


def test_a_key_with_a_line_break_is_reached(api: Api) -> None:
    body = {"id": "a\nb\n", "structure_family": "container"}
    assert api.send("POST", "/metadata/", body).status_code == 200
    assert api.json("/metadata/a%0Ab%0A")["data"]["id"] == "a\nb\n"


def test_a_listing_of_keys_has_no_links_but_to_the_nodes(api: Api) -> None:
    api.create("x", "array", ONES)
    links = api.json("/search/?fields=")["data"][0]["links"]
    assert links == {"self": "http://testserver/api/v1/metadata/x"}


def test_a_listing_takes_as_many_queries_however_long_it_is(
    api: Api, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for key in "abc":
        api.create(key, "array", ONES)
    with django_assert_num_queries(4):
        found = api.json("/search/?include_data_sources=true")["data"]
    assert all(len(item["attributes"]["data_sources"][0]["assets"]) == 1 for item in found)


def test_numbers_in_metadata_are_sorted_as_numbers(api: Api) -> None:
    for key, size in (("a", 10), ("b", 9), ("c", 100)):
        body = {"id": key, "structure_family": "container", "metadata": {"the__size": size}}
        api.send("POST", "/metadata/", body)
    found = api.json("/search/?sort=metadata.the__size")["data"]
    assert [item["id"] for item in found] == ["b", "a", "c"]


def test_a_query_is_checked_before_the_node_is_looked_up(api: Api) -> None:
    assert api.get("/search/none?page[limit]=1000").status_code == 422
    assert api.get("/search/none?sort=(").status_code == 422


def test_a_redirect_requires_no_csrf_token() -> None:
    response = Client(enforce_csrf_checks=True).post("/api/v1/metadata")
    assert response.status_code == 307
