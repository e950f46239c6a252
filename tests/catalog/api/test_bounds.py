"""Whatever one client declares or asks for is bounded, and the refusal names the setting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import numpy as np
import orjson
import pytest
from django.db import connection

from catalog.models import Node
from catalog.queries import sizes
from catalog.queries.deadlines import statement_deadline
from core.cancellation import CancellationToken, Cancelled, call
from tests.catalog.conftest import Api, detail
from tiled_client.wire.structures import ArrayStructure

Bound = Callable[..., None]
SLOW = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000)"
    " SELECT count(*) FROM n",
    "postgresql": "SELECT count(*) FROM generate_series(1, 1000000000)",
}


@pytest.fixture
def bound(settings: Any) -> Bound:
    """Set bounds for the test."""

    def change(**bounds: Any) -> None:
        changed = settings.TILED.bounds.model_copy(update=bounds)
        settings.TILED = settings.TILED.model_copy(update={"bounds": changed})

    return change


def node(api: Api, key: str, metadata: Any) -> int:
    body = {"id": key, "structure_family": "container", "metadata": metadata, "specs": []}
    return api.send("POST", "/metadata/", body).status_code


def test_a_json_body_is_refused_by_its_size_and_its_values_before_it_is_parsed(
    api: Api, bound: Bound
) -> None:
    bound(json_body=1000, json_values=100)
    for body, name in ((b"[" * 1001, "json_body"), (b"[],[" * 60, "json_values")):
        for method, address in (
            ("POST", "/metadata/"),
            ("PUT", "/metadata/"),
            ("PATCH", "/metadata/"),
            ("POST", "/register/"),
            ("POST", "/container/full/"),
        ):
            refused = api.send(method, address, body)
            assert (refused.status_code, f"bounds.{name}" in detail(refused)) == (413, True), (
                address,
                detail(refused),
            )


def test_metadata_is_bounded_on_every_way_to_set_it(api: Api, bound: Bound) -> None:
    assert node(api, "x", {"a": "b" * 900}) == 200
    bound(metadata=1000)
    large = {"a": "b" * 1000}
    assert node(api, "y", large) == 413
    json_patch = {"content-type": "application/json-patch+json", "specs": None}
    merge_patch = {"content-type": "application/merge-patch+json", "specs": None}
    for method, body in (
        ("PUT", {"metadata": large}),
        ("PATCH", {**json_patch, "metadata": [{"op": "add", "path": "/c", "value": "d" * 200}]}),
        ("PATCH", {**merge_patch, "metadata": {"c": "d" * 200}}),
    ):
        refused = api.send(method, "/metadata/x", body)
        assert (refused.status_code, "bounds.metadata" in detail(refused)) == (413, True)
    attributes = api.json("/metadata/x")["data"]["attributes"]
    assert attributes["metadata"] == {"a": "b" * 900}


def test_a_patch_is_rejected_at_the_operation_by_which_the_document_exceeds_its_bound(
    api: Api,
) -> None:
    """Ten copies of a document into itself: the last operation, which would mend it, is not met."""
    assert node(api, "x", {"a": "b" * 600_000}) == 200
    copies = [{"op": "copy", "from": "", "path": f"/c{number}"} for number in range(10)]
    patch = [*copies, {"op": "replace", "path": "", "value": {}}]
    body = {"content-type": "application/json-patch+json", "specs": None, "metadata": patch}
    refused = api.send("PATCH", "/metadata/x", body)
    assert (refused.status_code, "bounds.metadata" in detail(refused)) == (413, True)


def test_a_patch_that_grows_and_shrinks_is_applied(api: Api, bound: Bound) -> None:
    bound(metadata=1024)
    assert node(api, "x", {"a": []}) == 200
    add = {"op": "add", "path": "/a/-", "value": "b" * 100}
    patch = [part for _ in range(50) for part in (add, {"op": "remove", "path": "/a/0"})]
    body = {"content-type": "application/json-patch+json", "specs": None, "metadata": [*patch, add]}
    assert api.send("PATCH", "/metadata/x", body).status_code == 200
    assert api.json("/metadata/x")["data"]["attributes"]["metadata"] == {"a": ["b" * 100]}


DOUBLED = "|".join(["[@,@]"] * 60)


@pytest.mark.parametrize(
    "expression",
    [
        DOUBLED,
        "|".join(["{a:@,b:@}"] * 60),
        "|".join(["[@,@][]"] * 60),
        f"{DOUBLED}|to_string(@)",
        f"({DOUBLED})==({DOUBLED})",
        f"contains({DOUBLED},@)",
        "|".join(["[a,a][].a"] * 3 + ["[@,@][]"] * 40) + "|join(to_string(a),@)",
        "a" * 5000,
    ],
)
def test_a_selection_that_multiplies_is_refused_at_once(api: Api, expression: str) -> None:
    metadata = {"a": [{"b": "c" * 100}] * 10}
    assert node(api, "x", metadata) == 200
    for address in ("/metadata/x", "/search/"):
        begun = time.thread_time()
        response = api.get(f"{address}?select_metadata={quote(expression)}")
        assert time.thread_time() - begun < 5
        if response.status_code == 200:  # nothing was selected
            assert len(response.content) < 5000
        else:
            assert response.status_code == 400
            assert "select_metadata" in detail(response)


@pytest.mark.parametrize(
    ("expression", "selected"),
    [
        ("a[?b>`1`].b | sort(@)", [2, 3]),
        ("[a, a] | [0][0]", {"b": 1}),
        ("sort_by(a, &b)[-1].b", 3),
        ("join(', ', c)", "x, y"),
        ("a[].b | sum(@)", 6),
        ("a == a", True),
        ("{first: a[0].b, rest: a[1:].b}", {"first": 1, "rest": [3, 2]}),
    ],
)
def test_a_selection_within_bounds_is_that_of_jmespath(
    api: Api, expression: str, selected: Any
) -> None:
    assert node(api, "x", {"a": [{"b": 1}, {"b": 3}, {"b": 2}], "c": ["x", "y"]}) == 200
    found = api.json(f"/metadata/x?select_metadata={quote(expression)}")
    assert found["data"]["attributes"]["metadata"] == {"selected": selected}


def test_chunks_are_counted_over_all_dimensions(api: Api, bound: Bound) -> None:
    bound(chunks=10)
    structure = ArrayStructure.from_array(np.zeros((6, 6), "u1"))
    many = ArrayStructure(structure.data_type, (6, 6), ((1,) * 6, (1,) * 6))
    refused = api.create("x", "array", many)
    assert (refused.status_code, "bounds.chunks" in detail(refused)) == (422, True)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        (
            "filter[regex][condition][key]=a&filter[regex][condition][pattern]=b&" * 6,
            "regex_filters",
        ),
        ("filter[eq][condition][key]=a&filter[eq][condition][value]=1&" * 101, "filters"),
        (
            f"filter[eq][condition][key]={'.'.join('a' * 50)}&filter[eq][condition][value]=1&" * 11,
            "filter_keys",
        ),
        (
            "filter[regex][condition][key]=a&filter[regex][condition][pattern]="
            + quote("((a?){30}){30}"),
            "regex_size",
        ),
    ],
)
def test_the_size_of_a_search_is_bounded(api: Api, query: str, name: str) -> None:
    for address in ("/search/", "/search-deep/"):
        refused = api.get(f"{address}?{query}")
        assert (refused.status_code, f"bounds.{name}" in detail(refused)) == (400, True)


def test_a_search_ends_at_its_deadline_and_the_connection_is_as_before(
    api: Api, bound: Bound
) -> None:
    for number in range(30):
        assert node(api, f"x{number}", {"a": "a" * 5000}) == 200
    bound(search_seconds=0.0001)
    if connection.vendor == "sqlite":
        bound(search_seconds=1e-9)
    with pytest.raises(Exception, match=r"bounds.search_seconds") as refused, statement_deadline():
        _count()
    assert getattr(refused.value, "status", None) == 400
    bound(search_seconds=30)
    assert api.json("/search/")["meta"]["count"] == 30


def test_a_search_is_cancelled_when_its_client_disconnects(api: Api) -> None:
    token = CancellationToken()
    timer = threading.Timer(0.3, token.cancel)
    timer.start()
    begun = time.monotonic()

    def search() -> None:
        with statement_deadline():
            _count()

    with pytest.raises(Cancelled):
        call(token, search)
    assert time.monotonic() - begun < 10
    timer.join()
    assert Node.objects.filter(path="").count() == 1
    assert api.json("/search/")["meta"]["count"] == 0


def _count() -> None:
    with connection.cursor() as cursor:
        cursor.execute(SLOW[connection.vendor])
        cursor.fetchall()


def test_a_page_that_is_too_large_is_shorter_and_its_links_lead_through_all(
    api: Api, bound: Bound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizes, "MAX_UNCHECKED_ROWS", 1)
    keys = [f"x{number}" for number in range(14)]
    for number, key in enumerate(keys):
        assert node(api, key, {"n": number, "a": "b" * (10_000 if number % 3 else 90_000)}) == 200
    bound(listing=1 << 16)
    for query in ("", "?page[limit]=10", "?sort=-n", "?sort=-", "?fields=metadata"):
        found: list[str] = []
        address: str | None = f"/search/{query}"
        pages = 0
        while address:
            page = api.json(address)
            assert page["meta"]["count"] == 14
            assert len(orjson.dumps(page)) < 100_000
            found += [entry["id"] for entry in page["data"]]
            following = page["links"]["next"]
            address = following and following.partition("/api/v1")[2]
            if address and query.startswith(("?sort", "?fields")):
                address += "&" + query[1:]
            pages += 1
        assert (found if "-" not in query else found[::-1]) == keys
        assert pages > 3


def test_revisions_and_distinct_values_are_bounded_in_bytes(api: Api, bound: Bound) -> None:
    assert node(api, "x", {}) == 200
    for number in range(12):
        body = {"metadata": {"n": number, "text": "a" * 20_000}}
        assert api.send("PUT", "/metadata/x", body).status_code == 200
        assert node(api, f"x{number}", body["metadata"]) == 200
    bound(listing=70_000, distinct=300_000)
    numbers, address = [], "/revisions/x?page[limit]=300"
    while address:
        page = api.json(address)
        numbers += [one["revision_number"] for one in page["data"]]
        assert 0 < len(page["data"]) <= 8
        address = (page["links"]["next"] or "").partition("/api/v1")[2]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == page["meta"]["count"] == 12
    assert len(api.json("/distinct/?metadata=n&counts=true")["metadata"]["n"]) == 12
    assert api.send("GET", "/distinct/?metadata=text").status_code == 200
    bound(distinct=65_536)
    assert api.send("GET", "/distinct/?metadata=n").status_code == 200
    for number in range(12):
        other = {"metadata": {"n": number, "list": [number, "b" * 10_000]}}
        assert api.send("PUT", f"/metadata/x{number}", other).status_code == 200
    refused = api.send("GET", "/distinct/?metadata=list")
    assert (refused.status_code, "bounds.distinct" in detail(refused)) == (400, True)


def test_repeated_reads_of_a_large_value_count_as_steps(api: Api) -> None:
    assert node(api, "x", {"a": list(range(1000, 60_000))}) == 200
    doubled = "[@]|" + "[*].[@,@][]|" * 12
    for part in ("[?contains(a, 'z')]", "[?a == `1`]", "[?max(a) == `1`]"):
        begun = time.perf_counter()
        refused = api.send("GET", f"/metadata/x?select_metadata={quote(doubled + part)}")
        assert (refused.status_code, "bounds.selection_steps" in detail(refused)) == (400, True)
        assert time.perf_counter() - begun < 5
