"""Who sees what, whatever was made and tagged before: against a tree that is walked."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from access.permissions.tag_permissions import NODE_SCOPES
from access.principals import Kind, Principal, Scope
from catalog.lookup.nodes import filter_descendants, resolve
from catalog.models import Node
from catalog.permissions.node_permissions import batch_check_nodes
from catalog.permissions.visibility import filter_visible, with_any_tag
from catalog.services.nodes.create import create_node
from catalog.services.nodes.deletion import delete_node
from catalog.services.nodes.drafts import Draft
from catalog.services.nodes.tags import tag_nodes
from tests.catalog.factories import settings_of, with_users
from tiled_client.wire.structure_family import StructureFamily

ALICE = Principal(NODE_SCOPES, uuid=uuid4(), kind=Kind.user, names=frozenset({"user:alice"}))
NAMES = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(NAMES, max_size=3).map("/".join)
TAGS = st.sets(st.sampled_from(["user:alice", "user:bob", "public"]), max_size=2)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("make"), PATHS, NAMES, TAGS),
        st.tuples(st.just("tag"), PATHS, st.booleans(), TAGS),
        st.tuples(st.just("delete"), PATHS, st.just(""), st.just(set[str]())),
    ),
    max_size=12,
)


@pytest.fixture(autouse=True)
def site(transactional_db: None) -> Iterator[None]:
    with settings_of(with_users()):
        yield


@settings(max_examples=40)
@given(STEPS)
def test_a_node_is_seen_if_and_only_if_the_whole_way_to_it_is(steps: list[tuple]) -> None:
    Node.objects.all()._raw_delete("default")
    Node.objects.create(path="", key="", structure_family="container")
    tree: dict[str, set[str]] = {}
    for what, path, detail, tags in steps:
        if path and path not in tree:
            continue
        if what == "make":
            child = f"{path}/{detail}".lstrip("/")
            if child not in tree:
                make(path, detail, tags)
                tree[child] = tags
        elif path:
            branch = [known for known in tree if f"{known}/".startswith(f"{path}/")]
            if what == "tag":
                tag_nodes(path=path, tags=sorted(tags), recursive=bool(detail))
                tree.update(dict.fromkeys(branch if detail else [path], tags))
            else:
                delete_node(path=path, recursive=True)
                for known in branch:
                    del tree[known]
    compare(tree)


def make(parent: str, key: str, tags: set[str]) -> None:
    draft = Draft(key, StructureFamily.container, {}, [], None, tags=sorted(tags))
    create_node(parent_path=parent, draft=draft)


def compare(tree: dict[str, set[str]]) -> None:
    seen = {path for path in tree if all(reads(tree[way]) for way in ways(path))}
    assert paths(filter_visible(Node.objects.all(), ALICE)) == seen
    written = {path for path in seen if "user:alice" in tree[path]}
    assert paths(filter_visible(Node.objects.all(), ALICE, Scope.write_data)) == written
    tagged = {path for path in tree if "public" in tree[path]}
    assert paths(Node.objects.filter(with_any_tag(["PUBLIC"]))) == tagged
    everything = list(filter_descendants(Node.objects.all(), ""))
    allowed = batch_check_nodes([(node.uuid, ALICE) for node in everything], Scope.read_metadata)
    assert {node.path for node, yes in zip(everything, allowed, strict=True) if yes} == seen
    for path in tree:
        assert resolve(path).path == path


def reads(tags: set[str]) -> bool:
    return bool(tags & {"user:alice", "public"})


def ways(path: str) -> list[str]:
    keys = path.split("/")
    return ["/".join(keys[:end]) for end in range(1, len(keys) + 1)]


def paths(nodes: object) -> set[str]:
    return {node.path for node in nodes}  # type: ignore[attr-defined]
