"""Walking through many containers takes few queries, and finds each node once, in order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from access.principals import Principal, Scope
from catalog.models import Node
from catalog.services.nodes import batches
from catalog.services.nodes.subtrees import Subtree

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> Node:
    root, _ = Node.objects.get_or_create(
        path="", defaults={"key": "", "structure_family": "container"}
    )
    return root


def grow(parent: Node, *widths: int) -> None:
    """Below `parent`, so many containers, each with so many and so on."""
    if not widths:
        return
    made = [
        Node(
            parent=parent,
            key=f"n{number}",
            path=f"{parent.path}/n{number}".lstrip("/"),
            structure_family="container",
        )
        for number in range(widths[0])
    ]
    for node in Node.objects.bulk_create(made):
        grow(node, *widths[1:])


def naive(node: Node, depth: int = 0) -> Iterator[tuple[int, str]]:
    yield depth, node.path
    for child in Node.objects.filter(parent=node).order_by("pk"):
        yield from naive(child, depth + 1)


def walked(root: Node) -> list[tuple[int, str]]:
    tree = Subtree(root, Principal(frozenset(Scope)))
    return [(depth, "/".join(part.node.segments)) for depth, part in tree.walk()]


@pytest.mark.parametrize("widths", [(500,), (40, 0), (5, 5, 5), (1,) * 12, (3, 30, 2), (2, 60)])
@pytest.mark.parametrize("together", [(200, 1000), (7, 10)])
def test_each_node_is_found_once_and_in_order(
    root: Node, widths: tuple[int, ...], together: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "PAGE", together[0])
    monkeypatch.setattr(batches, "TOGETHER", together[1])
    grow(root, *widths)
    assert walked(root) == list(naive(root))


def test_empty_containers_take_no_query_each(root: Node) -> None:
    grow(root, 400, 1)
    with CaptureQueriesContext(connection) as queries:
        assert len(walked(root)) == 801
    assert len(queries) < 40
