"""Finding nodes over HTTP: filters, pages, order, depth, distinct values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from catalog.models import Node
from catalog.queries.canonical import canonical

from ..conftest import Api, detail

COLORS = {"a": "red", "b": "blue", "c": "red"}


def put(api: Api, path: str, metadata: Any = None, specs: Any = ()) -> None:
    parent, _, key = path.rpartition("/")
    body = {
        "id": key,
        "structure_family": "container",
        "metadata": metadata or {},
        "specs": list(specs),
    }
    response = api.send("POST", f"/metadata/{parent}", body)
    assert response.status_code == 200, response.content


def many(count: int, **metadata: Any) -> None:
    """As many children of the root, sorted by `n` the other way round than they were made."""
    root = Node.objects.get(path="")
    Node.objects.bulk_create(
        Node(
            parent=root,
            key=f"k{n}",
            path=f"k{n}",
            structure_family="container",
            metadata={"n": count - n, **metadata},
        )
        for n in range(count)
    )


def query(name: str, **values: Any) -> str:
    return urlencode(
        {
            f"filter[{name}][condition][{field}]": text
            if isinstance(text, str)
            else orjson.dumps(text).decode()
            for field, text in values.items()
        }
    )


def keys(api: Api, *parameters: str, address: str = "/search/") -> list[str]:
    found = api.json(f"{address}?{'&'.join(parameters)}&fields=")
    assert found["meta"]["count"] == len(found["data"])
    return [item["id"] for item in found["data"]]


def pages(api: Api, parameters: str, address: str = "/search/") -> Iterator[list[str]]:
    """The keys of page after page, as a client asks for them: links have nothing but paging."""
    paging = "page[limit]=100"
    while paging:
        found = api.json(f"{address}?{paging}&fields=&{parameters}")
        yield [item["id"] for item in found["data"]]
        paging = (found["links"]["next"] or "").partition("?")[2]


def test_words_are_counted_in_one_container_alone(api: Api) -> None:
    for path in ("a", "a/x", "b", "b/x", "b/y", "b/z", "b/y/w"):
        put(api, path, {"note": "common words"})
    put(api, "b/v")
    words = query("fulltext", text="Common")
    for more in ("page[limit]=1", "fields=count", "page[offset]=2", "sort=-note&page[limit]=2"):
        assert api.json(f"/search/b?{words}&{more}")["meta"]["count"] == 3
    both = f"{words}&{query('keys_filter', keys=['x', 'v'])}"
    assert api.json(f"/search/b?{both}&page[limit]=0")["meta"]["count"] == 1


def test_several_filters_have_all_to_be_passed(api: Api) -> None:
    for key, color in COLORS.items():
        put(api, key, {"color": color, "n": 1})
    red = query("eq", key="color", value='"red"')
    assert keys(api, red) == ["a", "c"]
    assert keys(api, red, query("keys_filter", keys=["b", "c"])) == ["c"]
    assert keys(api, red, query("eq", key="n", value="2")) == []
    assert keys(api, red, query("nonsense", key="x")) == ["a", "c"]


def test_a_lookup_is_one_child_or_an_empty_page(api: Api) -> None:
    put(api, "a")
    assert keys(api, query("lookup", key="a")) == ["a"]
    assert keys(api, query("lookup", key="none")) == []
    assert keys(api, query("lookup", key="a"), query("lookup", key="b")) == []
    assert keys(api, query("lookup", key="a"), address="/search-deep/") == []
    assert "Cache-Control" not in api.get(f"/search/?{query('lookup', key='a')}").headers


def test_nodes_are_found_by_when_they_were_created(api: Api) -> None:
    for day, key in enumerate(("a", "b", "c"), start=1):
        put(api, key)
        Node.objects.filter(key=key).update(time_created=datetime(2026, 1, day, tzinfo=UTC))
    assert keys(api, query("created", since="2026-01-02T00:00:00Z")) == ["b", "c"]
    assert keys(api, query("created", until="2026-01-02T01:00:00+01:00")) == ["a"]
    assert keys(api, query("created", since="1767312000", until="2026-01-03T00:00:00Z")) == ["b"]
    assert keys(api, query("created", since="")) == ["a", "b", "c"]
    for wrong in ("2026-01-02", "yesterday", "nan", "1e300"):
        answer = api.get(f"/search/?{query('created', since=wrong)}")
        assert answer.status_code == 422
        assert "since must be an ISO 8601 time" in answer.json()["detail"]


def test_specs_are_found_by_their_names(api: Api) -> None:
    put(api, "a", specs=[{"name": "x", "version": "1"}, "y"])
    put(api, "b", specs=["x"])
    put(api, "c")
    assert keys(api, query("specs", include=["x"], exclude=[])) == ["a", "b"]
    assert keys(api, query("specs", include=["x", "y"], exclude=[])) == ["a"]
    assert keys(api, query("specs", include=["x"], exclude=["y"])) == ["b"]
    assert keys(api, query("specs", include=["1"])) == []


def test_a_family_is_found(api: Api) -> None:
    put(api, "a")
    assert keys(api, query("structure_family", value="container")) == ["a"]
    assert keys(api, query("structure_family", value="array")) == []


@pytest.mark.parametrize(
    ("pattern", "case_sensitive", "found"),
    [
        ("^Cu", "true", ["a"]),
        ("cu", "true", []),
        ("cu", "false", ["a"]),
        ("(?i)cu", "true", ["a"]),
        (r"\bO\d$", "true", ["a"]),
        ("u.*O", "true", ["a"]),
        ("(a|a)*(a|a)*(a|a)*$", "true", ["a", "b"]),
    ],
)
def test_regular_expressions_are_found_in_texts(
    api: Api, pattern: str, case_sensitive: str, found: list[str]
) -> None:
    put(api, "a", {"sample": "Cu-O3"})
    put(api, "b", {"sample": "a" * 60 + "!"})
    put(api, "c", {"sample": 3})
    asked = query("regex", key="sample", pattern=pattern, case_sensitive=case_sensitive)
    assert keys(api, asked) == found


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"eq": {"key": "a"}}, "needs key and value"),
        ({"eq": {"key": "a", "value": "red"}}, 'as in "red"'),
        ({"comparison": {"operator": "is", "key": "a", "value": "1"}}, "one of lt, le"),
        ({"comparison": {"operator": "lt", "key": "a", "value": "true"}}, "numbers and strings"),
        ({"in": {"key": "a", "value": "1"}}, "list"),
        ({"keys_filter": {"keys": "[1]"}}, "list of texts"),
        ({"like": {"key": "a", "pattern": "Ni%"}}, "must be JSON"),
        ({"like": {"key": "a", "pattern": '"\\\\"'}}, "backslash"),
        ({"like": {"key": "a", "pattern": orjson.dumps("%" * 30).decode()}}, "%"),
        ({"regex": {"key": "a", "pattern": "("}}, "regular expression"),
        ({"regex": {"key": "a", "pattern": r"(a)\1"}}, "regular expression"),
        ({"keypresent": {"key": "a", "exists": "maybe"}}, "true or false"),
        ({"structure_family": {"value": "cube"}}, "structure family"),
        ({"eq": {"key": ".".join("a" * 99), "value": "1"}}, "at most 50 parts"),
        ({"fulltext": {"text": " ".join(map(str, range(101)))}}, "at most 100 words"),
    ],
)
def test_a_filter_that_means_nothing_is_refused_in_a_sentence(
    api: Api, parameters: dict[str, dict[str, str]], says: str
) -> None:
    ((name, values),) = parameters.items()
    for endpoint in ("search", "search-deep", "distinct"):
        response = api.get(f"/{endpoint}/?{query(name, **values)}")
        assert response.status_code in {400, 422}
        assert re.search(re.escape(says), detail(response))


def test_numbers_beyond_64_bits_are_compared_too(api: Api) -> None:
    put(api, "a", {"n": 2**64 - 1})
    assert keys(api, query("eq", key="n", value=2**64 - 1)) == ["a"]
    assert keys(api, query("comparison", operator="lt", key="n", value="9" * 40)) == ["a"]


@pytest.mark.parametrize("sort", ["", "sort=", "sort=-", "sort=n", "sort=-n&sort=-", "sort=id"])
def test_all_children_are_listed_in_any_order(api: Api, sort: str) -> None:
    many(250)
    found = list(pages(api, sort))
    order = [f"k{n}" for n in range(250)]
    if "id" in sort:
        order.sort()
    assert [len(page) for page in found] == [100, 100, 50]
    assert [key for page in found for key in page] == (
        order[::-1] if sort in {"sort=-", "sort=n"} else order
    )
    assert api.json(f"/search/?page[limit]=7&{sort}")["meta"]["count"] == 250


def test_pages_by_cursor_miss_nothing_and_repeat_nothing_while_nodes_come_and_go(api: Api) -> None:
    many(4)
    first = api.json("/search/?page[limit]=2&fields=&sort=-")
    Node.objects.filter(path="k3").delete()
    put(api, "new")
    following = first["links"]["next"].partition("?")[2]
    second = api.json(f"/search/?{following}&fields=&sort=-")
    shown = [item["id"] for page in (first, second) for item in page["data"]]
    assert shown == ["k3", "k2", "k1", "k0"]
    assert second["links"]["next"] is None


def test_values_that_are_missing_come_last_and_first_where_it_descends(api: Api) -> None:
    values = {"a": 10, "b": None, "c": 9.5, "d": "x", "e": "B", "f": True}
    for key, value in values.items():
        put(api, key, {"v": value} if key != "b" else {})
    assert keys(api, "sort=v") == ["e", "d", "c", "a", "f", "b"]
    assert keys(api, "sort=-v") == ["b", "f", "a", "c", "d", "e"]


def test_a_page_of_nothing_has_none_after_it(api: Api) -> None:
    many(3)
    found = api.json("/search/?page[limit]=0")
    assert (found["data"], found["links"]["next"], found["meta"]["count"]) == ([], None, 3)
    counted = api.json("/search/?fields=count")
    assert (counted["data"], counted["meta"]["count"]) == ([], 3)
    assert api.json("/search/?page[offset]=2")["links"]["next"] is None


def test_a_cursor_belongs_to_the_order_of_creation(api: Api) -> None:
    response = api.get("/search/?page[cursor]=1&sort=color")
    assert response.status_code == 400
    assert "order of creation" in detail(response)
    both = api.get("/search/?page[cursor]=1&page[offset]=1")
    assert detail(both) == "Cannot specify both page[cursor] and page[offset]"


def test_descendants_are_searched_to_the_requested_depth(api: Api) -> None:
    for path in ("a", "a/b", "a/b/c", "a0", "A", "A/b"):
        put(api, path, {"name": path})
    find = "/search-deep/a"
    assert keys(api, address=find) == ["b", "c"]
    assert keys(api, "max_depth=1", address=find) == ["b"]
    assert keys(api, "max_depth=2", address="/search-deep/") == ["a", "b", "a0", "A", "b"]
    assert keys(api, query("eq", key="name", value='"a/b/c"'), address="/search-deep/") == ["c"]
    first = api.json(f"{find}?page[limit]=1")["links"]["next"].partition("?")[2]
    assert [item["id"] for item in api.json(f"{find}?{first}")["data"]] == ["c"]
    item = api.json(f"{find}?{query('keys_filter', keys=['c'])}")["data"][0]
    assert item["attributes"]["ancestors"] == ["a", "b"]
    assert api.get(f"{find}?max_depth=65").status_code == 422
    assert detail(api.get(f"{find}?sort=id")) == "Sorting is not supported for deep search."


def test_distinct_values_are_counted_by_the_kind_of_value(api: Api) -> None:
    values = [1, 1.0, "1", True, [1], [1.0], None, {"a": 1, "b": 2}, {"b": 2, "a": 1}]
    for number, value in enumerate(values):
        put(api, str(number), {"v": value}, ["s"] if number == 0 else [])
    put(api, "none")
    found = api.json("/distinct/?metadata=v&structure_families=true&specs=true&counts=true")
    by_value = {canonical(row["value"]): row["count"] for row in found["metadata"]["v"]}
    assert by_value == {
        b"1": 2,
        b'"1"': 1,
        b"true": 1,
        b"[1]": 2,
        b"null": 2,
        b'{"a":1,"b":2}': 2,
    }
    assert found["structure_families"] == [{"value": "container", "count": 10}]
    assert {len(row["value"]): row["count"] for row in found["specs"]} == {0: 9, 1: 1}
    uncounted = api.json(f"/distinct/?metadata=v&{query('keys_filter', keys=['2'])}")
    assert uncounted["metadata"] == {"v": [{"value": "1", "count": None}]}
    assert (uncounted["structure_families"], uncounted["specs"]) == (None, None)


def test_only_containers_are_searched(api: Api) -> None:
    put(api, "a")
    assert api.get("/search/none").status_code == 404
    assert api.get("/distinct/none").status_code == 404
    Node.objects.filter(path="a").update(structure_family="array")
    assert api.get("/search/a").status_code == 404
    assert api.get("/search-deep/a").status_code == 404
    assert api.get("/distinct/a").status_code == 405


def test_searches_use_the_current_metadata(api: Api) -> None:
    put(api, "a", {"color": "red", "note": "first light"})
    body = {
        "content-type": "application/merge-patch+json",
        "metadata": {"color": "blue"},
        "specs": None,
    }
    assert api.send("PATCH", "/metadata/a", body).status_code == 200
    assert keys(api, query("eq", key="color", value='"red"')) == []
    assert keys(api, query("eq", key="color", value='"blue"')) == ["a"]
    Node.objects.filter(path="a").update(metadata={"note": "second light"})
    assert keys(api, query("fulltext", text="first")) == []
    assert keys(api, query("fulltext", text="LIGHT second")) == ["a"]
    assert api.send("DELETE", "/metadata/a").status_code == 200
    assert keys(api, query("fulltext", text="light"), address="/search-deep/") == []


def test_metadata_of_any_size_are_found(api: Api) -> None:
    large = {f"k{n}": n for n in range(800)}
    put(api, "a", {**large, "blob": "x" * 10_000, "list": list(range(5000)), "nested": large})
    put(api, "b", {"blob": "x" * 199})
    for key in ("k0", "k799", "nested.k0", "nested.k799"):
        value = key.partition("k")[2]
        assert keys(api, query("eq", key=key, value=value)) == ["a"]
    assert keys(api, query("fulltext", text="x" * 10_000)) == ["a"]
    assert keys(api, query("fulltext", text="x" * 199)) == ["b"]


def test_about_names_every_kind_of_filter(api: Api) -> None:
    assert sorted(api.json("/")["queries"]) == sorted(
        "fulltext lookup keys_filter regex eq noteq comparison contains in notin keypresent like "
        "specs access_tags_filter structure_family created".split()
    )
