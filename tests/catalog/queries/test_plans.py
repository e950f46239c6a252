"""Frequent queries are answered from indexes: no table of nodes is read through."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Node

from ..conftest import Api

CHILDREN = 600


def condition(kind: str, **values: str) -> str:
    return urlencode(
        {f"filter[{kind}][condition][{name}]": value for name, value in values.items()}
    )


@pytest.fixture
def large(api: Api) -> Iterator[Api]:
    """Two containers with many children, of which the database knows how many they are."""
    for key in ("a", "b"):
        api.container(key)
        parent = Node.objects.get(path=key)
        Node.objects.bulk_create(
            Node(
                parent=parent,
                key=f"k{n}",
                path=f"{key}/k{n}",
                structure_family="container",
                metadata={"n": n, "even": n % 2 == 0, "note": f"word{n} common"},
                specs=[{"name": f"s{n % 100}", "version": None}],
            )
            for n in range(CHILDREN)
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        if connection.vendor == "postgresql":
            # So few nodes are read through in no time; the question is what else can be done.
            cursor.execute("SET enable_seqscan = off")
    yield api
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("RESET ALL")


def plans(api: Api, address: str) -> str:
    """How the database answers all that the request asks of it."""
    with CaptureQueriesContext(connection) as captured:
        assert api.get(address).status_code == 200
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    lines = []
    for query in captured.captured_queries:
        # A statement with a deadline is sent together with what sets it.
        sql = DEADLINE.sub("", query["sql"])
        if sql.startswith("SELECT"):
            with connection.cursor() as cursor:
                cursor.execute(f"{explain} {sql}")
                lines += [str(row[-1]) for row in cursor.fetchall()]
    return "\n".join(lines)


DEADLINE = re.compile(r"(SET LOCAL [^;]+; )+")
NODES_READ_THROUGH = re.compile(r"Seq Scan on catalog_node\b|SCAN catalog_node(?! USING)")


CHILDREN_INDEX = "children_in_order|parent_id"
ASKED = [
    ("/search/a", "children_in_order"),
    ("/search/a?sort=-&page[limit]=10", "children_in_order"),
    (f"/search/a?page[offset]={CHILDREN - 10}", "children_in_order"),
    ("/search/a?page[cursor]=300", "children_in_order"),
    ("/search/a?fields=count", CHILDREN_INDEX),
    ("/search/a?sort=id", "unique_key_per_parent|sqlite_autoindex_catalog_node_3"),
    ("/metadata/a/k7", "path"),
    (f"/search/a?{condition('lookup', key='k7')}", r"unique_key_per_parent|key=\?"),
    (f"/search/a?{condition('eq', key='n', value='7')}", "catalog_node_metadata|catalog_term"),
    (
        f"/search-deep/?{condition('eq', key='n', value='7')}",
        "catalog_node_metadata|catalog_term",
    ),
    (
        f"/search/a?{condition('in', key='n', value='[7,8]')}",
        "catalog_node_metadata|catalog_term",
    ),
    (f"/search/a?{condition('fulltext', text='word7')}", "catalog_node_terms|catalog_term"),
    (f"/search-deep/?{condition('fulltext', text='word7')}", "catalog_node_terms|catalog_term"),
    (f"/search/a?{condition('comparison', operator='gt', key='n', value='7')}", CHILDREN_INDEX),
    ("/search/a?sort=n", CHILDREN_INDEX),
    ("/search-deep/a", "path|PRIMARY KEY|pkey"),
    ("/distinct/a?metadata=even&counts=true", CHILDREN_INDEX),
]


def test_no_listing_reads_all_nodes(large: Api) -> None:
    for address, index in ASKED:
        plan = plans(large, address)
        assert not NODES_READ_THROUGH.search(plan), (address, plan)
        # Which index is best for some hundreds of nodes, PostgreSQL finds otherwise than for many.
        assert connection.vendor == "postgresql" or re.search(index, plan), (address, plan)


POSTGRESQL_INDEXES = [
    (condition("eq", key="n", value="7"), "catalog_node_metadata"),
    (condition("eq", key="n", value="null"), "catalog_node_metadata"),
    (condition("in", key="n", value="[7,8]"), "catalog_node_metadata"),
    (condition("contains", key="list", value="7"), "catalog_node_metadata"),
    (condition("fulltext", text="word7"), "catalog_node_terms"),
    (condition("specs", include='["s7"]'), "catalog_node_specs"),
]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's own indexes")
def test_postgresql_can_take_its_indexes_of_metadata(api: Api) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute("SET enable_indexscan = off")
        try:
            for asked, index in POSTGRESQL_INDEXES:
                plan = plans(api, f"/search-deep/?{asked}")
                assert f"Bitmap Index Scan on {index}" in plan, (asked, plan)
        finally:
            cursor.execute("RESET ALL")
