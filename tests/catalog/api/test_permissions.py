"""What is hidden is answered like what is missing; what is seen is what tags allow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from access.models import Account, Grant, RightsState, Tag
from access.principals import Scope
from catalog.services.nodes.tags import tag_nodes
from tests.catalog.conftest import OCTETS, Api, detail
from tests.catalog.factories import (
    NUMBERS,
    READER,
    WRITER,
    Site,
    grant,
    make,
    people,
    person,
    settings_of,
    with_users,
)


@pytest.fixture
def site(transactional_db: None) -> Iterator[Site]:
    with people() as made:
        yield made


def keys(api: Api, path: str = "") -> list[str]:
    found = api.json(f"/search/{path}")
    assert found["meta"]["count"] == len(found["data"])
    return [item["id"] for item in found["data"]]


def count(api: Api, path: str = "") -> int:
    return int(api.json(f"/metadata/{path}")["data"]["attributes"]["structure"]["count"])


def set_tags(api: Api, path: str, *tags: str) -> Any:
    return api.send("PUT", f"/metadata/{path}", {"access_tags": list(tags)})


MARKED = {
    "content-type": "application/merge-patch+json",
    "metadata": {"mark": 1, "text": "a note"},
    "specs": None,
}

# Everything that can be asked of a node, with what it takes; each of them names it as NAME.
REQUESTS: list[tuple[str, str, Any, str]] = [
    ("GET", "/metadata/NAME", b"", ""),
    ("GET", "/metadata/NAME?max_depth=wrong", b"", ""),
    ("GET", "/metadata/NAME/x", b"", ""),
    ("POST", "/metadata/NAME", {"structure_family": "container"}, "application/json"),
    ("POST", "/metadata/NAME", b"{", "application/json"),
    ("PUT", "/metadata/NAME", {"metadata": {}}, "application/json"),
    ("PATCH", "/metadata/NAME", {"no": "patch"}, "application/json"),
    ("DELETE", "/metadata/NAME?recursive=true&external_only=false", b"", ""),
    ("GET", "/revisions/NAME", b"", ""),
    ("DELETE", "/revisions/NAME?number=1", b"", ""),
    ("GET", "/search/NAME", b"", ""),
    ("GET", "/search-deep/NAME", b"", ""),
    ("GET", "/distinct/NAME?metadata=x", b"", ""),
    ("GET", "/array/full/NAME", b"", ""),
    ("GET", "/array/full/NAME/x", b"", ""),
    ("GET", "/array/block/NAME?block=0", b"", ""),
    ("PUT", "/array/full/NAME", NUMBERS.tobytes(), OCTETS),
    ("PUT", "/array/full/NAME", b"", "text/wrong"),
    ("PATCH", "/array/full/NAME?offset=0&shape=3", NUMBERS.tobytes(), OCTETS),
    ("GET", "/table/full/NAME", b"", ""),
    ("GET", "/table/partition/NAME?partition=0", b"", ""),
    ("GET", "/container/full/NAME", b"", ""),
    ("GET", "/awkward/full/NAME", b"", ""),
    ("GET", "/ragged/full/NAME", b"", ""),
    ("GET", "/asset/bytes/NAME?id=1", b"", ""),
    ("GET", "/asset/manifest/NAME?id=1", b"", ""),
    ("DELETE", "/stream/close/NAME", b"", ""),
    ("PUT", "/data_source/NAME", {"data_source": {}}, "application/json"),
    ("POST", "/register/NAME", {"structure_family": "container"}, "application/json"),
    ("POST", "/register-files/NAME", {"files": ["/data/x.tif"]}, "application/json"),
]


# Differ from one answer to the next, whatever was asked.
IN_EACH_ANSWER = {"X-Tiled-Request-ID", "Set-Cookie"}


@pytest.mark.parametrize("family", ["container", "array", "table"])
def test_the_response_for_a_hidden_node_equals_that_for_a_missing_one(
    site: Site, family: str
) -> None:
    make(site.alice, "hidden", family=family)
    make(site.alice, "closed")
    make(site.alice, "closed/shared", ["mx"], family=family)
    names = {"hidden": "absent", "closed/shared": "closed/absent", "hidden/x/y": "absent/x/y"}
    for who in ("bob", "carol", "nobody"):
        # The first request of somebody has their rights read.
        answer(site.people[who], "hidden", REQUESTS[0])
        for hidden, missing in names.items():
            for request in REQUESTS:
                found = answer(site.people[who], hidden, request)
                assert found == answer(site.people[who], missing, request), (who, hidden, request)
                assert found[0] in (401, 404)
    assert keys(site.alice) == ["hidden", "closed"]


def answer(api: Api, name: str, request: tuple[str, str, Any, str]) -> tuple[Any, ...]:
    """Return the response for a name, with NAME in its place, and the number of queries."""
    method, address, body, media_type = request
    with CaptureQueriesContext(connection) as asked:
        response = api.send(method, address.replace("NAME", name), body, media_type)
    headers = {k: v for k, v in response.headers.items() if k not in IN_EACH_ANSWER}
    headers.pop("Content-Length", None)
    content = response.content
    for segment in name.split("/")[:2]:
        content = content.replace(repr(segment).encode(), b"NAME")
    return response.status_code, content, headers, len(asked)


def test_listings_and_counts_have_only_visible_nodes(site: Site) -> None:
    make(site.alice, "own")
    make(site.alice, "shared", ["mx"])
    make(site.root, "open", ["Public"])
    make(site.root, "untagged", [])
    make(site.alice, "shared/own")
    make(site.bob, "shared/bobs")
    make(site.alice, "shared/both", ["mx"])
    seen = {
        "root": (["own", "shared", "open", "untagged"], ["own", "bobs", "both"]),
        "alice": (["own", "shared", "open"], ["own", "both"]),
        "bob": (["shared", "open"], ["bobs", "both"]),
        "carol": (["shared", "open"], ["both"]),
        "nobody": (["open"], None),
    }
    for who, (top, below) in seen.items():
        api = site.people[who]
        assert keys(api) == top
        assert count(api) == len(top)
        if below is not None:
            assert keys(api, "shared") == below
            assert count(api, "shared") == len(below)


def test_searches_and_distinct_values_exclude_hidden_nodes(
    site: Site,
) -> None:
    make(site.alice, "open", ["mx"])
    make(site.alice, "open/a", ["mx"])
    make(site.alice, "open/own")
    make(site.alice, "closed")
    make(site.alice, "closed/b", ["mx"])
    for path in ("open", "open/a", "open/own", "closed", "closed/b"):
        site.alice.send("PATCH", f"/metadata/{path}", MARKED)
    told = {"alice": ["open", "a", "own", "closed", "b"], "carol": ["open", "a"]}
    for who, names in told.items():
        api = site.people[who]
        eq = "filter[eq][condition][key]=mark&filter[eq][condition][value]=1"
        for asked in ("/search-deep/", f"/search-deep/?{eq}"):
            found = api.json(asked)
            assert sorted(item["id"] for item in found["data"]) == sorted(names)
            assert found["meta"]["count"] == len(names)
        [marks] = api.json("/distinct/?metadata=mark&counts=true")["metadata"]["mark"]
        assert marks["count"] == len(keys(api))
        words = api.json("/search/?filter[fulltext][condition][text]=note&page[limit]=1")
        assert words["meta"]["count"] == len(keys(api))
    tagged = "filter[access_tags_filter][condition][tags]=" + quote('["mx"]')
    assert [item["id"] for item in site.carol.json(f"/search-deep/?{tagged}")["data"]] == [
        "open", "a",
    ]  # fmt: skip
    assert site.nobody.json(f"/search-deep/?{tagged}")["data"] == []


def test_a_scope_that_no_tag_allows_is_refused_on_a_node_that_is_seen(site: Site) -> None:
    make(site.alice, "a", ["mx"], family="array")
    written = {
        who: api.send("PUT", "/array/full/a", NUMBERS.tobytes(), OCTETS)
        for who, api in site.people.items()
    }
    assert {who: each.status_code for who, each in written.items()} == {
        "root": 200, "alice": 200, "bob": 200, "carol": 403, "nobody": 401,
    }  # fmt: skip
    assert detail(written["carol"]) == (
        "Not enough permissions to perform this action on this node. Requires scopes "
        "['write:data']. Principal had scopes ['read:data', 'read:metadata'] on this node."
    )
    assert site.carol.read("/array/full/a", NUMBERS.dtype).tolist() == NUMBERS.tolist()
    assert site.bob.send("DELETE", "/metadata/a?external_only=false").status_code == 403


def test_a_node_without_tags_is_its_makers(site: Site) -> None:
    assert make(site.alice, "mine")["access_tags"] == ["user:alice"]
    attributes = site.alice.json("/metadata/mine")["data"]["attributes"]
    assert attributes["access_tags"] == ["user:alice"]
    with settings_of(with_users(tags_of_new_nodes="parent")):
        make(site.alice, "shared", ["mx"])
        assert make(site.bob, "shared/below")["access_tags"] == ["mx"]
        assert make(site.bob, "top")["access_tags"] == ["user:bob"]


@pytest.mark.parametrize(
    ("who", "tags", "reason"),
    [
        ("alice", [], "Only an admin may have a node without tags."),
        ("alice", ["user:bob"], "names an owner"),
        ("root", ["service:x"], "names an owner"),
        ("alice", ["PUBLIC"], "Only an admin may give a node the tag 'public'."),
        ("alice", ["mx", "nonsense"], "There is no tag 'nonsense'."),
        ("root", ["nonsense"], "There is no tag 'nonsense'."),
        ("bob", ["mx"], "You may not give the tag 'mx' to nodes."),
        ("carol", ["secret"], "There is no tag 'secret'."),
        ("alice", ["looked"], "With the tags ['looked'] you would not have"),
    ],
)
def test_tags_that_may_not_be_given_are_refused_with_the_reason(
    site: Site, who: str, tags: list[str], reason: str
) -> None:
    Tag.objects.create(name="secret")
    grant("looked", "alice", scopes=READER, may_apply=True)
    api = site.people[who]
    make(api, "before")
    body = {"id": "new", "structure_family": "container", "access_tags": tags}
    for response in (api.send("POST", "/metadata/", body), set_tags(api, "before", *tags)):
        assert response.status_code == 403
        assert detail(response).startswith("Access policy rejects the provided access tags.\n")
        assert reason in detail(response)
    assert keys(api) == ["before"]


def test_tags_that_are_no_list_of_texts_are_invalid(site: Site) -> None:
    make(site.alice, "a")
    for tags in ("mx", [1], [""], ["x" * 256], {"mx": 1}):
        body = {"structure_family": "container", "access_tags": tags}
        assert site.alice.send("POST", "/metadata/", body).status_code == 422
        assert site.alice.send("PUT", "/metadata/a", {"access_tags": tags}).status_code == 422


def test_tags_are_changed_by_patches_and_the_response_has_the_result(site: Site) -> None:
    make(site.alice, "a")
    patch = {
        "content-type": "application/json-patch+json",
        "specs": None,
        "access_tags": [{"op": "add", "path": "/-", "value": "mx"}],
    }
    response = site.alice.send("PATCH", "/metadata/a", patch)
    # The list that was asked for has another order.
    assert orjson.loads(response.content) == {"id": "a", "access_tags": ["mx", "user:alice"]}
    assert keys(site.carol) == ["a"]
    assert orjson.loads(set_tags(site.alice, "a", "mx").content) == {"id": "a"}
    assert set_tags(site.bob, "a", "user:bob").status_code == 403
    assert detail(set_tags(site.bob, "a")).endswith("Only an admin may have a node without tags.")
    assert orjson.loads(set_tags(site.root, "a", "Public", "mx", "mx").content)["access_tags"] == [
        "mx", "public",
    ]  # fmt: skip
    assert keys(site.nobody) == ["a"]
    assert detail(set_tags(site.alice, "a", "mx")).endswith("take the tag 'public' from a node.")


def test_a_node_is_visible_only_if_its_ancestors_are(site: Site) -> None:
    for path in ("a", "a/b", "a/b/c", "aa"):
        make(site.alice, path, ["mx"])
    assert keys(site.carol, "a/b") == ["c"]
    assert set_tags(site.root, "a", "user:alice").status_code == 403
    tag_nodes(path="a", tags=["user:alice"], recursive=False)
    assert site.carol.get("/metadata/a/b/c").status_code == 404
    assert keys(site.carol) == ["aa"]
    assert keys(site.alice, "a/b") == ["c"]
    tag_nodes(path="a", tags=["mx"], recursive=False)
    assert keys(site.carol, "a/b") == ["c"]
    assert tag_nodes(path="a", tags=["public"], recursive=True) == 3
    assert keys(site.nobody, "a/b") == ["c"]
    assert keys(site.nobody) == ["a"]


def test_a_subtree_with_nodes_of_others_is_not_deleted(site: Site) -> None:
    make(site.alice, "shared", ["mx"])
    make(site.bob, "shared/bobs")
    response = site.alice.send("DELETE", "/metadata/shared?recursive=true")
    assert response.status_code == 403
    assert keys(site.root, "shared") == ["bobs"]
    assert site.bob.send("DELETE", "/metadata/shared/bobs").status_code == 200
    grant("mx2", "alice", scopes=[*WRITER, Scope.delete_node, Scope.delete_revision])
    Grant.objects.filter(account__user__username="alice", tag__name="mx").update(
        scopes=sorted([*WRITER, Scope.delete_node, Scope.delete_revision])
    )
    Tag.objects.get(name="mx").save()
    assert site.alice.send("DELETE", "/metadata/shared?recursive=true").status_code == 200


def test_a_key_restricted_to_tags_sees_and_gives_these_alone(site: Site) -> None:
    make(site.alice, "own")
    make(site.alice, "shared", ["mx"])
    scopes = [str(scope) for scope in WRITER]
    narrow = person("alice", scopes=scopes, tags=["mx"])
    assert keys(narrow) == ["shared"]
    assert narrow.get("/metadata/own").status_code == 404
    body = {"structure_family": "container", "id": "x"}
    assert "not restricted" in detail(narrow.send("POST", "/metadata/", body))
    assert make(narrow, "given", ["mx"])["access_tags"] == ["mx"]
    assert keys(person("root", scopes=scopes, tags=["user:alice"])) == []


def test_an_admins_key_without_administration_is_like_any_users(site: Site) -> None:
    make(site.alice, "own")
    assert keys(person("root", scopes=["read:metadata"])) == []
    assert keys(site.root) == ["own"]


def test_a_change_of_rights_counts_at_once(site: Site) -> None:
    make(site.alice, "shared", ["mx"])
    dave = person("dave")
    assert keys(dave) == []
    staff = Group.objects.create(name="staff")
    Grant.objects.create(tag=Tag.objects.get(name="mx"), group=staff, scopes=sorted(READER))
    assert keys(dave) == []
    User.objects.get(username="dave").groups.add(staff)
    assert keys(dave) == ["shared"]
    staff.delete()
    assert keys(dave) == []
    Grant.objects.create(tag=Tag.objects.get(name="mx"), audience="users", scopes=sorted(READER))
    assert keys(dave) == ["shared"]
    assert keys(site.nobody) == []
    Tag.objects.get(name="mx").delete()
    assert keys(dave) == keys(site.alice) == []
    assert keys(site.root) == ["shared"]


def test_rolled_back_permissions_are_not_cached(site: Site) -> None:
    """Versions of rights that were not committed are given to others later."""
    make(site.alice, "shared", ["mx"])
    with suppress(ZeroDivisionError), transaction.atomic():
        Grant.objects.filter(account__user__username="alice").delete()
        tag_nodes(path="shared", tags=["user:bob"], recursive=False)
        assert keys(site.alice) == []
        undone = RightsState.objects.get().number
        raise ZeroDivisionError
    while RightsState.objects.get().number < undone:
        Tag.objects.get(name="mx").save()
    assert keys(site.alice) == ["shared"]
    assert keys(site.bob) == ["shared"]
    assert site.alice.json("/metadata/shared")["data"]["attributes"]["access_tags"] == ["mx"]


def test_the_untagged_root_is_limited_by_the_credentials_only(site: Site) -> None:
    tag_nodes(path="", tags=["mx"], recursive=False)
    body = {"structure_family": "container", "id": "x"}
    assert person("dave").send("POST", "/metadata/", body).status_code == 403
    assert site.bob.send("POST", "/metadata/", body).status_code == 200
    assert keys(site.nobody) == []
    tag_nodes(path="", tags=[], recursive=False)
    assert person("erin").send("POST", "/metadata/", {**body, "id": "y"}).status_code == 200


def test_a_deleted_account_has_no_grants_or_access(site: Site) -> None:
    make(site.alice, "shared", ["mx"])
    Account.objects.get(user__username="carol").user.delete()
    assert not Grant.objects.filter(account__user__username="carol").exists()
    assert site.carol.get("/search/").status_code == 401


def test_rights_cost_one_query_and_nothing_where_there_are_none(site: Site) -> None:
    make(site.alice, "a")
    site.alice.get("/metadata/a")

    def queries() -> list[str]:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert site.alice.get("/metadata/a").status_code == 200
        return [query["sql"] for query in captured if "access_apikey" not in query["sql"]]

    with_rights = queries()
    with settings_of(with_users(access_policy="none")):
        without = queries()
    assert not any("rightsstate" in sql or "tag" in sql.split("FROM")[1] for sql in without)
    assert sum("access_grant" in sql or "tagpath" in sql for sql in with_rights) == 0
    assert len(with_rights) <= len(without) + 2


def test_an_idempotency_key_belongs_to_its_principal(site: Site) -> None:
    make(site.alice, "c", ["mx"])

    def create(api: Api) -> Any:
        body = {"structure_family": "container", "access_tags": None}
        return api.send("POST", "/metadata/c", body, **{"idempotency-key": "k"})

    first, again, other = create(site.alice), create(site.alice), create(site.bob)
    assert (first.status_code, again.content) == (200, first.content)
    assert (other.status_code, "'k'" in detail(other)) == (422, True)
