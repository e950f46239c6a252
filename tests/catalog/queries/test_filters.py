"""Filters mean on every database what they mean in plain Python."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.models import Node
from catalog.queries.filters import FILTERS

from ..conftest import Api
from .filter_model import matches
from .strategies import encoded, filters, metadata

within_one_catalog = settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def put(nodes: list[dict[str, Any]]) -> None:
    """Make these the children of the root, under the keys 0, 1 and so on."""
    root = Node.objects.get(path="")
    Node.objects.exclude(path="").delete()
    Node.objects.bulk_create(
        Node(parent=root, key=str(key), path=str(key), structure_family="container", metadata=item)
        for key, item in enumerate(nodes)
    )


@within_one_catalog
@given(data=st.data())
def test_filters_match_like_a_plain_python_model(api: Api, data: st.DataObject) -> None:
    nodes = data.draw(st.lists(metadata, min_size=1, max_size=6))
    put(nodes)
    for parts, query in data.draw(st.lists(filters(nodes), min_size=4, max_size=8)):
        expected = [str(n) for n, node in enumerate(nodes) if matches(node, parts, query)]
        for endpoint in ("search", "search-deep"):
            answer = api.json(f"/{endpoint}/?fields=&{urlencode(encoded(query))}")
            assert [item["id"] for item in answer["data"]] == expected, query
            assert answer["meta"]["count"] == len(expected)


fields = st.sampled_from(
    [(name, field) for name, kind in FILTERS.items() for field in kind.fields]
    + [("eq", "operator"), ("nonsense", "key")]
)
garbage = st.sampled_from(
    ["null", "[]", "{}", '"', "1e400", "9" * 40, "true", '"\\ud800"', "a\0b", "$", "(", "((a+)+)+$"]
) | st.text(max_size=8)


@within_one_catalog
@given(
    query=st.lists(
        st.tuples(
            fields.map(lambda pair: f"filter[{pair[0]}][condition][{pair[1]}]")
            | st.sampled_from(
                ["sort", "metadata", "page[cursor]", "page[offset]", "page[limit]", "fields"]
            ),
            garbage,
        ),
        max_size=6,
    ),
    endpoint=st.sampled_from(["search", "search-deep", "distinct"]),
)
def test_no_query_however_malformed_is_a_failure_of_the_server(
    api: Api, query: list[tuple[str, str]], endpoint: str
) -> None:
    if not Node.objects.filter(path="0").exists():
        put([{"a": "x", "$": 1}])
    response = api.get(f"/{endpoint}/?{urlencode(query, errors='surrogatepass')}")
    assert response.status_code in {200, 400, 422}, response.content
