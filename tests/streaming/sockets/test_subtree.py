"""Which nodes a recursive subscription follows, with a fake session and a fake catalog."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from uuid import UUID, uuid4

import msgpack
import numpy as np
import pytest
from django.db import OperationalError

from access.principals import READ, Principal
from core.errors import NotFound, ServiceError
from streaming.protocol.cursor import Position
from streaming.protocol.notices import Feature, Gap, Reason
from streaming.protocol.subscription_options import SubscriptionOptions
from streaming.reading.entries import StreamEntry
from streaming.sockets.connections.authorization import AuthorizedNode
from streaming.sockets.multiplex import subtree
from streaming.sockets.multiplex.subtree import SubtreeSubscription, TooManyNodes
from tiled_client.wire.structures import ArrayStructure

PRINCIPAL = Principal(READ)
ARRAY = ArrayStructure.from_array(np.zeros(3))
START = SubscriptionOptions(start=5, recursive=True)


def container() -> AuthorizedNode:
    return AuthorizedNode(uuid4(), None, PRINCIPAL)


def array() -> AuthorizedNode:
    return AuthorizedNode(uuid4(), ARRAY, PRINCIPAL)


class FakeNodes:
    """A session that records what its recursive subscription does."""

    root = "run"

    def __init__(self) -> None:
        self.followed: dict[str, UUID] = {}
        self.steps: asyncio.Queue[tuple[str, object]] = asyncio.Queue()
        self.gone: set[str] = set()

    def uuid_at(self, path: str) -> UUID | None:
        return self.followed.get(path)

    async def add(self, path: str, node: AuthorizedNode, options: SubscriptionOptions) -> None:
        if path in self.gone:
            raise NotFound(f"No such entry: {path}")
        self.followed[path] = node.uuid
        self.steps.put_nowait((path, options.start))

    async def remove_deleted(self, path: str) -> None:
        del self.followed[path]
        self.steps.put_nowait((path, "deleted"))

    def start(self) -> None:
        self.steps.put_nowait(("", "started"))

    async def reject(self, error: ServiceError) -> None:
        self.steps.put_nowait(("", error.status))

    def fail(self, error: BaseException) -> None:
        self.steps.put_nowait(("", type(error)))

    async def take(self, count: int) -> list[tuple[str, object]]:
        return [await asyncio.wait_for(self.steps.get(), 5) for _ in range(count)]


class FakeCatalog:
    """The nodes below the root, and errors to raise first."""

    def __init__(self) -> None:
        self.nodes = {"run": container()}
        self.lists = 0
        self.errors: list[Exception] = []
        self.appears_in_second_list: dict[str, AuthorizedNode] = {}

    def authorize(self, path: list[str], principal: Principal) -> AuthorizedNode:
        return self.nodes["/".join(path)]

    def list_below(self, path: str, principal: Principal, limit: int) -> subtree.NodesByPath:
        self.lists += 1
        if self.lists == 2:
            self.nodes |= self.appears_in_second_list
        return self._answer(self.nodes, limit)

    def find(self, paths: Iterable[str], principal: Principal) -> subtree.NodesByPath:
        return self._answer({path: self.nodes[path] for path in paths}, 100)

    def _answer(self, nodes: subtree.NodesByPath, limit: int) -> subtree.NodesByPath:
        if self.errors:
            raise self.errors.pop(0)
        if len(nodes) > limit:
            raise TooManyNodes(limit)
        return {path: node for path, node in nodes.items() if path != "run"}


@pytest.fixture
def catalog(monkeypatch: pytest.MonkeyPatch) -> FakeCatalog:
    fake = FakeCatalog()
    monkeypatch.setattr(subtree, "authorize_node", fake.authorize)
    monkeypatch.setattr(subtree, "_list_below", fake.list_below)
    monkeypatch.setattr(subtree, "_find", fake.find)
    monkeypatch.setattr(subtree, "RETRY_SECONDS", 0.01)
    return fake


@pytest.fixture
async def nodes() -> FakeNodes:
    return FakeNodes()


@pytest.fixture
async def subscription(
    nodes: FakeNodes, catalog: FakeCatalog
) -> AsyncIterator[SubtreeSubscription]:
    opened = SubtreeSubscription(nodes, PRINCIPAL, START, 5)
    yield opened
    opened.close()


def created(key: str) -> StreamEntry:
    return StreamEntry(Position(1), msgpack.packb({"type": "container-child-created", "key": key}))


async def test_containers_come_first_and_nodes_of_the_second_list_from_their_beginning(
    catalog: FakeCatalog, nodes: FakeNodes, subscription: SubtreeSubscription
) -> None:
    catalog.nodes |= {"run/a": array(), "run/box": container()}
    catalog.appears_in_second_list = {"run/late": array()}
    await subscription.open()
    steps = [("run", 5), ("run/box", 5), ("run/a", 5), ("run/late", 0), ("", "started")]
    assert await nodes.take(5) == steps


async def test_an_announced_child_is_followed_from_its_beginning(
    catalog: FakeCatalog, nodes: FakeNodes, subscription: SubtreeSubscription
) -> None:
    await subscription.open()
    assert await nodes.take(2) == [("run", 5), ("", "started")]
    catalog.nodes["run/a"] = array()
    entry = created("a")
    assert subscription.observe("run", [entry]) == [entry]
    assert await nodes.take(1) == [("run/a", 0)]


async def test_after_a_gap_all_is_listed_and_the_gap_is_sent_only_if_requested(
    catalog: FakeCatalog, nodes: FakeNodes, subscription: SubtreeSubscription
) -> None:
    await subscription.open()
    await nodes.take(2)
    catalog.nodes["run/a"] = array()
    gap = Gap("e", 1, 2, Reason.expired)
    assert subscription.observe("run", [gap]) == []
    assert await nodes.take(1) == [("run/a", 0)]
    knowing = SubscriptionOptions(features=frozenset({Feature.gap}), recursive=True)
    assert SubtreeSubscription(nodes, PRINCIPAL, knowing, 3).observe("run", [gap]) == [gap]


async def test_a_node_created_again_under_its_path_replaces_the_deleted_one(
    catalog: FakeCatalog, nodes: FakeNodes, subscription: SubtreeSubscription
) -> None:
    catalog.nodes["run/a"] = array()
    await subscription.open()
    await nodes.take(3)
    catalog.nodes["run/a"] = array()
    subscription.observe("run", [created("a")])
    assert await nodes.take(2) == [("run/a", "deleted"), ("run/a", 0)]
    assert nodes.followed["run/a"] == catalog.nodes["run/a"].uuid


async def test_a_node_deleted_since_it_was_listed_is_left_out(
    catalog: FakeCatalog, nodes: FakeNodes, subscription: SubtreeSubscription
) -> None:
    catalog.nodes["run/a"] = array()
    nodes.gone.add("run/a")
    await subscription.open()
    assert await nodes.take(2) == [("run", 5), ("", "started")]


async def test_a_scan_is_repeated_while_the_database_is_unavailable(
    catalog: FakeCatalog, nodes: FakeNodes, subscription: SubtreeSubscription
) -> None:
    await subscription.open()
    await nodes.take(2)
    catalog.nodes["run/a"] = array()
    catalog.errors = [OperationalError("database is locked"), OperationalError("away")]
    subscription.rescan()
    assert await nodes.take(1) == [("run/a", 0)]
    catalog.errors = [OperationalError("no such table: catalog_node")]
    subscription.rescan()
    assert await nodes.take(1) == [("", OperationalError)]


async def test_too_many_nodes_refuse_the_subscription_and_later_end_it(
    catalog: FakeCatalog, nodes: FakeNodes, subscription: SubtreeSubscription
) -> None:
    await subscription.open()
    await nodes.take(2)
    catalog.nodes |= {f"run/{number}": array() for number in range(9)}
    subscription.rescan()
    assert await nodes.take(1) == [("", TooManyNodes.status)]
    with pytest.raises(TooManyNodes):
        await SubtreeSubscription(FakeNodes(), PRINCIPAL, START, 3).open()
